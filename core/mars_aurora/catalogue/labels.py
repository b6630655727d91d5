"""Boxes for people and programs that look at pictures: COCO, YOLO, and DS9 regions on the native image."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

from mars_aurora.aurora import Aurora
from mars_aurora.canvas import HEIGHT, WIDTH
from mars_aurora.ledger import Outcome, Record

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
    """Write YOLO labels, a zip with one text file a picture with auroras; same input, same bytes."""
    lines: dict[str, list[str]] = {record.name: [] for record in records if record.outcome is Outcome.AURORA}
    for aurora in auroras:
        x, y = (aurora.box_x0 + aurora.box_x1) / 2 / WIDTH, (aurora.box_y0 + aurora.box_y1) / 2 / HEIGHT
        width, height = (aurora.box_x1 - aurora.box_x0) / WIDTH, (aurora.box_y1 - aurora.box_y0) / HEIGHT
        lines[aurora.name].append(f"{CLASSES.index('aurora')} {x:.6f} {y:.6f} {width:.6f} {height:.6f}\n")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, found in lines.items():
            archive.writestr(zipfile.ZipInfo(f"labels/{name}.txt", (1980, 1, 1, 0, 0, 0)), "".join(found))
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
