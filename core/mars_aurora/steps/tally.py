"""Compare the list of inputs with the records; list the candidates that are to be detected, and where."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from mars_aurora.detect.detectors import DetectorVersion, describe_detector
from mars_aurora.run.detection import choose_path
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record, count_outcomes
from mars_aurora.run.listing import CANDIDATES, settle_inputs, write_items, write_unprocessed
from mars_aurora.run.messages import TallyRequest, TallyResult
from mars_aurora.run.plan import Todo, plan_detection
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import Source, Storage

_READERS = 16  # threads; reading a prediction from S3 takes one round trip


def tally(request: TallyRequest, inputs: Source, work: Storage, settings: Settings) -> TallyResult:
    """Compare the list of inputs with the records; leave exactly the candidates that are not superseded.

    Those without a prediction are listed for the map of the detect function and for a transform job. The outputs of a
    transform job of this execution are collected before.
    """
    keys, detector = RunKeys(request.run_id), describe_detector(settings.detector)
    records = settle_inputs(request.prefix, inputs, work, keys)
    names = set(keep_candidates(records, work, keys))
    collect_predictions(work, keys, detector.folder)
    undetected = find_undetected([record for record in records if record.name in names], work, keys, detector)
    write_items(work, keys, CANDIDATES, ({"name": record.name} for record in undetected))
    work.put(keys.transform_manifest, _list_transform(undetected, keys, settings.work_bucket))
    detect_on, detected = choose_path(request, len(names), len(undetected))
    return TallyResult(
        request.run_id,
        listed=len(records),
        unprocessed=write_unprocessed(records, work, keys),
        candidates=len(names),
        undetected=len(undetected),
        predictions=detector.folder,
        detect_on=detect_on.value,
        detected=detected,
        counts=count_outcomes(records),
    )


def keep_candidates(records: list[Record], work: Storage, keys: RunKeys) -> list[str]:
    """Make the stored candidates those of the records; return their names.

    A candidate whose picture cannot be copied is left out of storage: its detection fails.
    """
    wanted = {keys.candidate(record.name): record for record in records if record.outcome is Outcome.CANDIDATE}
    for key in set(work.list(keys.candidates)) - wanted.keys():
        work.delete(key)
    for key, record in wanted.items():  # missing, cut, or superseded until a better file was removed
        if work.size(key) != record.origin.products["image"]:
            with suppress(KeyError, OSError):
                work.put(key, work.get(keys.image(record.name)))
    return [record.name for record in wanted.values()]


def collect_predictions(work: Storage, keys: RunKeys, detector: str) -> None:
    """Move predictions that are in folders below that of the detector to where they are looked for.

    AWS describes in two ways how the outputs of a transform job are named after its inputs; the base name is the same.
    """
    folder = keys.predictions_by(detector)
    for key in work.list(folder):
        expected = folder + key.rpartition("/")[2]
        if key != expected:
            work.put(expected, work.get(key))
            work.delete(key)


def find_undetected(
    candidates: Sequence[Record], work: Storage, keys: RunKeys, detector: DetectorVersion
) -> list[Record]:
    """Return the candidates without a valid prediction by a detector."""
    stored = set(work.list(keys.predictions_by(detector.folder)))

    def is_detected(record: Record) -> bool:
        key = keys.prediction(record.name, detector.folder)
        return key in stored and plan_detection(record, work, keys, detector) is Todo.DONE

    with ThreadPoolExecutor(_READERS) as readers:
        found = list(readers.map(is_detected, candidates))
    return [record for record, is_done in zip(candidates, found, strict=True) if not is_done]


def _list_transform(candidates: Sequence[Record], keys: RunKeys, bucket: str) -> bytes:
    """Return the manifest of a transform job: the prefix of its inputs, and their keys below it."""
    prefix = {"prefix": f"s3://{bucket}/{keys.candidates}"}
    inputs = (keys.candidate(record.name).removeprefix(keys.candidates) for record in candidates)
    return json.dumps([prefix, *inputs]).encode()
