"""Join the measured slices of a run; write the ledger and the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from mars_aurora.aurora import count_auroras
from mars_aurora.detect.detectors import DetectorVersion
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import PICTURED, Outcome, Record, count_outcomes, require_balance
from mars_aurora.run.listing import SETS, SLICES, read_items
from mars_aurora.run.messages import CatalogueRequest, CatalogueResult
from mars_aurora.run.provenance import Provenance
from mars_aurora.run.slices import MeasuredSlice, split, unpack_measured, unpack_records
from mars_aurora.run.storage import BulkStorage, Storage

if TYPE_CHECKING:
    from mars_aurora.catalogue.write import Verifier

_AT_ONCE = 64  # slices in memory


class Reader(Protocol):
    """How slices are read: ``map``, or that of a pool of threads; in the order of their numbers."""

    def __call__(
        self, function: Callable[[int], MeasuredSlice], numbers: Iterable[int], /
    ) -> Iterable[MeasuredSlice]: ...


def catalogue(  # noqa: PLR0913, PLR0917 -- where slices and results are, and what made them
    request: CatalogueRequest,
    work: BulkStorage,
    detections: Storage,
    provenance: Provenance,
    reader: Reader = map,
    verifier: Verifier = map,
) -> CatalogueResult:
    """Join the slices of an execution; write its ledger and catalogue, as `join_slices`."""
    keys = RunKeys(request.run_id)
    slices = read_slices(work, keys, request.execution, _fail, reader)
    pictures = {keys.set_picture(item["names"][0]) for item in read_items(work, keys, SETS, request.execution)}
    return join_slices(request, slices, pictures, detections, provenance, verifier)


def join_slices(  # noqa: PLR0913, PLR0917 -- the results, where they go, and what made them
    request: CatalogueRequest,
    slices: Iterable[MeasuredSlice],
    set_pictures: Collection[str],
    detections: Storage,
    provenance: Provenance,
    verifier: Verifier = map,
    *,
    native: bool = False,
) -> CatalogueResult:
    """Join slices of inputs, sorted by name; write ledger and catalogue and read them back.

    ``set_pictures`` are the keys of the stitched pictures of the observation sets. Those of an earlier run are removed,
    and so are native images, which all observations have with ``native``, else those with auroras.
    Raises UnbalancedLedgerError if the outcomes do not add up to the number of inputs, and ProductError if a product
    cannot be read back or lacks rows, both after the ledger is written.
    """
    from mars_aurora.background import exposure
    from mars_aurora.catalogue import write as tables

    keys = RunKeys(request.run_id)
    joined = list(slices)
    records = [record for measured in joined for record in measured.records]
    auroras = [aurora for measured in joined for aurora in measured.auroras]
    found = [record.name for record in records if record.outcome is Outcome.AURORA]
    imaged = [record.name for record in records if record.outcome in PICTURED] if native else found
    delete_others(keys.detections, set(map(keys.detection, found)), detections)
    delete_others(keys.natives, set(map(keys.native, imaged)), detections)
    delete_others(keys.sets, set_pictures, detections)
    provenance = _state_detectors(provenance, {found for measured in joined for found in measured.detectors})
    tables.write_products(
        keys,
        records,
        auroras,
        provenance,
        detections,
        verifier,
        exposure=exposure.join(measured.searched for measured in joined),
        elapsed_s=_elapsed_s(request.started_utc),
        detected=request.detected,
    )
    require_balance(request.listed, records)
    return CatalogueResult(request.run_id, len(records), count_auroras(auroras), count_outcomes(records))


def read_slices(
    work: BulkStorage, keys: RunKeys, execution: str, fail: Callable[[Record], Record], reader: Reader = map
) -> Iterator[MeasuredSlice]:
    """Yield the results of each slice of an execution; ``fail`` concludes the records of one that was not measured."""
    read = partial(_read_slice, work=work, keys=keys, execution=execution, fail=fail)
    for numbers in split((item["number"] for item in read_items(work, keys, SLICES, execution)), _AT_ONCE):
        yield from reader(read, numbers)


def _read_slice(
    number: int, *, work: Storage, keys: RunKeys, execution: str, fail: Callable[[Record], Record]
) -> MeasuredSlice:
    from mars_aurora.background.exposure import NOTHING

    try:
        return unpack_measured(work.get(keys.measured_slice(execution, number)))
    except KeyError:
        records = unpack_records(work.get(keys.settled(execution, number)))
    return MeasuredSlice([fail(record) for record in records], [], NOTHING, [])


def _fail(record: Record) -> Record:
    """Conclude the record of an input whose auroras were not measured, or whose exposure was not joined."""
    if not record.is_read:
        return record
    detail = "the function that measures its auroras failed: the next run tries again"
    return replace(record, outcome=Outcome.FAILED, reason="not_measured", detail=detail)


def _state_detectors(provenance: Provenance, found: Iterable[DetectorVersion]) -> Provenance:
    """State the detectors that found the boxes, which are not those of the settings after a change of the weights."""
    pairs = sorted((detector.name.value, detector.weights_sha256) for detector in found)
    if not pairs:
        return provenance
    detectors, weights = (" ".join(dict.fromkeys(column)).strip() for column in zip(*pairs, strict=True))
    return replace(provenance, detector=detectors, weights_sha256=weights)


def _elapsed_s(started_utc: str) -> float | None:
    return (datetime.now(UTC) - datetime.fromisoformat(started_utc)).total_seconds() if started_utc else None


def delete_others(folder: str, current: Collection[str], storage: Storage) -> None:
    """Delete the objects in a folder that an earlier run put, and that are not current since."""
    for key in set(storage.list(folder)) - set(current):
        storage.delete(key)
