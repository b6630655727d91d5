"""Run the detector over candidates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mars_aurora.detect.detectors import Detector, DetectorVersion
from mars_aurora.errors import TransientError
from mars_aurora.run import predictions
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.messages import DetectRequest, DetectResult
from mars_aurora.run.records import find_record
from mars_aurora.run.storage import Storage

if TYPE_CHECKING:
    from mars_aurora.geometry.canvas import Canvas
    from mars_aurora.observation import Observation
    from mars_aurora.picture.picture import Picture


@dataclass(frozen=True)
class StoredCandidate:
    """A candidate whose picture and observation are read at their first use: a detector may need only one of them."""

    keys: RunKeys
    name: str
    work: Storage

    @cached_property
    def picture(self) -> Picture:
        from mars_aurora.picture import png

        return png.read(self.work.get(self.keys.candidate(self.name)))

    @property
    def observation(self) -> Observation:
        return self._geometry[0]

    @property
    def canvas(self) -> Canvas:
        return self._geometry[1]

    @cached_property
    def _geometry(self) -> tuple[Observation, Canvas]:
        from mars_aurora.geometry.canvas import unpack_geometry

        return unpack_geometry(self.work.get(self.keys.geometry(self.name)))


def detect(request: DetectRequest, work: Storage, detector: Detector, version: DetectorVersion) -> DetectResult:
    """Run the detector over one candidate; write its prediction, as the transform job does."""
    keys = RunKeys(request.run_id)
    boxes = detect_one(keys, request.name, work, detector, version, request.predictions)
    return DetectResult(request.run_id, request.name, boxes)


def detect_one(  # noqa: PLR0913, PLR0917 -- the candidate, the detector, and where its prediction goes
    keys: RunKeys, name: str, work: Storage, detector: Detector, version: DetectorVersion, folder: str = ""
) -> int:
    """Run the detector over one candidate unless it has a valid prediction; return the number of boxes.

    ``folder`` is that of the predictions, by default the detector's own. Where the detector fails, the prediction is an
    error record, as in a transform job; the next run tries again.

    Raises
    ------
    KeyError
        Where there is no such candidate.
    """
    record = find_record(work, keys, name)
    if record is None or work.size(keys.candidate(name)) is None:
        raise KeyError(keys.candidate(name))
    made, key = predictions.describe(record, version), keys.prediction(name, folder or version.folder)
    try:
        known = predictions.read(work.get(key))
    except (KeyError, ValueError):
        known = None
    if known is not None and known.made == made:
        return len(known.boxes)
    candidate = StoredCandidate(keys, name, work)
    try:
        found = detector(candidate)
    except TransientError:
        raise  # the step is repeated
    except Exception as failure:  # noqa: BLE001 -- one candidate must not cost the others their detection
        work.put(key, predictions.error_to_json(f"{type(failure).__name__}: {failure}", made))
        return 0
    work.put(key, predictions.to_json(found, made))
    return len(found.boxes)
