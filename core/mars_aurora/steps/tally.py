"""Compare the list of inputs with the records; divide what is left to do among the maps, and choose where to detect."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mars_aurora.detect.detectors import DetectorVersion, describe_detector
from mars_aurora.run.detection import choose_path
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Origin, Outcome, Record, count_outcomes
from mars_aurora.run.listing import (
    CANDIDATES,
    SETS,
    SLICES,
    UNDETECTED,
    ItemFile,
    is_unprocessed,
    read_items,
    write_items,
    write_unprocessed,
)
from mars_aurora.run.messages import TallyRequest, TallyResult
from mars_aurora.run.plan import Todo, plan_detection
from mars_aurora.run.record_table import RecordTable, Settled
from mars_aurora.run.settings import Settings
from mars_aurora.run.slices import pack_records, split
from mars_aurora.run.storage import BulkStorage, Storage
from mars_aurora.steps.settle import fill_table, require_complete

_THREADS = 16  # reading a prediction from S3, or writing a slice, takes one round trip
_SLICES_AT_ONCE = 64  # in memory


def tally(
    request: TallyRequest,
    inputs: BulkStorage,
    work: BulkStorage,
    settings: Settings,
    count_items: Callable[[str], Mapping[str, int]],
) -> TallyResult:
    """Compare the list of inputs with the records; write the slices and sets of the inputs, and the candidates.

    The candidates without a prediction are listed for the map of the detect function and for a transform job. After
    a transform job of this execution, only that is done, with its outputs.

    Parameters
    ----------
    request : TallyRequest
    inputs, work : BulkStorage
    settings : Settings
    count_items : callable
        Returns the counts of a map run by its ARN.

    Raises
    ------
    UnbalancedLedgerError
        If the results of the map over the inputs are incomplete.
    """
    keys, detector = RunKeys(request.run_id), describe_detector(settings.detector)
    divided = Divided() if request.transform else divide(request, inputs, work, keys, count_items)
    stored = collect_predictions(work, keys, detector.folder)
    candidates = read_candidates(work, keys, request.execution)
    undetected = list(find_undetected(candidates, work, keys, detector, stored))
    write_items(work, keys, UNDETECTED, ({"name": name} for name in undetected), request.execution)
    work.put(keys.transform_manifest, _list_transform(undetected, keys, settings.work_bucket))
    detect_on, detected = choose_path(request, divided.candidates, len(undetected))
    return TallyResult(
        request.run_id,
        listed=divided.listed,
        unprocessed=divided.unprocessed,
        candidates=divided.candidates,
        undetected=len(undetected),
        sets=divided.sets,
        tolerated_slices=request.tolerated_failures * divided.slices // max(1, divided.listed),
        predictions=detector.folder,
        detect_on=detect_on.value,
        detected=detected,
        counts=dict(divided.counts),
    )


@dataclass(frozen=True)
class Divided:
    """The work of the maps: number of slices, observation sets and inputs whose children failed; inputs by outcome."""

    slices: int = 0
    sets: int = 0
    unprocessed: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def listed(self) -> int:
        return sum(self.counts.values())

    @property
    def candidates(self) -> int:
        return self.counts.get(Outcome.CANDIDATE, 0)


def divide(
    request: TallyRequest,
    inputs: BulkStorage,
    work: BulkStorage,
    keys: RunKeys,
    count_items: Callable[[str], Mapping[str, int]],
) -> Divided:
    """Write the slices of the settled records, the observation sets, and the candidates with their pictures."""
    counts: dict[str, int] = count_outcomes([])
    unprocessed: set[str] = set()

    def note(item: Settled) -> str:
        counts[item.outcome.value] += 1
        if item.outcome is Outcome.FAILED and is_unprocessed(Record.from_json(item.record.encode())):
            unprocessed.add(item.name)
        if item.outcome is Outcome.CANDIDATE:
            candidates.add(_to_item(item))
        return item.record

    with tempfile.TemporaryDirectory() as folder, RecordTable(Path(folder)) as table:
        results = fill_table(table, request.prefix, request.execution, inputs, work, keys)
        if request.execution:
            require_complete(table, results, count_items)
        table.supersede()
        with ItemFile(work, keys, CANDIDATES, request.execution) as candidates:
            slices = put_slices(map(note, table.settle()), work, keys, request.execution)
        found = ({"names": names} for names in table.find_sets() if len(names) > 1)
        sets = write_items(work, keys, SETS, found, request.execution)
    write_items(work, keys, SLICES, ({"number": number} for number in range(slices)), request.execution)
    keep_candidates(read_candidates(work, keys, request.execution), work, keys)
    return Divided(slices, sets, write_unprocessed(unprocessed, work, keys), counts)


def put_slices(records: Iterable[str], work: Storage, keys: RunKeys, execution: str) -> int:
    """Write records, given as JSON, in slices; return the number of slices."""

    def put(numbered: tuple[int, list[str]]) -> None:
        number, some = numbered
        work.put(keys.settled(execution, number), pack_records(some))

    slices = 0
    with ThreadPoolExecutor(_THREADS) as writers:
        for numbered in split(enumerate(split(records)), _SLICES_AT_ONCE):
            slices += len(list(writers.map(put, numbered)))
    return slices


def _to_item(candidate: Settled) -> dict[str, object]:
    """Return what detection needs of a candidate."""
    origin = json.loads(candidate.record)["origin"]
    picture = {"image_sha256": origin["image_sha256"], "image_bytes": origin["products"]["image"]}
    return {"name": candidate.name, "read": origin["read"], **picture}


def read_candidates(work: BulkStorage, keys: RunKeys, execution: str) -> Iterator[Record]:
    """Yield the candidates that are not superseded, as records with what detection needs."""
    for item in read_items(work, keys, CANDIDATES, execution):
        products = {"image": item["image_bytes"]}
        origin = Origin(read=item["read"], image_sha256=item["image_sha256"], products=products)
        yield Record(item["name"], Outcome.CANDIDATE, origin=origin)


def keep_candidates(candidates: Iterable[Record], work: Storage, keys: RunKeys) -> None:
    """Make the stored candidates those of the records.

    A candidate whose picture cannot be copied is left out of storage: its detection fails.
    """
    stored = work.sizes(keys.candidates)
    for record in candidates:  # missing, cut, or superseded until a better file was removed
        key = keys.candidate(record.name)
        if stored.pop(key, None) != record.origin.products["image"]:
            with suppress(KeyError, OSError):
                work.put(key, work.get(keys.image(record.name)))
    for key in stored:
        work.delete(key)


def collect_predictions(work: Storage, keys: RunKeys, detector: str) -> set[str]:
    """Move predictions that are in folders below that of the detector to where they are looked for; return their keys.

    AWS describes in two ways how the outputs of a transform job are named after its inputs; the base name is the same.
    """
    folder, found = keys.predictions_by(detector), set()
    for key in work.list(folder):
        expected = folder + key.rpartition("/")[2]
        if key != expected:
            work.put(expected, work.get(key))
            work.delete(key)
        found.add(expected)
    return found


def find_undetected(
    candidates: Iterable[Record], work: Storage, keys: RunKeys, detector: DetectorVersion, stored: Container[str]
) -> Iterator[str]:
    """Yield the names of the candidates without a valid prediction by a detector, of those in storage."""

    def name_undetected(record: Record) -> str:
        key = keys.prediction(record.name, detector.folder)
        is_detected = key in stored and plan_detection(record, work, keys, detector) is Todo.DONE
        return "" if is_detected else record.name

    yield from filter(None, work.map(name_undetected, candidates))


def _list_transform(names: Iterable[str], keys: RunKeys, bucket: str) -> bytes:
    """Return the manifest of a transform job: the prefix of its inputs, and their keys below it."""
    prefix = {"prefix": f"s3://{bucket}/{keys.candidates}"}
    inputs = (keys.candidate(name).removeprefix(keys.candidates) for name in names)
    return json.dumps([prefix, *inputs]).encode()
