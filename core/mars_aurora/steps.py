"""The use cases: storage in, message out. Lambda, command line and container all call these.

Bad input ends here: an InputError becomes a returned, recorded outcome, so that nothing retries it.
Heavy imports stand inside the steps that need them: classify must not pay for astropy.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Protocol

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
from mars_aurora.storage import Source, Storage

if TYPE_CHECKING:
    from mars_aurora.aurora import Aurora

Detector = Callable[[bytes, bytes], list[Box]]  # candidate PNG, geometry npz -> boxes
_READERS = 16  # threads that fetch ledger records: on S3 each costs a round trip


class DetectorName(StrEnum):
    """The detectors there are; each is the function ``detect`` of a module."""

    THRESHOLD = "threshold"
    YOLO = "yolo"


_MODULES = {DetectorName.THRESHOLD: "mars_aurora.threshold", DetectorName.YOLO: "mars_aurora.detector"}


def load_detector(name: DetectorName) -> Detector:
    """Import a detector; one that has weights starts them once in a process, at its first image."""
    detector: Detector = importlib.import_module(_MODULES[name]).detect
    return detector


@dataclass(frozen=True)
class Measured:
    """A candidate's record with its final outcome, and the auroras found in it."""

    record: Record
    auroras: list[Aurora]


class Mapper(Protocol):
    """How `measure_one` is mapped over records: ``map``, or a runner's process pool; any order."""

    def __call__(self, function: Callable[[Record], Measured], records: Iterable[Record], /) -> Iterable[Measured]: ...


def preprocess(request: PreprocessRequest, inputs: Source, work: Storage) -> PreprocessResult:
    """Read one FITS input; put its normalised heatmap and its geometry, or a record of its rejection.

    An input that has a record already is not done again: that is resume and idempotency in one.
    """
    from mars_aurora import canvas, heatmap, products  # noqa: PLC0415
    from mars_aurora.observation import to_npz  # noqa: PLC0415

    keys = RunKeys(request.run_id)
    record = _find_record(work, keys, request.name)
    if record is not None:
        usable = record.outcome is not Outcome.REJECTED
        return PreprocessResult(request.run_id, request.name, usable, record.reason, record.detail)
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


def tally(request: TallyRequest, inputs: Source, work: Storage) -> TallyResult:
    """Hold the list of inputs against the records; leave exactly the candidates that nothing supersedes."""
    keys = RunKeys(request.run_id)
    names = list_inputs(inputs, request.prefix)
    records = settle(names, read_records(names, work, keys))
    wanted = {keys.candidate(record.name): record.name for record in records if record.outcome is Outcome.CANDIDATE}
    present = set(work.list(keys.candidates))
    for key in present - wanted.keys():
        work.delete(key)
    for key in wanted.keys() - present:  # its newer version has gone since
        work.put(key, work.get(keys.image(wanted[key])))
    return TallyResult(request.run_id, len(names), len(wanted), count_outcomes(records))


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
        return len(_read_boxes(work.get(keys.prediction(name))))
    except (KeyError, ValueError):
        image, geometry = work.get(keys.candidate(name)), work.get(keys.geometry(name))
    try:
        boxes, error = detector(image, geometry), None
    except Exception as failure:  # noqa: BLE001 -- one image must not cost the others their detection
        boxes, error = [], f"{type(failure).__name__}: {failure}"
    answer = {"boxes": [asdict(box) for box in boxes]} | ({"error": error} if error else {})
    work.put(keys.prediction(name), json.dumps(answer).encode())
    return len(boxes)


