"""Labels for annotation tools and viewers: boxes as COCO and YOLO, outlines as DS9 regions on the native image."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue.cells import finite_or_none
from mars_aurora.geometry.canvas import HEIGHT, WIDTH
from mars_aurora.run.escaping import escape_member
from mars_aurora.run.keys import RunPaths, key_name
from mars_aurora.run.ledger import PICTURED, Outcome, Record
from mars_aurora.run.provenance import Provenance

CLASSES = ("mars", "aurora")  # the index is the YOLO class number and the COCO category id


def select_boxed(auroras: Iterable[Aurora]) -> list[Aurora]:
    """Select the auroras that a box can teach: not the diffuse ones, which have no edge in the picture."""
    return [aurora for aurora in auroras if not aurora.is_diffuse]


def to_coco(records: Iterable[Record], auroras: Sequence[Aurora], provenance: Provenance) -> bytes:
    """Write COCO annotations of all pictures of the run, with and without auroras. Boxes are in canvas pixels.

    ``info`` has the provenance, besides the fields of COCO.
    """
    names = [record.name for record in records if record.outcome in PICTURED]
    number = {name: order for order, name in enumerate(names, 1)}
    images = [
        {"id": number[name], "file_name": RunPaths().image(name), "width": WIDTH, "height": HEIGHT} for name in names
    ]
    boxed = select_boxed(auroras)
    annotations = [_annotation(order, number[aurora.name], aurora) for order, aurora in enumerate(boxed, 1)]
    info = {"description": "Auroras on Mars found by mars-aurora", "date_created": provenance.created_utc}
    return json.dumps(
        {
            "info": info | provenance.to_dict(),
            "images": images,
            "annotations": annotations,
            "categories": coco_categories(),
        }
    ).encode()


def to_yolo(records: Iterable[Record], auroras: Sequence[Aurora], provenance: Provenance) -> bytes:
    """Write YOLO labels as a zip file with one text file per picture with auroras, and provenance.json."""
    lines: dict[str, list[str]] = {record.name: [] for record in records if record.outcome is Outcome.AURORA}
    for aurora in select_boxed(auroras):
        lines[aurora.name].append(yolo_line("aurora", *_corners(aurora)) + "\n")
    return _zip({_member("labels", name, ".txt"): "".join(found) for name, found in lines.items()}, provenance)


def to_ds9(auroras: Iterable[Aurora], provenance: Provenance) -> bytes:
    """Write outlines as a zip file of DS9 regions on the native image (x: slit bin, y: integration, both from 1).

    It has one region file per picture with auroras, and provenance.json.
    """
    lines: dict[str, list[str]] = {}
    for aurora in auroras:
        found = lines.setdefault(aurora.name, ["# Region file format: DS9 version 4.1", "global color=cyan", "image"])
        note = f"# text={{{aurora.detection}: {aurora.mean_brightness_R:.1f} R}}"
        found += [f"polygon({part}) {note}" for part in aurora.native_outline.split(";")]
    regions = {_member("regions", name, ".reg"): "\n".join(found) + "\n" for name, found in lines.items()}
    return _zip(regions, provenance)


def _member(folder: str, name: str, suffix: str) -> str:
    """Return the path of the file of an input in a zip file, named as its picture is."""
    return f"{folder}/{escape_member(key_name(name))}{suffix}"


def yolo_line(label: str, x0: float, y0: float, x1: float, y1: float) -> str:
    """Return a line of YOLO: class number, center x, y, width and height as fractions of the picture.

    Corners are in canvas pixels.
    """
    x, y = (x0 + x1) / 2 / WIDTH, (y0 + y1) / 2 / HEIGHT
    width, height = (x1 - x0) / WIDTH, (y1 - y0) / HEIGHT
    return f"{CLASSES.index(label)} {x:.6f} {y:.6f} {width:.6f} {height:.6f}"


def coco_box(label: str, x0: float, y0: float, x1: float, y1: float) -> dict[str, Any]:
    """Return the category, box (x, y, width, height) and area of a COCO annotation; corners in canvas pixels."""
    width, height = x1 - x0, y1 - y0
    return {"category_id": CLASSES.index(label), "bbox": [x0, y0, width, height], "area": width * height}


def coco_categories() -> list[dict[str, Any]]:
    """Return the COCO categories of `CLASSES`."""
    return [{"id": number, "name": name} for number, name in enumerate(CLASSES)]


def _zip(members: dict[str, str], provenance: Provenance) -> bytes:
    """Make a zip file of texts and the provenance with a fixed time stamp, so that the bytes are reproducible."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in {**members, "provenance.json": provenance.to_json()}.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return stream.getvalue()


def _corners(aurora: Aurora) -> tuple[float, float, float, float]:
    return aurora.box_x0, aurora.box_y0, aurora.box_x1, aurora.box_y1


def _annotation(number: int, image: int, aurora: Aurora) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": image,
        **coco_box("aurora", *_corners(aurora)),
        "iscrowd": 0,
        "score": finite_or_none(aurora.confidence),
        "brightness_R": finite_or_none(aurora.mean_brightness_R),
    }
