"""Run the detector over candidates."""

from __future__ import annotations

from mars_aurora.detect.detectors import Detector
from mars_aurora.run import predictions
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.messages import DetectRequest, DetectResult
from mars_aurora.run.storage import Storage


def detect(request: DetectRequest, work: Storage, detector: Detector) -> DetectResult:
    """Run the detector over one candidate or all of the run; put the boxes of each as the transform job would."""
    keys = RunKeys(request.run_id)
    names = [request.name] if request.name else list_candidates(work, keys)
    boxes = [detect_one(keys, name, work, detector) for name in names]
    return DetectResult(request.run_id, len(boxes), sum(boxes))


def list_candidates(work: Storage, keys: RunKeys) -> list[str]:
    """List the names of the images that wait for the detector, or have been there."""
    return [key.removeprefix(keys.candidates).removesuffix(".png") for key in work.list(keys.candidates)]


def detect_one(keys: RunKeys, name: str, work: Storage, detector: Detector) -> int:
    """Detect in one candidate unless that is done; return the number of boxes.

    Where the detector fails it leaves an error record, as the transform job does, which the next run tries again.
    """
    try:
        return len(predictions.read_boxes(work.get(keys.prediction(name))))
    except (KeyError, ValueError):
        image, geometry = work.get(keys.candidate(name)), work.get(keys.geometry(name))
    try:
        boxes, error = detector(image, geometry), None
    except Exception as failure:  # noqa: BLE001 -- one image must not cost the others their detection
        boxes, error = [], f"{type(failure).__name__}: {failure}"
    work.put(keys.prediction(name), predictions.to_json(boxes, error))
    return len(boxes)
