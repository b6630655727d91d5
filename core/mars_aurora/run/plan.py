"""What remains to be done for each input of a run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mars_aurora.detect.detectors import DetectorVersion
from mars_aurora.run import measured, predictions
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.messages import Again
from mars_aurora.run.records import find_record, holds, is_counted
from mars_aurora.run.stamps import Reading, stamp_measurement
from mars_aurora.run.storage import Source, Storage


class Todo(StrEnum):
    """What is to be done for an input, and why; every state includes those after it, ``DONE`` nothing."""

    NEW = "new"  # it has no record
    RETRY = "failed before"
    AGAIN = "requested again"
    CHANGED = "changed"  # the file is not the one that the record was made from, or has other times
    READ = "to be read again"  # by another result version, emission or cleaning, or because a product is missing
    COUNT = "to be counted again"
    DETECT = "to be searched again"
    MEASURE = "to be measured again"
    DONE = "done"


@dataclass(frozen=True)
class Recipe:
    """The settings on which results before detection depend."""

    reading: Reading
    min_objects: int
    keep_stages: bool = False
    again: Again = Again.NONE


def plan_input(name: str, inputs: Source, work: Storage, keys: RunKeys, recipe: Recipe) -> tuple[Todo, Record | None]:
    """Return what is to be done for an input, and its record if it has one."""
    record = find_record(work, keys, name)
    return _plan(record, name, inputs, work, keys, recipe), record


def _plan(  # noqa: PLR0911, PLR0913, PLR0917 -- one return per state
    record: Record | None, name: str, inputs: Source, work: Storage, keys: RunKeys, recipe: Recipe
) -> Todo:
    if record is None:
        return Todo.NEW
    if record.outcome is Outcome.FAILED:
        return Todo.RETRY
    if recipe.again in {Again.ALL, record.outcome.value}:
        return Todo.AGAIN
    try:
        version = inputs.version(name)
    except (KeyError, OSError):
        return Todo.CHANGED
    if record.origin.version != version:
        return Todo.CHANGED
    if not holds(record, record.origin.sha256, recipe.reading, work, keys):
        return Todo.READ
    if record.is_read and not is_counted(record, recipe.min_objects, keep_stages=recipe.keep_stages):
        return Todo.COUNT
    return Todo.DONE


def plan_detection(record: Record, work: Storage, keys: RunKeys, detector: DetectorVersion) -> Todo:
    """Return what is to be done to have the prediction of a candidate."""
    wanted = predictions.describe(record, detector)
    try:
        made = predictions.read(work.get(keys.prediction(record.name, detector.folder))).made
    except KeyError:
        return Todo.NEW
    except ValueError:  # of an earlier version, or the message of a failure
        return Todo.RETRY
    if made.picture_sha256 != wanted.picture_sha256:
        return Todo.CHANGED
    return Todo.DONE if made == wanted else Todo.DETECT


def plan_measurement(record: Record, work: Storage, keys: RunKeys, detector: DetectorVersion) -> Todo:
    """Return what is to be done to have the measured auroras of a candidate with a valid prediction."""
    stamp = stamp_measurement(record.origin.read, work.get(keys.prediction(record.name, detector.folder)))
    try:
        measured.read(work.get(keys.measured(record.name)), stamp)
    except KeyError:
        return Todo.NEW
    except ValueError:
        return Todo.MEASURE
    return Todo.DONE
