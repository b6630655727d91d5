"""Print what datumaro sees in a set of labels: python in_datumaro.py SET OUT, in datumaro's environment.

The set is imported as COCO and as YOLO, and exported as COCO to OUT. Exits with 1 where a box or a picture is lost.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import datumaro
from datumaro.components.dataset import Dataset


def _count(dataset: Any) -> tuple[int, int, int]:  # noqa: ANN401 -- datumaro has no types
    """Return the numbers of pictures, of those that were found, and of boxes with a class."""
    items = list(dataset)
    found = sum(item.media is not None for item in items)
    # an outline and its box are two objects of one group
    boxes = {(item.id, note.group or note.id) for item in items for note in item.annotations if note.label is not None}
    return len(items), found, len(boxes)


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    coco = json.loads((folder / "annotations/instances_train.json").read_text())
    expected = len(coco["images"]), len(coco["images"]), len(coco["annotations"])
    print(f"datumaro {datumaro.__version__}")
    as_coco = Dataset.import_from(str(folder), "coco")
    pictures, found, boxes = _count(as_coco)
    print(f"  COCO: {pictures} pictures, {found} found, {boxes} boxes of {expected[2]}")
    yolo = list(Dataset.import_from(str(folder), "yolo"))
    boxes = sum(len(item.annotations) for item in yolo)
    print(f"  YOLO: {len(yolo)} pictures, {boxes} boxes of {expected[2]}")
    as_coco.export(str(out), "coco_instances", save_media=False)
    sys.exit(0 if _count(as_coco) == expected and (len(yolo), boxes) == expected[1:] else 1)


if __name__ == "__main__":
    main()
