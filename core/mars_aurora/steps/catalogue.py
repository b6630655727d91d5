"""Join the measured slices of a run; write the ledger and the catalogue."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from mars_aurora.aurora import Aurora, count_auroras
from mars_aurora.detect.detectors import DetectorVersion
from mars_aurora.run.escaping import escape_row
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import PICTURED, Outcome, Record, count_outcomes, require_balance
from mars_aurora.run.listing import SETS, SLICES, read_items
from mars_aurora.run.messages import CatalogueRequest, CatalogueResult
from mars_aurora.run.provenance import Provenance
from mars_aurora.run.slices import MeasuredSlice, split, unpack_measured, unpack_records
from mars_aurora.run.storage import BulkStorage, Storage

if TYPE_CHECKING:
    from mars_aurora.background.exposure import Cells
    from mars_aurora.catalogue.rows import RowFile
    from mars_aurora.catalogue.write import Worker

Slice = TypeVar("Slice")
_AT_ONCE = 64  # slices in memory
_LATER = ("catalogue.parquet", "auroras.parquet")  # products of the next step


class Reader(Protocol):
    """How slices are read: ``map``, or that of a pool of threads; in the order of their numbers."""

    def __call__(self, function: Callable[[int], Slice], numbers: Iterable[int], /) -> Iterable[Slice]: ...


def catalogue(  # noqa: PLR0913, PLR0917 -- where slices and results are, and what made them
    request: CatalogueRequest,
    work: BulkStorage,
    detections: BulkStorage,
    provenance: Provenance,
    reader: Reader = map,
    worker: Worker = map,
) -> CatalogueResult:
    """Join the slices of an execution; write its ledger and catalogue, as `join_slices`."""
    keys = RunKeys(request.run_id)
    slices = read_slices(work, keys, request.execution, conclude_unmeasured, reader)
    pictures = {keys.set_picture(item["names"][0]) for item in read_items(work, keys, SETS, request.execution)}
    return join_slices(request, slices, pictures, detections, provenance, worker, later=_LATER)


def join_slices(  # noqa: PLR0913, PLR0917 -- the results, where they go, and what made them
    request: CatalogueRequest,
    slices: Iterable[MeasuredSlice],
    set_pictures: Iterable[str],
    detections: BulkStorage,
    provenance: Provenance,
    worker: Worker = map,
    *,
    native: bool = False,
    later: Collection[str] = (),
) -> CatalogueResult:
    """Join slices of inputs, sorted by name; write ledger and catalogue and read them back.

    ``set_pictures`` are the keys of the stitched pictures of the observation sets. Those of an earlier run are removed,
    and so are native images, which all observations have with ``native``, else those with auroras. The report links to
    products that another step writes ``later``.
    Raises UnbalancedLedgerError if the outcomes do not add up to the number of inputs, and ProductError if a product
    cannot be read back or lacks rows, both after the ledger is written.
    """
    from mars_aurora.catalogue import write as tables

    keys = RunKeys(request.run_id)
    with tempfile.TemporaryDirectory() as folder:
        joined = collect_slices(slices, Path(folder))
        delete_others(keys.detections, (keys.detection(name) for name in joined.found), detections)
        imaged = (record.name for record in joined.records if record.outcome in PICTURED) if native else joined.found
        delete_others(keys.natives, map(keys.native, imaged), detections)
        delete_others(keys.sets, set_pictures, detections)
        tables.write_products(
            keys,
            joined.records,
            joined.auroras,
            _state_detectors(provenance, joined.detectors),
            detections,
            worker,
            exposure=joined.searched,
            elapsed_s=_elapsed_s(request.started_utc),
            detected=request.detected,
            later=later,
        )
        require_balance(request.listed, joined.records)
        counts, auroras = count_outcomes(joined.records), count_auroras(joined.auroras)
    return CatalogueResult(request.run_id, sum(counts.values()), auroras, counts)


@dataclass(frozen=True)
class Joined:
    """The slices of a run: rows in files, the names of the inputs with auroras, the exposure, and the detectors."""

    records: RowFile[Record]
    auroras: RowFile[Aurora]
    found: list[str]
    searched: Cells
    detectors: set[DetectorVersion]


def collect_slices(slices: Iterable[MeasuredSlice], folder: Path) -> Joined:
    """Write the records, whose texts are escaped, and the auroras of slices to files in a folder."""
    from mars_aurora.background import exposure
    from mars_aurora.catalogue.rows import RowFile

    found: list[str] = []
    detectors: set[DetectorVersion] = set()
    with RowFile[Record](folder / "records") as records, RowFile[Aurora](folder / "auroras") as auroras:

        def add(measured: MeasuredSlice) -> Cells:
            for record in measured.records:
                records.add(escape_row(record))
            for aurora in measured.auroras:
                auroras.add(aurora)
            found.extend(record.name for record in measured.records if record.outcome is Outcome.AURORA)
            detectors.update(measured.detectors)
            return measured.searched

        searched = exposure.join(map(add, slices))
    return Joined(records, auroras, found, searched, detectors)


def read_slices(
    work: BulkStorage, keys: RunKeys, execution: str, fail: Callable[[Record], Record], reader: Reader = map
) -> Iterator[MeasuredSlice]:
    """Yield the results of each slice of an execution; ``fail`` concludes the records of one that was not measured."""
    yield from map_slices(
        partial(_read_slice, work=work, keys=keys, execution=execution, fail=fail), work, keys, execution, reader
    )


def map_slices(
    read: Callable[[int], Slice], work: BulkStorage, keys: RunKeys, execution: str, reader: Reader = map
) -> Iterator[Slice]:
    """Yield what a function returns for the number of each slice of an execution."""
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


def conclude_unmeasured(record: Record) -> Record:
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


def delete_others(folder: str, current: Iterable[str], storage: Storage) -> None:
    """Delete the objects in a folder that an earlier run put, and that are not current since."""
    if others := set(storage.list(folder)):
        others.difference_update(current)
    for key in others:
        storage.delete(key)
