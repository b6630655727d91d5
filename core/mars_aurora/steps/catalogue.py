"""Measure every detection; write the ledger and the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from mars_aurora.aurora import count_auroras
from mars_aurora.detect.detectors import DetectorName, DetectorVersion
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record, count_outcomes, require_balance
from mars_aurora.run.listing import settle_inputs
from mars_aurora.run.messages import CatalogueRequest, CatalogueResult
from mars_aurora.run.provenance import Provenance
from mars_aurora.run.storage import Source, Storage
from mars_aurora.steps.exposure import join_exposure
from mars_aurora.steps.measure import Measured, measure_one

if TYPE_CHECKING:
    from mars_aurora.catalogue.write import Verifier


class Mapper(Protocol):
    """How `measure_one` is mapped over records: ``map``, or a runner's process pool; any order."""

    def __call__(self, function: Callable[[Record], Measured], records: Iterable[Record], /) -> Iterable[Measured]: ...


def catalogue(  # noqa: PLR0913, PLR0917 -- where the inputs, pictures and results are, and what made them
    request: CatalogueRequest,
    inputs: Source,
    work: Storage,
    detections: Storage,
    provenance: Provenance,
    mapper: Mapper = map,
    verifier: Verifier = map,
    failures: Mapping[str, Record] | None = None,
) -> CatalogueResult:
    """Measure every detection, copy the pictures with auroras, write ledger and catalogue and read them back.

    ``failures`` are records by name that take the place of those in ``work``: of inputs whose record could not be
    written. Raises UnbalancedLedgerError if the outcomes do not add up, and ProductError if a product cannot be read
    back or lacks rows, both after the ledger is written.
    """
    from mars_aurora.catalogue import write as tables

    keys = RunKeys(request.run_id)
    settled = settle_inputs(request.prefix, inputs, work, keys, failures)
    names = [record.name for record in settled]
    candidates = [record for record in settled if record.outcome is Outcome.CANDIDATE]
    detector = (
        request.predictions or DetectorVersion(DetectorName(provenance.detector), provenance.weights_sha256).folder
    )
    measure = partial(measure_one, keys=keys, work=work, detections=detections, detector=detector)
    measured = {item.record.name: item for item in mapper(measure, candidates)}
    records = [measured[record.name].record if record.name in measured else record for record in settled]
    exposure, lost = join_exposure(records, work, keys)
    records = [lost.get(record.name, record) for record in records]
    auroras = [aurora for name in sorted(measured.keys() - lost) for aurora in measured[name].auroras]
    _drop_stale_detections(keys, records, detections)
    provenance = _state_detectors(provenance, measured.values())
    elapsed_s = _elapsed_s(request.started_utc)
    products = tables.write_products(
        keys,
        records,
        auroras,
        provenance,
        detections,
        work,
        verifier,
        exposure=exposure,
        elapsed_s=elapsed_s,
        detected=request.detected,
    )
    require_balance(names, records)
    return CatalogueResult(request.run_id, len(names), count_auroras(auroras), count_outcomes(records), products)


def _state_detectors(provenance: Provenance, measured: Iterable[Measured]) -> Provenance:
    """State the detectors that found the boxes, which are not those of the settings after a change of the weights."""
    found = sorted({(item.detector.name.value, item.detector.weights_sha256) for item in measured if item.detector})
    if not found:
        return provenance
    detectors, weights = (" ".join(dict.fromkeys(column)).strip() for column in zip(*found, strict=True))
    return replace(provenance, detector=detectors, weights_sha256=weights)


def _elapsed_s(started_utc: str) -> float | None:
    return (datetime.now(UTC) - datetime.fromisoformat(started_utc)).total_seconds() if started_utc else None


def _drop_stale_detections(keys: RunKeys, records: list[Record], detections: Storage) -> None:
    """Remove pictures that an earlier catalogue of this run put, and that have no aurora or are superseded since."""
    current = {keys.detection(record.name) for record in records if record.outcome is Outcome.AURORA}
    for key in set(detections.list(keys.detections)) - current:
        detections.delete(key)
