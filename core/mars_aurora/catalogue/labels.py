"""Boxes for people and programs that look at pictures: COCO, YOLO, and DS9 regions on the native image."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

from mars_aurora.aurora import Aurora
from mars_aurora.geometry.canvas import HEIGHT, WIDTH
from mars_aurora.run.ledger import Outcome, Record

CLASSES = ("mars", "aurora")  # YOLO class numbers, and COCO category ids
PICTURED = (Outcome.AURORA, Outcome.NO_AURORA, Outcome.DISCARDED)


def to_coco(records: Iterable[Record], auroras: Sequence[Aurora]) -> bytes:
    """Write COCO annotations of all pictures of the run, with and without auroras; boxes in canvas pixels."""
    names = [record.name for record in records if record.outcome in PICTURED]
    number = {name: order for order, name in enumerate(names, 1)}
    images = [
        {"id": number[name], "file_name": f"images/{name}.png", "width": WIDTH, "height": HEIGHT} for name in names
    ]
    annotations = [_annotation(order, number[aurora.name], aurora) for order, aurora in enumerate(auroras, 1)]
    categories = [{"id": order, "name": name} for order, name in enumerate(CLASSES)]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()


def to_yolo(records: Iterable[Record], auroras: Sequence[Aurora]) -> bytes:
    """Write YOLO labels, a zip with one text file for each picture with auroras."""
    lines: dict[str, list[str]] = {record.name: [] for record in records if record.outcome is Outcome.AURORA}
    for aurora in auroras:
        x, y = (aurora.box_x0 + aurora.box_x1) / 2 / WIDTH, (aurora.box_y0 + aurora.box_y1) / 2 / HEIGHT
        width, height = (aurora.box_x1 - aurora.box_x0) / WIDTH, (aurora.box_y1 - aurora.box_y0) / HEIGHT
        lines[aurora.name].append(f"{CLASSES.index('aurora')} {x:.6f} {y:.6f} {width:.6f} {height:.6f}\n")
    return _zip({f"labels/{name}.txt": "".join(found) for name, found in lines.items()})


def to_ds9(auroras: Iterable[Aurora]) -> bytes:
    """Write outlines as DS9 regions on the native image (slit bins across, integrations up), zipped."""
    lines: dict[str, list[str]] = {}
    for aurora in auroras:
        found = lines.setdefault(aurora.name, ["# Region file format: DS9 version 4.1", "global color=cyan", "image"])
        note = f"# text={{{aurora.detection}: {aurora.mean_brightness_R:.1f} R}}"
        found += [f"polygon({part}) {note}" for part in aurora.native_outline.split(";")]
    return _zip({f"regions/{name}.reg": "\n".join(found) + "\n" for name, found in lines.items()})


def _zip(members: dict[str, str]) -> bytes:
    """Pack texts; same input, same bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return stream.getvalue()


def _annotation(number: int, image: int, aurora: Aurora) -> dict[str, Any]:
    width, height = aurora.box_x1 - aurora.box_x0, aurora.box_y1 - aurora.box_y0
    return {
        "id": number,
        "image_id": image,
        "category_id": CLASSES.index("aurora"),
        "bbox": [aurora.box_x0, aurora.box_y0, width, height],
        "area": width * height,
        "iscrowd": 0,
        "score": aurora.confidence,
        "brightness_R": aurora.mean_brightness_R,
    }
