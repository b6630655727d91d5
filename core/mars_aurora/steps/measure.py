"""Measure the auroras that the detector found in one candidate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mars_aurora.aurora import count_auroras
from mars_aurora.detect.detectors import DetectorName, DetectorVersion
from mars_aurora.errors import TransientError
from mars_aurora.night import Night
from mars_aurora.run import measured, predictions
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.stamps import stamp_measurement
from mars_aurora.run.storage import Storage

if TYPE_CHECKING:
    from mars_aurora.aurora import Aurora


@dataclass(frozen=True)
class Measured:
    """The record of a candidate with its final outcome, its auroras, and what detected them."""

    record: Record
    auroras: list[Aurora]
    detector: DetectorVersion | None = None


def measure_one(record: Record, keys: RunKeys, work: Storage, detections: Storage, detector: str) -> Measured:
    """Measure the auroras that the detector found in one candidate, unless that is done; copy its picture if any.

    ``detector`` is the folder of its predictions. The measured auroras are kept in ``work``; a later run uses them as
    long as geometry and prediction are the same.
    """
    try:
        prediction = work.get(keys.prediction(record.name, detector))
        found = predictions.read(prediction)
    except KeyError as error:
        return _failed(record, "missing_object", f"{error.args[0]} is missing")
    except ValueError as error:
        return _failed(record, "not_detected", str(error))
    if found.made.picture_sha256 != record.origin.image_sha256:
        return _failed(record, "not_detected", "the prediction is of an earlier picture of this input")
    stamp = stamp_measurement(record.origin.read, prediction)
    auroras = _find_measured(record, stamp, work, keys)
    is_new = auroras is None
    if auroras is None:
        try:
            auroras = _measure(record, found, work, keys)
        except KeyError as error:
            return _failed(record, "missing_object", f"{error.args[0]} is missing")
        except TransientError:
            raise  # the step is repeated
        except Exception as error:  # noqa: BLE001 -- one candidate must not cost the others their catalogue
            return _failed(record, "not_measured", f"{type(error).__name__}: {error}")
        work.put(keys.measured(record.name), measured.to_json(auroras, stamp))
    count = count_auroras(auroras)
    if count and (is_new or detections.size(keys.detection(record.name)) != record.origin.products["image"]):
        detections.put(keys.detection(record.name), work.get(keys.image(record.name)))
    concluded = record.conclude(Outcome.AURORA if count else Outcome.NO_AURORA)
    found_by = DetectorVersion(DetectorName(found.made.detector), found.made.weights_sha256)
    return Measured(replace(concluded, auroras=count), auroras, found_by)


def _find_measured(record: Record, stamp: str, work: Storage, keys: RunKeys) -> list[Aurora] | None:
    try:
        return measured.read(work.get(keys.measured(record.name)), stamp)
    except (KeyError, ValueError):
        return None


def _measure(record: Record, found: predictions.Prediction, work: Storage, keys: RunKeys) -> list[Aurora]:
    from mars_aurora.geometry.canvas import unpack_geometry
    from mars_aurora.measure.measure import measure

    night = record.night or Night()
    if not night.is_diffuse and not any(box.label == "aurora" for box in found.boxes):
        return []
    return measure(*unpack_geometry(work.get(keys.geometry(record.name))), list(found.boxes), night)


def _failed(record: Record, reason: str, detail: str) -> Measured:
    return Measured(replace(record, outcome=Outcome.FAILED, reason=reason, detail=detail), [])
