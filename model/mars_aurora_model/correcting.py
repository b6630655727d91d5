"""Boxes of a run, out to a labelling tool and, corrected by a person, back as a training set.

`mars-aurora label RUN SET` writes the run's pictures with the detector's boxes as a set (see `labels`), whose
annotations.json any tool that reads COCO opens. `mars-aurora label RUN SET --corrected FILE` writes the set anew with
the boxes of the tool's COCO export. The trainer takes sets in its data folder whose names begin with "train".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from mars_aurora.errors import UsageError
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora_model.labels import CLASSES, Label, Picture, write_set

_LOOKED_AT = (Outcome.CANDIDATE, Outcome.DISCARDED)


def label(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run: OUT/runs/RUN_ID.")],
    folder: Annotated[Path, typer.Argument(metavar="SET", help="Folder for the set; made if need be.")],
    corrected: Annotated[Path | None, typer.Option(help="COCO export of the tool, for the boxes.")] = None,
) -> None:
    """Write a run's pictures and boxes for a labelling tool, or its corrected boxes as a training set."""
    boxes = None if corrected is None else read_corrected(corrected)
    count = write_set(folder, pictures(run, boxes))
    if not count:
        raise UsageError(f"{run} holds no pictures: it should be a run's folder, OUT/runs/RUN_ID")
    typer.echo(f"{count} pictures and annotations.json in {folder}")


def pictures(run: Path, corrected: dict[str, tuple[Label, ...]] | None = None) -> Iterator[Picture]:
    """Yield a run's pictures with the detector's boxes, or those that were corrected with theirs."""
    for path in sorted((run / "ledger").rglob("*.json")):
        record = Record.from_json(path.read_bytes())
        name = record.name.replace("/", "__")
        if record.outcome not in _LOOKED_AT or (corrected is not None and name not in corrected):
            continue
        png = (run / "images" / f"{record.name}.png").read_bytes()
        found = _detected(run / "predictions" / f"{record.name}.png.out") if corrected is None else corrected[name]
        yield Picture(name, "detected" if corrected is None else "corrected", png, found)


def read_corrected(path: Path) -> dict[str, tuple[Label, ...]]:
    """Read the boxes of each picture from a COCO file, whatever numbers its tool gave to pictures and classes.

    Raises UsageError where it is not COCO, or names a class that is not known.
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
        raise UsageError(f"the class {name!r} is none of {', '.join(CLASSES)}")
    x, y, width, height = map(float, bbox)
    return Label(name, x, y, x + width, y + height)


def _detected(prediction: Path) -> tuple[Label, ...]:
    """Take the boxes of a prediction; none where there is no prediction."""
    if not prediction.is_file():
        return ()
    boxes: list[dict[str, Any]] = json.loads(prediction.read_text())["boxes"]
    return tuple(Label(box["label"], box["x0"], box["y0"], box["x1"], box["y1"]) for box in boxes)
