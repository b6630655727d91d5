"""Summaries of the ledger for the report: what was searched and removed, reasons, flags, and recomputed geometry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from mars_aurora.run.ledger import PICTURED, Record

RESIDUALS = {  # name in the records: quantity and unit
    "sza_deg": "solar zenith angle, deg",
    "emission_angle_deg": "emission angle, deg",
    "local_time_h": "local time, h",
}


REMOVED = {  # figure of cleaning: artefact and unit
    "spike_pixels": "spikes, pixels",
    "offset_bins": "slit bins with an offset",
    "particle_background_R": "background of particles, R",
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


class Removed(NamedTuple):
    """An artefact that cleaning removed, over the files that have it."""

    artefact: str
    files: int
    median: float
    largest: float
    name: str


class NightSummary(NamedTuple):
    """What was searched in the files that were read; ``limit_R`` is the median of those with night in view."""

    read: int
    in_view: int
    area_km2: float
    limit_R: float | None
    diffuse: int


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


def summarize_night(records: Iterable[Record]) -> NightSummary:
    """Summarize what was searched: files with night in view, their area, and how deep the searches were."""
    nights = [record.night for record in records if record.outcome in PICTURED and record.night is not None]
    limits = [night.limit_R for night in nights if night.is_in_view and night.limit_R is not None]
    return NightSummary(
        read=len(nights),
        in_view=sum(night.is_in_view for night in nights),
        area_km2=sum(night.area_km2 for night in nights),
        limit_R=median(limits) if limits else None,
        diffuse=sum(night.is_diffuse for night in nights),
    )


def summarize_cleaning(records: Sequence[Record]) -> list[Removed]:
    """Return for each artefact how many files it was removed from, its median there, and the largest."""
    summaries = []
    for key, artefact in REMOVED.items():
        sizes = {record.name: record.cleaning[key] for record in records if record.cleaning.get(key, 0) > 0}
        if sizes:
            worst = max(sizes, key=sizes.__getitem__)
            summaries.append(Removed(artefact, len(sizes), median(sizes.values()), sizes[worst], worst))
    return summaries


def _group(items: Iterable[tuple[tuple[str, ...], str]]) -> list[Group]:
    names: dict[tuple[str, ...], list[str]] = {}
    for what, name in items:
        names.setdefault(what, []).append(name)
    groups = [Group(what, len(found), min(found)) for what, found in names.items()]
    return sorted(groups, key=lambda group: (-group.inputs, group.what))
