"""Export a run's boxes to a labeling tool, and import the corrected boxes as a training set.

`mars-aurora label RUN SET` writes the run's pictures with the detector's boxes as a set (see `labels`); tools that read
COCO open its annotations.json. `mars-aurora label RUN SET --corrected FILE` writes the set again with the boxes of the
tool's COCO export. To train on a corrected set, write it into the trainer's data folder and name it in ``--pictures``:

    mars-aurora label RUN build/dataset/NAME --corrected FILE
    python -m mars_aurora_model.train --data build/dataset --pictures train,further,slivers,NAME
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from mars_aurora.catalogue.labels import CLASSES
from mars_aurora.errors import UsageError
from mars_aurora.run.keys import RunPaths
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.predictions import read_boxes
from mars_aurora_model.labels import Label, LabeledPicture, write_set

_CLASSIFIED = (Outcome.CANDIDATE, Outcome.DISCARDED)
_PATHS = RunPaths()


def label(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run: OUT/runs/RUN_ID.")],
    folder: Annotated[Path, typer.Argument(metavar="SET", help="Folder of the set; created if missing.")],
    corrected: Annotated[Path | None, typer.Option(help="COCO file with corrected boxes, from the tool.")] = None,
) -> None:
    """Write a run's pictures and boxes for a labeling tool, or the corrected boxes as a training set."""
    boxes = None if corrected is None else read_corrected(corrected)
    found = pictures(run, boxes)
    if (first := next(found, None)) is None:
        raise UsageError(f"no pictures in {run}: pass the folder of a run, OUT/runs/RUN_ID")
    count = write_set(folder, chain([first], found))
    typer.echo(f"{count} pictures and annotations.json in {folder}")
    if boxes is not None:
        typer.echo(_describe_training(folder.absolute()))


def _describe_training(folder: Path) -> str:
    if (folder.parent / "train").is_dir():
        options = f"--data {folder.parent} --pictures train,further,slivers,{folder.name}"
        return f"train on it: python -m mars_aurora_model.train {options}"
    return f"to train on it, move it into the trainer's data folder and add {folder.name} to --pictures"


def pictures(run: Path, corrected: dict[str, tuple[Label, ...]] | None = None) -> Iterator[LabeledPicture]:
    """Yield a run's pictures with the detector's boxes, or only the corrected pictures with the corrected boxes."""
    for path in sorted((run / _PATHS.records).rglob("*.json")):
        record = Record.from_json(path.read_bytes())
        name = record.name.replace("/", "__")
        if record.outcome not in _CLASSIFIED or (corrected is not None and name not in corrected):
            continue
        png = (run / _PATHS.image(record.name)).read_bytes()
        if corrected is None:
            yield LabeledPicture(name, "detected", png, _detected(run / _PATHS.prediction(record.name)))
        else:
            yield LabeledPicture(name, "corrected", png, corrected[name])


def read_corrected(path: Path) -> dict[str, tuple[Label, ...]]:
    """Read the boxes of each picture from a COCO file; ids of pictures and categories may be any.

    Raises
    ------
    UsageError
        If the file is not COCO or contains an unknown class.
    """
    try:
        coco = json.loads(path.read_text())
        classes = {item["id"]: item["name"] for item in coco["categories"]}
        names = {item["id"]: Path(item["file_name"]).name.removesuffix(".png") for item in coco["images"]}
        boxes: dict[str, list[Label]] = {name: [] for name in names.values()}
        for item in coco["annotations"]:
            boxes[names[item["image_id"]]].append(_to_label(classes[item["category_id"]], item["bbox"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not a COCO file with boxes: {error!r}") from error
    return {name: tuple(found) for name, found in boxes.items()}


def _to_label(name: str, bbox: list[float]) -> Label:
    if name not in CLASSES:
        raise UsageError(f"unknown class {name!r}: use one of {', '.join(CLASSES)}")
    x, y, width, height = map(float, bbox)
    return Label(name, x, y, x + width, y + height)


def _detected(prediction: Path) -> tuple[Label, ...]:
    """Read the boxes of a prediction; none if it is missing or an error record."""
    try:
        boxes = read_boxes(prediction.read_bytes())
    except (FileNotFoundError, ValueError):
        return ()
    return tuple(Label(box.label, box.x0, box.y0, box.x1, box.y1) for box in boxes)
