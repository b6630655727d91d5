"""Labels for annotation tools and viewers: boxes as COCO and YOLO, outlines as DS9 regions on the native image."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count, groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, TextIO

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue.cells import finite_or_none
from mars_aurora.catalogue.rows import Rows, pair
from mars_aurora.catalogue.tables import RowTable
from mars_aurora.geometry.canvas import HEIGHT, WIDTH
from mars_aurora.run.escaping import escape_member
from mars_aurora.run.keys import RunPaths, key_name
from mars_aurora.run.ledger import PICTURED, Record
from mars_aurora.run.provenance import Provenance

CLASSES = ("mars", "aurora")  # the index is the number of a class in YOLO; its id in COCO is one more: 0 is no label


def write_coco(path: Path, pictures: Pictures) -> int:
    """Write COCO annotations of all pictures of the run, with and without auroras. Boxes are in canvas pixels.

    Boxes of Mars and of auroras, which have their outlines. ``info`` has the provenance, besides the fields of COCO.
    Each picture and each annotation is on a line. Returns the number of annotations.
    """
    provenance, annotations = pictures.provenance, 0
    info = {"description": "Auroras on Mars found by mars-aurora", "date_created": provenance.created_utc}
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f'{{"info": {json.dumps(info | provenance.to_dict())}, ')
        file.write(f'"categories": {json.dumps(coco_categories())}, "images": [')
        _write_items(file, map(_describe_image, count(1), pictures.list_boxed()))
        file.write('], "annotations": [')
        annotations = _write_items(file, _list_annotations(pictures))
        file.write("]}\n")
    return annotations


def _write_items(file: TextIO, items: Iterable[dict[str, Any]]) -> int:
    """Write JSON objects as the items of a list, one a line; return their number."""
    number = 0
    for number, item in enumerate(items, 1):
        file.write((",\n" if number > 1 else "\n") + json.dumps(item))
    file.write("\n")
    return number


def _describe_image(number: int, boxed: _Boxes) -> dict[str, Any]:
    return {"id": number, "file_name": RunPaths().image(boxed.name), "width": WIDTH, "height": HEIGHT}


def _list_annotations(pictures: Pictures) -> Iterator[dict[str, Any]]:
    numbers = count(1)
    for image, boxed in enumerate(pictures.list_boxed(), 1):
        for annotation in boxed.annotations():
            yield {"id": next(numbers), "image_id": image, **annotation}


def write_yolo(path: Path, pictures: Pictures) -> int:
    """Write YOLO labels as a zip file to be unpacked beside images/; return the number of boxes.

    It has data.yaml and classes.txt, one text file per picture, with or without auroras, and provenance.json.
    """
    boxes = 0

    def list_members() -> Iterator[tuple[str, str]]:
        nonlocal boxes
        yield from describe_classes().items()
        for boxed in pictures.list_boxed():
            lines = [f"{line}\n" for line in boxed.lines()]
            boxes += len(lines)
            yield _member("labels", boxed.name, ".txt"), "".join(lines)

    _zip(path, list_members(), pictures.provenance)
    return boxes


@dataclass(frozen=True)
class Pictures:
    """The pictures of a run and their auroras: records and detections in the same order, whose texts are escaped."""

    records: Rows[Record]
    auroras: Rows[Aurora]
    provenance: Provenance

    def list_boxed(self) -> Iterator[_Boxes]:
        """Yield the boxes of each picture, in the order of the records.

        Diffuse auroras are left out: a box cannot teach what has no edge in the picture.
        """
        for record, found in pair(self.records, self.auroras):
            if record.outcome in PICTURED:
                yield _Boxes(record.name, record.mars_box, [aurora for aurora in found if not aurora.is_diffuse])


@dataclass(frozen=True)
class _Boxes:
    """The boxes of one picture."""

    name: str
    mars_box: tuple[float, ...] | None
    auroras: list[Aurora]

    def annotations(self) -> Iterator[dict[str, Any]]:
        """Yield the members of COCO annotations but for their ids."""
        if self.mars_box:
            yield {**coco_box("mars", *self.mars_box), "iscrowd": 0}
        for aurora in self.auroras:
            yield {
                **coco_box("aurora", *_corners(aurora)),
                "segmentation": _segmentation(aurora),
                "iscrowd": 0,
                "score": finite_or_none(aurora.confidence),
                "brightness_R": finite_or_none(aurora.mean_brightness_R),
            }

    def lines(self) -> Iterator[str]:
        if self.mars_box:
            yield yolo_line("mars", *self.mars_box)
        for aurora in self.auroras:
            yield yolo_line("aurora", *_corners(aurora))


def _segmentation(aurora: Aurora) -> list[list[float]]:
    """Return the outline of an aurora on the picture: x and y of the corners of each part."""
    return [[float(number) for number in part.split(",")] for part in aurora.picture_outline.split(";") if part]


def write_ds9(path: Path, table: RowTable[Aurora]) -> int:
    """Write outlines as a zip file of DS9 regions on the native image (x: slit bin, y: integration, both from 1).

    It has one region file per picture with auroras, and provenance.json. Returns the number of polygons.
    """
    polygons = 0

    def list_members() -> Iterator[tuple[str, str]]:
        nonlocal polygons
        for name, auroras in groupby(table.rows, attrgetter("name")):
            lines = ["# Region file format: DS9 version 4.1", "global color=cyan", "image"]
            for aurora in auroras:
                note = f"# text={{{aurora.detection}: {aurora.mean_brightness_R:.1f} R}}"
                parts = aurora.native_outline.split(";")
                lines += [f"polygon({part}) {note}" for part in parts]
                polygons += len(parts)
            yield _member("regions", name, ".reg"), "\n".join(lines) + "\n"

    _zip(path, list_members(), table.provenance)
    return polygons


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
    """Return the category, box (x, y, width, height) and area of a COCO annotation without outline.

    Corners are in canvas pixels.
    """
    width, height = x1 - x0, y1 - y0
    box = {"bbox": [x0, y0, width, height], "area": width * height, "segmentation": []}
    return {"category_id": CLASSES.index(label) + 1, **box}


def coco_categories() -> list[dict[str, Any]]:
    """Return the COCO categories of `CLASSES`."""
    return [{"id": number, "name": name} for number, name in enumerate(CLASSES, 1)]


def describe_classes() -> dict[str, str]:
    """Return the files that name the classes of a YOLO set, by name; its pictures are in images/, boxes in labels/."""
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CLASSES))
    data = f"path: .\ntrain: images\nval: images\nnames:\n{names}"
    return {"data.yaml": data, "classes.txt": "".join(f"{name}\n" for name in CLASSES)}


def _zip(path: Path, members: Iterable[tuple[str, str]], provenance: Provenance) -> None:
    """Make a zip file of texts and the provenance with a fixed time stamp, so that the bytes are reproducible."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in chain(members, [("provenance.json", provenance.to_json())]):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)


def _corners(aurora: Aurora) -> tuple[float, float, float, float]:
    return aurora.box_x0, aurora.box_y0, aurora.box_x1, aurora.box_y1