def catalogue(
    request: CatalogueRequest, inputs: Source, work: Storage, detections: Storage, mapper: Mapper = map
) -> CatalogueResult:
    """Measure every detection, copy the images with auroras, write ledger and catalogue.

    Raises UnbalancedLedgerError, after the ledger is written, if the outcomes do not add up.
    """
    from mars_aurora import catalogue as tables  # noqa: PLC0415

    keys = RunKeys(request.run_id)
    names = list_inputs(inputs, request.prefix)
    settled = settle(names, read_records(names, work, keys))
    candidates = [record for record in settled if record.outcome is Outcome.CANDIDATE]
    measure = partial(measure_one, keys=keys, work=work, detections=detections)
    measured = {item.record.name: item for item in mapper(measure, candidates)}
    records = [measured[record.name].record if record.name in measured else record for record in settled]
    auroras = [aurora for name in sorted(measured) for aurora in measured[name].auroras]
    _drop_stale_detections(keys, records, detections)
    elapsed_s = _elapsed_s(request.started_utc)
    products = tables.write(keys, records, auroras, detections, work, elapsed_s=elapsed_s)
    require_balance(names, records)
    return CatalogueResult(request.run_id, len(names), len(auroras), count_outcomes(records), products)


def _elapsed_s(started_utc: str) -> float | None:
    return (datetime.now(UTC) - datetime.fromisoformat(started_utc)).total_seconds() if started_utc else None


def measure_one(record: Record, keys: RunKeys, work: Storage, detections: Storage) -> Measured:
    """Measure what the detector found in one candidate; put its image among the detections if that is an aurora."""
    from mars_aurora import measure  # noqa: PLC0415

    try:
        boxes = _read_boxes(work.get(keys.prediction(record.name)))
        geometry = work.get(keys.geometry(record.name))
    except KeyError as error:
        return _failed(record, "missing_object", f"{error.args[0]} is not there")
    except ValueError as error:
        return _failed(record, "not_detected", str(error))
    try:
        auroras = measure.measure(geometry, boxes)
    except Exception as error:  # noqa: BLE001 -- one image must not cost the others their catalogue
        return _failed(record, "not_measured", f"{type(error).__name__}: {error}")
    if auroras:
        detections.put(keys.detection(record.name), work.get(keys.image(record.name)))
    outcome = Outcome.AURORA if auroras else Outcome.NO_AURORA
    return Measured(replace(record, outcome=outcome, auroras=len(auroras)), auroras)


def _failed(record: Record, reason: str, detail: str) -> Measured:
    return Measured(replace(record, outcome=Outcome.FAILED, reason=reason, detail=detail), [])


def _drop_stale_detections(keys: RunKeys, records: list[Record], detections: Storage) -> None:
    """Remove images that an earlier catalogue of this run put, and that are superseded since."""
    current = {keys.detection(record.name) for record in records if record.outcome is Outcome.AURORA}
    for key in set(detections.list(keys.detections)) - current:
        detections.delete(key)


def list_inputs(inputs: Source, prefix: str) -> list[str]:
    """List the names of a batch's inputs, which are their keys below the prefix's folder, markers left out.

    A prefix is a folder (``incoming/a/``) or a single file, with its gzipped twin (``live/x.fits``).
    """
    folder = prefix[: prefix.rfind("/") + 1]
    names = (key.removeprefix(folder) for key in inputs.list(prefix))
    return [name for name in names if name and not name.endswith(("/", READY_MARKER))]


def read_records(names: Collection[str], work: Storage, keys: RunKeys) -> dict[str, Record]:
    """Read what is recorded of these inputs; what has no record, or an illegible one, is left out."""
    recorded = {key.removeprefix(keys.records).removesuffix(".json") for key in work.list(keys.records)}
    wanted = sorted(recorded.intersection(names))
    with ThreadPoolExecutor(_READERS) as readers:
        found = readers.map(partial(_read_record, work, keys), wanted)
        return {record.name: record for record in found if record is not None}


def _find_record(work: Storage, keys: RunKeys, name: str) -> Record | None:
    """Find the record that makes an input done; failures are left out, to be tried again."""
    record = _read_record(work, keys, name)
    return record if record is not None and record.holds else None


def _read_record(work: Storage, keys: RunKeys, name: str) -> Record | None:
    try:
        return Record.from_json(work.get(keys.record(name)))
    except (KeyError, ValueError):
        return None


def _read_boxes(prediction: bytes) -> list[Box]:
    """Read the boxes of a prediction; raises ValueError where it holds an error record instead."""
    answer = json.loads(prediction)
    try:
        boxes = [Box(**box) for box in answer["boxes"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a prediction: {error!r}") from error
    if answer.get("error"):
        raise ValueError(answer["error"])
    return boxes
