"""Labeled sets on disk: PNG pictures with YOLO text labels, and one COCO file per set.

```
SET/images/NAME.png      the PNG written by the preprocess step
SET/labels/NAME.txt      one line per training box: class, center x, y, width, height as fractions of the picture
SET/data.yaml            the classes, and the folder of the pictures
SET/annotations/instances_train.json
                         COCO: all boxes in px, with brightness and the group of each picture; boxes that are ignored
                         in scoring are marked iscrowd
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

from mars_aurora.catalogue.labels import CLASSES, coco_box, coco_categories, describe_classes, yolo_line
from mars_aurora.errors import UsageError
from mars_aurora.geometry.canvas import HEIGHT, WIDTH
from mars_aurora.observation import FloatArray

VISIBLE_SNR = 8.0  # signal-to-noise ratio below which an aurora is labeled but ignored in scoring
TRAINED_SNR = 5.0  # signal-to-noise ratio below which an aurora is ignored in training
_COCO = "annotations/instances_train.json"  # the name and the place in which datumaro looks for it
_FORMER_COCO = "annotations.json"  # of sets made by earlier versions


@dataclass(frozen=True)
class Label:
    """A true box with corners in canvas px; auroras have the mean excess and the signal-to-noise ratio of the feature.

    ``snr`` 0 marks an aurora whose excess is below the label threshold everywhere.
    """

    label: str
    x0: float
    y0: float
    x1: float
    y1: float
    brightness_R: float | None = None
    snr: float | None = None

    @property
    def ignored(self) -> bool:
        """True for boxes that count neither as found nor as missed in scoring."""
        return self.snr is not None and self.snr < VISIBLE_SNR

    @property
    def trained_on(self) -> bool:
        """True for boxes that are targets in training; the others are ignored there."""
        return self.snr is None or self.snr >= TRAINED_SNR

    @property
    def corners(self) -> tuple[float, float, float, float]:
        return self.x0, self.y0, self.x1, self.y1


@dataclass(frozen=True)
class LabeledPicture:
    """A canvas PNG with its true boxes; ``group`` names the kind of picture."""

    name: str
    group: str
    png: bytes
    labels: tuple[Label, ...]

    def visible(self, label: str) -> list[Label]:
        """Return the boxes of one class that count in scoring."""
        return [box for box in self.labels if box.label == label and not box.ignored]

    def ignored(self, label: str) -> list[Label]:
        """Return the boxes of one class that are ignored in scoring."""
        return [box for box in self.labels if box.label == label and box.ignored]


def to_corners(boxes: Iterable[Label]) -> FloatArray:
    """Return the corners of boxes, (T, 4)."""
    return np.array([box.corners for box in boxes], np.float32).reshape(-1, 4)


def write_set(folder: Path, pictures: Iterable[LabeledPicture]) -> int:
    """Write a set and return the number of pictures; the COCO file is written last and marks a complete set."""
    for former in (_COCO, _FORMER_COCO):
        (folder / former).unlink(missing_ok=True)
    for part in ("images", "labels", "annotations"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures, 1):
        (folder / "images" / f"{picture.name}.png").write_bytes(picture.png)
        lines = "".join(f"{yolo_line(box.label, *box.corners)}\n" for box in picture.labels if box.trained_on)
        (folder / "labels" / f"{picture.name}.txt").write_text(lines)
        size = {"width": WIDTH, "height": HEIGHT}
        images.append({"id": number, "file_name": f"{picture.name}.png", "group": picture.group, **size})
        annotations += (_annotation(box, number, len(annotations) + i) for i, box in enumerate(picture.labels, 1))
    for name, text in describe_classes().items():
        (folder / name).write_text(text)
    coco = {"images": images, "annotations": annotations, "categories": coco_categories()}
    (folder / _COCO).write_text(json.dumps(coco))
    return len(images)


def _annotation(box: Label, image: int, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": image,
        **coco_box(box.label, *box.corners),
        "iscrowd": int(box.ignored),
        "brightness_R": box.brightness_R,
        "snr": box.snr,
    }


def read_set(folder: Path) -> Iterator[LabeledPicture]:
    """Yield the pictures of a set in the order of its COCO file; categories are matched by name.

    Raises
    ------
    FileNotFoundError
        If the set is incomplete.
    UsageError
        If its classes are others, or a picture is outside the set.
    """
    path = _find_coco(folder)
    coco = json.loads(path.read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    if sorted(names.values()) != sorted(CLASSES):
        raise UsageError(f"{path} has other classes: import it with `mars-aurora label RUN SET --corrected`")
    boxes: dict[int, list[Label]] = {image["id"]: [] for image in coco["images"]}
    for found in coco["annotations"]:
        x, y, width, height = found["bbox"]
        box = Label(names[found["category_id"]], x, y, x + width, y + height, found["brightness_R"], found["snr"])
        boxes[found["image_id"]].append(box)
    for image in coco["images"]:
        picture = folder / "images" / image["file_name"].removeprefix("images/")
        if picture.parent != folder / "images":
            raise UsageError(f"{path} names a picture outside its folder: {image['file_name']}")
        yield LabeledPicture(picture.stem, image["group"], picture.read_bytes(), tuple(boxes[image["id"]]))


def _find_coco(folder: Path) -> Path:
    former = folder / _FORMER_COCO
    return former if former.is_file() else folder / _COCO


def find_sets(data: Path, names: Iterable[str]) -> list[Path]:
    """Return the folders of the named sets in ``data``.

    Raises
    ------
    UsageError
        If a folder is missing or its set is incomplete.
    """
    folders = [data / name for name in names]
    missing = [str(folder) for folder in folders if not _find_coco(folder).is_file()]
    if missing:
        raise UsageError(
            f"no complete set in {', '.join(missing)}: the names in --pictures must be folders of sets in {data}, "
            "made by `python -m mars_aurora_model.dataset` or `mars-aurora label`"
        )
    return folders


def hash_sets(folders: Sequence[Path]) -> str:
    """Return the SHA-256 of the pictures and labels of sets, which identifies the training data."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted([*folder.glob("images/*.*"), *folder.glob("labels/*.*")]):
            digest.update(f"{folder.name}/{path.parent.name}/{path.name}".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
