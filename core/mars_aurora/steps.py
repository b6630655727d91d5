"""The use cases: storage in, message out. Lambda, command line and container all call these.

Bad input ends here: an InputError becomes a returned, recorded outcome, so that nothing retries it.
Heavy imports stand inside the steps that need them: classify must not pay for astropy.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

from mars_aurora.errors import InputError
from mars_aurora.keys import READY_MARKER, RunKeys
from mars_aurora.ledger import Outcome, Record, count_outcomes, require_balance, settle
from mars_aurora.messages import (
    Box,
    CatalogueRequest,
    CatalogueResult,
    ClassifyRequest,
    ClassifyResult,
    DetectRequest,
    DetectResult,
    PreprocessRequest,
    PreprocessResult,
    TallyRequest,
    TallyResult,
)
from mars_aurora.storage import Storage

Detector = Callable[[bytes, bytes], list[Box]]  # candidate PNG, geometry npz -> boxes


def preprocess(request: PreprocessRequest, inputs: Storage, work: Storage) -> PreprocessResult:
    """Read one FITS input; put its normalised heatmap and its geometry, or a record of its rejection.

    An input that has a record already is not done again: that is resume and idempotency in one.
    """
    from mars_aurora import canvas, heatmap, products  # noqa: PLC0415
    from mars_aurora.observation import to_npz  # noqa: PLC0415

    keys = RunKeys(request.run_id)
    record = _find_record(work, keys, request.name)
    if record is not None:
        return PreprocessResult(
            request.run_id, request.name, record.outcome is not Outcome.REJECTED, record.reason, record.detail
        )
    try:
        with inputs.local_file(request.key) as path:
            observation = products.read(path, request.name)
        view = canvas.fit(observation)
    except InputError as error:
        record = Record(request.name, Outcome.REJECTED, error.reason, detail=error.detail)
        work.put(keys.record(request.name), record.to_json())
        return PreprocessResult(request.run_id, request.name, usable=False, reason=error.reason, detail=error.detail)
    work.put(keys.geometry(request.name), to_npz(observation, **view.to_arrays()))
    work.put(keys.image(request.name), heatmap.draw(observation, view))
    return PreprocessResult(request.run_id, request.name, usable=True)


def classify(request: ClassifyRequest, work: Storage) -> ClassifyResult:
    """Count the objects in one normalised image; put it among the candidates if there are enough."""
    from mars_aurora import objects  # noqa: PLC0415

    keys = RunKeys(request.run_id)
    record = _find_record(work, keys, request.name)
    if record is not None and record.objects is not None:
        return ClassifyResult(request.run_id, request.name, record.objects)
    image = work.get(keys.image(request.name))
    found = objects.find(image)
    if request.keep_stages:
        for stage, picture in objects.draw_stages(image).items():
            work.put(keys.stage(request.name, stage), picture)
    enough = found.count >= request.min_objects
    if enough:
        work.put(keys.candidate(request.name), image)
    outcome, reason = (Outcome.CANDIDATE, "") if enough else (Outcome.DISCARDED, "too_few_objects")
    work.put(keys.record(request.name), Record(request.name, outcome, reason, found.count).to_json())
    return ClassifyResult(request.run_id, request.name, found.count)


def tally(request: TallyRequest, inputs: Storage, work: Storage) -> TallyResult:
    """Hold the list of inputs against the records; count candidates left after superseded ones are out."""
    names = list_inputs(inputs, request.prefix)
    records = _settled(names, work, RunKeys(request.run_id))
    keys = RunKeys(request.run_id)
    for record in records:
        if record.outcome is Outcome.SUPERSEDED:
            work.delete(keys.candidate(record.name))
    counts = count_outcomes(records)
    return TallyResult(request.run_id, len(names), counts[Outcome.CANDIDATE], counts)


def detect(request: DetectRequest, work: Storage, detector: Detector) -> DetectResult:
    """Run the detector over the run's candidates; put the boxes of each as the transform job would."""
    keys = RunKeys(request.run_id)
    images, boxes = 0, 0
    for candidate in work.list(keys.candidates):
        name = candidate.removeprefix(keys.candidates).removesuffix(".png")
        boxes += detect_one(keys, name, work, detector)
        images += 1
    return DetectResult(request.run_id, images, boxes)


def detect_one(keys: RunKeys, name: str, work: Storage, detector: Detector) -> int:
    """Detect in one candidate unless that is done; return the number of boxes."""
    try:
        return len(_read_boxes(work.get(keys.prediction(name))))
    except KeyError:
        boxes = detector(work.get(keys.candidate(name)), work.get(keys.geometry(name)))
    work.put(keys.prediction(name), json.dumps({"boxes": [asdict(box) for box in boxes]}).encode())
    return len(boxes)


def catalogue(request: CatalogueRequest, inputs: Storage, work: Storage, detections: Storage) -> CatalogueResult:
    """Measure every detection, copy the images with auroras, write ledger and catalogue.

    Raises UnbalancedLedgerError, after the ledger is written, if the outcomes do not add up.
    """
    from mars_aurora import catalogue as tables  # noqa: PLC0415
    from mars_aurora import measure  # noqa: PLC0415

    keys = RunKeys(request.run_id)
    names = list_inputs(inputs, request.prefix)
    records, auroras = [], []
    for record in _settled(names, work, keys):
        if record.outcome is not Outcome.CANDIDATE:
            records.append(record)
            continue
        try:
            boxes = _read_boxes(work.get(keys.prediction(record.name)))
        except (KeyError, ValueError) as error:
            reason = "no_prediction" if isinstance(error, KeyError) else "bad_prediction"
            records.append(replace(record, outcome=Outcome.FAILED, reason=reason, detail=str(error)))
            continue
        found = measure.measure(work.get(keys.geometry(record.name)), boxes)
        if found:
            detections.put(keys.detection(record.name), work.get(keys.image(record.name)))
        outcome = Outcome.AURORA if found else Outcome.NO_AURORA
        records.append(replace(record, outcome=outcome, auroras=len(found)))
        auroras.extend(found)
    products = tables.write(keys, records, auroras, detections)
    require_balance(len(names), records)
    return CatalogueResult(request.run_id, len(names), len(auroras), count_outcomes(records), products)


def list_inputs(inputs: Storage, prefix: str) -> list[str]:
    """List the names of a batch's inputs, which are their keys below the prefix, markers left out."""
    names = (key.removeprefix(prefix) for key in inputs.list(prefix))
    return [name for name in names if name and not name.endswith(("/", READY_MARKER))]


def _find_record(work: Storage, keys: RunKeys, name: str) -> Record | None:
    try:
        return Record.from_json(work.get(keys.record(name)))
    except KeyError:
        return None


def _settled(names: list[str], work: Storage, keys: RunKeys) -> list[Record]:
    recorded = (key.removeprefix(keys.records).removesuffix(".json") for key in work.list(keys.records))
    records = {name: Record.from_json(work.get(keys.record(name))) for name in set(recorded).intersection(names)}
    return settle(names, records)


def _read_boxes(prediction: bytes) -> list[Box]:
    """Read the boxes of a prediction; raises ValueError where it holds an error record instead."""
    answer = json.loads(prediction)
    if "boxes" not in answer or answer.get("error"):
        raise ValueError(str(answer.get("error", "no boxes in the prediction")))
    return [Box(**box) for box in answer["boxes"]]
