"""Measure the auroras that the detector found in one candidate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mars_aurora.run import predictions
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.storage import Storage

if TYPE_CHECKING:
    from mars_aurora.aurora import Aurora


@dataclass(frozen=True)
class Measured:
    """The record of a candidate with its final outcome, and its auroras."""

    record: Record
    auroras: list[Aurora]


def measure_one(record: Record, keys: RunKeys, work: Storage, detections: Storage) -> Measured:
    """Measure the auroras that the detector found in one candidate; copy its picture to the detections if any."""
    from mars_aurora.geometry.canvas import unpack_geometry
    from mars_aurora.measure.measure import measure

    try:
        boxes = predictions.read_boxes(work.get(keys.prediction(record.name)))
        geometry = work.get(keys.geometry(record.name))
    except KeyError as error:
        return _failed(record, "missing_object", f"{error.args[0]} is missing")
    except ValueError as error:
        return _failed(record, "not_detected", str(error))
    try:
        found = any(box.label == "aurora" for box in boxes)
        auroras = measure(*unpack_geometry(geometry), boxes) if found else []
    except Exception as error:  # noqa: BLE001 -- one candidate must not cost the others their catalogue
        return _failed(record, "not_measured", f"{type(error).__name__}: {error}")
    if auroras:
        detections.put(keys.detection(record.name), work.get(keys.image(record.name)))
    outcome = Outcome.AURORA if auroras else Outcome.NO_AURORA
    return Measured(replace(record, outcome=outcome, auroras=len(auroras)), auroras)


def _failed(record: Record, reason: str, detail: str) -> Measured:
    return Measured(replace(record, outcome=Outcome.FAILED, reason=reason, detail=detail), [])
