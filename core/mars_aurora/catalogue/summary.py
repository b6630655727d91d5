"""Summaries of the ledger for the report: reasons, flags, and differences of the recomputed geometry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from mars_aurora.run.ledger import Record

RESIDUALS = {  # name in the records: quantity and unit
    "sza_deg": "solar zenith angle, deg",
    "emission_angle_deg": "emission angle, deg",
    "local_time_h": "local time, h",
}


class Group(NamedTuple):
    """Inputs with something in common: what, how many, and the first by name."""

    what: tuple[str, ...]
    inputs: int
    first: str


class Residual(NamedTuple):
    """Median differences between the geometry in the files and the recomputed one, over the files."""

    quantity: str
    checked: int
    median: float
    largest: float
    name: str


def group_reasons(records: Iterable[Record]) -> list[Group]:
    """Count the inputs by outcome and reason, where there is a reason; the most frequent first."""
    return _group(((record.outcome.value, record.reason), record.name) for record in records if record.reason)


def group_flags(records: Iterable[Record]) -> list[Group]:
    """Count the inputs by flag; the most frequent first."""
    return _group(((flag,), record.name) for record in records for flag in record.flags)


def summarize_residuals(records: Sequence[Record]) -> list[Residual]:
    """Return the median and the largest difference of each quantity that was checked in any file."""
    summaries = []
    for key, quantity in RESIDUALS.items():
        sizes = {record.name: abs(record.residuals[key]) for record in records if key in record.residuals}
        if sizes:
            worst = max(sizes, key=sizes.__getitem__)
            summaries.append(Residual(quantity, len(sizes), median(sizes.values()), sizes[worst], worst))
    return summaries


def _group(items: Iterable[tuple[tuple[str, ...], str]]) -> list[Group]:
    names: dict[tuple[str, ...], list[str]] = {}
    for what, name in items:
        names.setdefault(what, []).append(name)
    groups = [Group(what, len(found), min(found)) for what, found in names.items()]
    return sorted(groups, key=lambda group: (-group.inputs, group.what))
