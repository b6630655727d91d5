"""Export a run's boxes to a labeling tool, and import the corrected boxes as a training set.

`mars-aurora label RUN SET` writes the run's pictures with the boxes of Mars and of the detector as a set that tools
read as COCO or YOLO (see `labels`). `mars-aurora label RUN SET --corrected FILE` writes the set again with the boxes of
the tool's COCO export. To train on a corrected set, write it into the trainer's data folder and name it in
``--pictures``:

    mars-aurora label RUN build/dataset/NAME --corrected FILE
    python -m mars_aurora_model.train --data build/dataset --pictures train,further,slivers,NAME
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from mars_aurora.errors import UsageError
from mars_aurora.run import predictions
from mars_aurora.run.keys import RunPaths, flat_name
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora_model.corrected import read_corrected
from mars_aurora_model.labels import Label, LabeledPicture, write_set
from mars_aurora_model.matching import match_files

_CLASSIFIED = (Outcome.CANDIDATE, Outcome.DISCARDED, Outcome.NO_NIGHT)
_PATHS = RunPaths()


def label(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run: OUT/runs/RUN_ID.")],
    folder: Annotated[Path, typer.Argument(metavar="SET", help="Folder of the set; created if missing.")],
    corrected: Annotated[Path | None, typer.Option(help="COCO file with corrected boxes, from the tool.")] = None,
) -> None:
    """Write a run's pictures and boxes for a labeling tool, or the corrected boxes as a training set."""
    records = read_records(run)
    if not any(record.outcome in _CLASSIFIED for record in records.values()):
        raise UsageError(f"no pictures in {run}: pass the folder of a run, OUT/runs/RUN_ID")
    boxes = None if corrected is None else _match_boxes(corrected, records)
    count = write_set(folder, pictures(run, records, boxes))
    typer.echo(f"{count} pictures with boxes as COCO and YOLO in {folder}")
    if boxes is not None:
        typer.echo(_describe_training(folder.absolute()))


def _describe_training(folder: Path) -> str:
    if (folder.parent / "train").is_dir():
        options = f"--data {folder.parent} --pictures train,further,slivers,{folder.name}"
        return f"train on it: python -m mars_aurora_model.train {options}"
    return f"to train on it, move it into the trainer's data folder and add {folder.name} to --pictures"


def read_records(run: Path) -> dict[str, Record]:
    """Read the records of a run, by the name of the picture in a set: the key of the input, without folders.

    Raises
    ------
    UsageError
        If a record cannot be read, is outside the run folder, or is of another input than its name says.
    """
    records = []
    for path in sorted((run / _PATHS.records).rglob("*.json")):
        try:
            record = Record.from_json(_read(run, path.relative_to(run).as_posix()))
            written_by_run = run / _PATHS.record(record.name) == path
        except (ValueError, AttributeError, RecursionError) as error:
            raise UsageError(f"{path} is not the record of an input: {error}") from error
        if not written_by_run:
            raise UsageError(f"{path} is not the record of {record.name!r}: was the run folder changed?")
        records.append(record)
    flat = [flat_name(record.name) for record in records]
    number = Counter(flat)
    return {
        name if number[name] == 1 else f"{name}~{hashlib.sha256(record.name.encode()).hexdigest()[:8]}": record
        for name, record in zip(flat, records, strict=True)
    }


def pictures(
    run: Path, records: Mapping[str, Record], corrected: Mapping[str, tuple[Label, ...]] | None = None
) -> Iterator[LabeledPicture]:
    """Yield a run's pictures with the boxes of Mars and of the detector, or only those with corrected boxes."""
    for name, record in records.items():
        if record.outcome not in _CLASSIFIED or (corrected is not None and name not in corrected):
            continue
        png = _read(run, _PATHS.image(record.name))
        if corrected is None:
            yield LabeledPicture(name, "detected", png, _detected(run, record))
        else:
            yield LabeledPicture(name, "corrected", png, corrected[name])


def _match_boxes(path: Path, records: Mapping[str, Record]) -> dict[str, tuple[Label, ...]]:
    """Read corrected boxes by the name of the picture; report clipped boxes, and files without a picture."""
    corrected = read_corrected(path)
    outcomes = {
        name: "" if record.outcome in _CLASSIFIED else f"{record.outcome} {record.reason}"
        for name, record in records.items()
    }
    matched, reasons = match_files(corrected.boxes, outcomes)
    for note in (*corrected.notes, *(f"{file} is not used: {reason}" for file, reason in reasons.items())):
        typer.echo(f"mars-aurora: {note}", err=True)
    if not matched:
        raise UsageError(f"{path} has no picture of this run")
    return {name: corrected.boxes[file] for file, name in matched.items()}


def _read(run: Path, key: str) -> bytes:
    """Read a file of the run; raises UsageError if it is missing, or a link leads to a file outside the run folder."""
    path = (run / key).resolve()
    if not path.is_relative_to(run.resolve()) or not path.is_file():
        raise UsageError(f"{run / key} is not a file in the folder of the run")
    return path.read_bytes()


def _detected(run: Path, record: Record) -> tuple[Label, ...]:
    """Return the boxes of a picture: of Mars from its geometry, and of auroras from the prediction, if there is one."""
    found = _read_prediction(run, record.name)
    if record.mars_box is None:
        return found
    return Label("mars", *record.mars_box), *(box for box in found if box.label != "mars")


def _read_prediction(run: Path, name: str) -> tuple[Label, ...]:
    """Read the boxes of the latest prediction, by any detector; none if it is missing or an error record."""
    made = (run / _PATHS.prediction(name, folder.name) for folder in (run / _PATHS.predictions).glob("*/"))
    latest = max((path for path in made if path.exists()), key=lambda path: path.stat().st_mtime, default=None)
    try:
        boxes = predictions.read(_read(run, latest.relative_to(run).as_posix())).boxes if latest else ()
    except ValueError:
        return ()
    return tuple(Label(box.label, box.x0, box.y0, box.x1, box.y1) for box in boxes)
