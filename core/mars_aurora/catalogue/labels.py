"""Labels for annotation tools and viewers: boxes as COCO and YOLO, outlines as DS9 regions on the native image."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue.cells import finite_or_none
from mars_aurora.geometry.canvas import HEIGHT, WIDTH
from mars_aurora.run.escaping import escape_member
from mars_aurora.run.keys import RunPaths, key_name
from mars_aurora.run.ledger import PICTURED, Record
from mars_aurora.run.provenance import Provenance

CLASSES = ("mars", "aurora")  # the index is the number of a class in YOLO; its id in COCO is one more: 0 is no label


def select_boxed(auroras: Iterable[Aurora]) -> list[Aurora]:
    """Select the auroras that a box can teach: not the diffuse ones, which have no edge in the picture."""
    return [aurora for aurora in auroras if not aurora.is_diffuse]


def count_boxes(records: Iterable[Record], auroras: Iterable[Aurora]) -> int:
    """Count the boxes of Mars and of auroras in the pictures of a run."""
    disks = sum(record.outcome in PICTURED and record.mars_box is not None for record in records)
    return disks + len(select_boxed(auroras))


def to_coco(records: Iterable[Record], auroras: Sequence[Aurora], provenance: Provenance) -> bytes:
    """Write COCO annotations of all pictures of the run, with and without auroras. Boxes are in canvas pixels.

    Boxes of Mars and of auroras, which have their outlines. ``info`` has the provenance, besides the fields of COCO.
    """
    boxes = _group(records, auroras)
    images = [
        {"id": number, "file_name": RunPaths().image(name), "width": WIDTH, "height": HEIGHT}
        for number, name in enumerate(boxes, 1)
    ]
    annotations = [
        {"image_id": image["id"], **annotation}
        for image, found in zip(images, boxes.values(), strict=True)
        for annotation in found.annotations()
    ]
    info = {"description": "Auroras on Mars found by mars-aurora", "date_created": provenance.created_utc}
    return json.dumps(
        {
            "info": info | provenance.to_dict(),
            "images": images,
            "annotations": [{"id": number, **annotation} for number, annotation in enumerate(annotations, 1)],
            "categories": coco_categories(),
        }
    ).encode()


def to_yolo(records: Iterable[Record], auroras: Sequence[Aurora], provenance: Provenance) -> bytes:
    """Write YOLO labels as a zip file to be unpacked beside images/.

    It has data.yaml and classes.txt, one text file per picture, with or without auroras, and provenance.json.
    """
    members = describe_classes()
    for name, found in _group(records, auroras).items():
        members[_member("labels", name, ".txt")] = "".join(f"{line}\n" for line in found.lines())
    return _zip(members, provenance)


@dataclass(frozen=True)
class _Boxes:
    """The boxes of one picture."""

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


def _group(records: Iterable[Record], auroras: Iterable[Aurora]) -> dict[str, _Boxes]:
    """Return the boxes of each picture, in the order of the records."""
    boxes = {record.name: _Boxes(record.mars_box, []) for record in records if record.outcome in PICTURED}
    for aurora in select_boxed(auroras):
        boxes[aurora.name].auroras.append(aurora)
    return boxes


def _segmentation(aurora: Aurora) -> list[list[float]]:
    """Return the outline of an aurora on the picture: x and y of the corners of each part."""
    return [[float(number) for number in part.split(",")] for part in aurora.picture_outline.split(";") if part]


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


def _zip(members: dict[str, str], provenance: Provenance) -> bytes:
    """Make a zip file of texts and the provenance with a fixed time stamp, so that the bytes are reproducible."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in {**members, "provenance.json": provenance.to_json()}.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return stream.getvalue()


def _corners(aurora: Aurora) -> tuple[float, float, float, float]:
    return aurora.box_x0, aurora.box_y0, aurora.box_x1, aurora.box_y1
