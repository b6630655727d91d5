"""Labelled pictures on disk: PNG beside YOLO text labels, and one COCO file for a set.

```
SET/images/NAME.png      the very PNG that the preprocess step puts out
SET/labels/NAME.txt      a line a box to learn: class, centre x, y, width, height as fractions of the picture
SET/annotations.json     COCO: all boxes in px, with brightness and the group that a picture belongs to; what counts
                         neither for nor against a detector is marked iscrowd
```
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mars_aurora.geometry.canvas import HEIGHT, WIDTH
from mars_aurora.observation import FloatArray

CLASSES = ("mars", "aurora")
VISIBLE_SNR = 8.0  # whole light of an aurora over its noise; fainter ones are labelled, but doubtful to scores
TRAINED_SNR = 5.0  # training shows fainter ones neither as an aurora nor as empty sky


@dataclass(frozen=True)
class Label:
    """A true box, corners in canvas px; for auroras the feature's mean excess, and its whole light over its noise.

    ``snr`` 0 marks light of an aurora that is nowhere bright enough to be labelled as one.
    """

    label: str
    x0: float
    y0: float
    x1: float
    y1: float
    brightness_R: float | None = None
    snr: float | None = None

    @property
    def doubtful(self) -> bool:
        return self.snr is not None and self.snr < VISIBLE_SNR

    @property
    def learnt(self) -> bool:
        return self.snr is None or self.snr >= TRAINED_SNR

    @property
    def corners(self) -> tuple[float, float, float, float]:
        return self.x0, self.y0, self.x1, self.y1


@dataclass(frozen=True)
class Picture:
    """A canvas PNG with its true boxes; ``group`` says what it was made to show."""

    name: str
    group: str
    png: bytes
    labels: tuple[Label, ...]

    def visible(self, label: str) -> list[Label]:
        """Give the boxes of one class that stand clear of the noise."""
        return [box for box in self.labels if box.label == label and not box.doubtful]

    def doubtful(self, label: str) -> list[Label]:
        """Give the boxes of one class that do not."""
        return [box for box in self.labels if box.label == label and box.doubtful]


def to_corners(boxes: Iterable[Label]) -> FloatArray:
    """Give the (T, 4) corners of boxes."""
    return np.array([box.corners for box in boxes], np.float32).reshape(-1, 4)


def write_set(folder: Path, pictures: Iterable[Picture]) -> int:
    """Write a set; the COCO file comes last, so that its presence means the set is whole. Returns its size."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures):
        (folder / "images" / f"{picture.name}.png").write_bytes(picture.png)
        lines = "".join(f"{_yolo_line(box)}\n" for box in picture.labels if box.learnt)
        (folder / "labels" / f"{picture.name}.txt").write_text(lines)
        size = {"width": WIDTH, "height": HEIGHT}
        images.append({"id": number, "file_name": f"images/{picture.name}.png", "group": picture.group, **size})
        annotations += (_coco_annotation(box, number, len(annotations) + i) for i, box in enumerate(picture.labels))
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASSES)]
    whole = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(whole))
    return len(images)


def _yolo_line(box: Label) -> str:
    x, y = (box.x0 + box.x1) / 2 / WIDTH, (box.y0 + box.y1) / 2 / HEIGHT
    width, height = (box.x1 - box.x0) / WIDTH, (box.y1 - box.y0) / HEIGHT
    return f"{CLASSES.index(box.label)} {x:.6f} {y:.6f} {width:.6f} {height:.6f}"


def _coco_annotation(box: Label, image: int, number: int) -> dict[str, Any]:
    width, height = box.x1 - box.x0, box.y1 - box.y0
    facts: dict[str, Any] = {"id": number, "image_id": image, "category_id": CLASSES.index(box.label)}
    facts |= {"bbox": [box.x0, box.y0, width, height], "area": width * height, "iscrowd": int(box.doubtful)}
    facts |= {"brightness_R": box.brightness_R, "snr": box.snr}
    return facts


def read_set(folder: Path) -> Iterator[Picture]:
    """Read a set in its own order; raises FileNotFoundError where it is not whole."""
    whole = json.loads((folder / "annotations.json").read_text())
    boxes: dict[int, list[Label]] = {image["id"]: [] for image in whole["images"]}
    for found in whole["annotations"]:
        x, y, width, height = found["bbox"]
        label = CLASSES[found["category_id"]]
        box = Label(label, x, y, x + width, y + height, found["brightness_R"], found["snr"])
        boxes[found["image_id"]].append(box)
    for image in whole["images"]:
        path = folder / image["file_name"]
        yield Picture(path.stem, image["group"], path.read_bytes(), tuple(boxes[image["id"]]))


def hash_sets(folders: Sequence[Path]) -> str:
    """Hash pictures and labels of sets, as the name of the data that made a model."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.glob("*/*.*")):
            digest.update(f"{folder.name}/{path.parent.name}/{path.name}".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
