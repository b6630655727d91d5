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
from mars_aurora.run.records import find_record, list_candidates
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
    """Run the detector over one candidate or all of the run; write a prediction for each, as the transform job does."""
    keys = RunKeys(request.run_id)
    names = [request.name] if request.name else list_candidates(work, keys)
    boxes = [detect_one(keys, name, work, detector, version) for name in names]
    return DetectResult(request.run_id, len(boxes), sum(boxes))


def detect_one(keys: RunKeys, name: str, work: Storage, detector: Detector, version: DetectorVersion) -> int:
    """Run the detector over one candidate unless it has a valid prediction; return the number of boxes.

    Where the detector fails, the prediction is an error record, as in a transform job; the next run tries again.

    Raises
    ------
    KeyError
        Where there is no such candidate.
    """
    record = find_record(work, keys, name)
    if record is None or work.size(keys.candidate(name)) is None:
        raise KeyError(keys.candidate(name))
    made = predictions.describe(record, version)
    try:
        known = predictions.read(work.get(keys.prediction(name)))
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
        work.put(keys.prediction(name), predictions.error_to_json(f"{type(failure).__name__}: {failure}", made))
        return 0
    work.put(keys.prediction(name), predictions.to_json(found, made))
    return len(found.boxes)
