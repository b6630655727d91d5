"""Read and check the boxes that were corrected in a labeling tool, from its COCO export."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mars_aurora.catalogue.labels import CLASSES
from mars_aurora.errors import UsageError
from mars_aurora.geometry.canvas import HEIGHT, WIDTH
from mars_aurora_model.labels import Label

_MIN_SIDE_PX = 1.0  # of what is inside the picture
_NAMED = 10  # problems in one message


@dataclass(frozen=True)
class Corrected:
    """The boxes of each picture by its name in the COCO file, and a note for each box that was clipped."""

    boxes: dict[str, tuple[Label, ...]]
    notes: tuple[str, ...] = ()


def read_corrected(path: Path) -> Corrected:
    """Read the boxes of each picture from a COCO file; ids of pictures and categories may be any.

    Boxes that reach beyond the edge of the picture are clipped.

    Raises
    ------
    UsageError
        If the file is not COCO, its pictures have another size, or a box is invalid: naming the picture and the number
        of the annotation, from 1.
    """
    try:
        coco = json.loads(path.read_bytes())
        classes = {item["id"]: str(item["name"]).strip().lower() for item in coco["categories"]}
        names = {item["id"]: str(item["file_name"]) for item in coco["images"]}
        pictures = [names.get(item["image_id"], f"picture {item['image_id']!r}") for item in coco["annotations"]]
        problems = _check_pictures(names, coco["images"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is not a COCO file with boxes: {error!r}") from error
    boxes: dict[str, list[Label]] = {name: [] for name in names.values()}
    notes: list[str] = []
    for number, (picture, item) in enumerate(zip(pictures, coco["annotations"], strict=True), 1):
        where = f"{picture}, annotation {number}"
        try:
            corners, name = _read_corners(item), _read_class(item, classes)
            inside = _clip(corners)
            boxes[picture].append(Label(name, *inside))
        except KeyError:
            problems.append(f"{where}: no picture has this id")
        except ValueError as error:
            problems.append(f"{where}: {error}")
        else:
            if max(abs(a - b) for a, b in zip(corners, inside, strict=True)) > _MIN_SIDE_PX:
                notes.append(f"{where}: the box was clipped at the edge of the picture")
    if problems:
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise UsageError(f"{path}: {'; '.join(problems[:_NAMED])}{more}")
    return Corrected({name: tuple(found) for name, found in boxes.items()}, tuple(notes))


def _check_pictures(names: Mapping[Any, str], images: list[dict[str, Any]]) -> list[str]:
    problems = []
    if len(names) < len(images):
        problems.append(f"{len(images) - len(names)} pictures have the id of another")
    if len(set(names.values())) < len(names):
        problems.append("two pictures have the same file name")
    for item in images:
        size = (item.get("width", WIDTH), item.get("height", HEIGHT))
        if size != (WIDTH, HEIGHT):
            size_px = f"{size[0]} x {size[1]} px, not {WIDTH} x {HEIGHT}"
            problems.append(f"{item['file_name']} has {size_px}: export the pictures without resizing")
    return problems


def _read_class(item: Mapping[str, Any], classes: Mapping[Any, str]) -> str:
    number = item.get("category_id")
    if not isinstance(number, int | str) or number not in classes:
        raise ValueError(f"no category has the id {number!r}")
    if classes[number] not in CLASSES:
        raise ValueError(f"unknown class {classes[number]!r}: use one of {', '.join(CLASSES)}")
    return classes[number]


def _read_corners(item: Mapping[str, Any]) -> tuple[float, float, float, float]:
    bbox, score = item.get("bbox"), item.get("score", 1)
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(map(_is_finite, bbox)):
        raise ValueError(f"the box is {bbox!r}, not four finite numbers")
    if not _is_finite(score) or not 0 <= score <= 1:
        raise ValueError(f"the score is {score!r}, not a number from 0 to 1")
    x, y, width, height = map(float, bbox)
    if width <= 0 or height <= 0:
        raise ValueError(f"the box has no area: it is {width:g} px wide and {height:g} px high")
    return x, y, x + width, y + height


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 and math.isfinite(value)


def _clip(corners: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = corners
    x0, x1 = max(x0, 0.0), min(x1, float(WIDTH))
    y0, y1 = max(y0, 0.0), min(y1, float(HEIGHT))
    if x1 - x0 < _MIN_SIDE_PX or y1 - y0 < _MIN_SIDE_PX:
        raise ValueError(f"the box is less than {_MIN_SIDE_PX:g} px wide or high inside the picture")
    return x0, y0, x1, y1
