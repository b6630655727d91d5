"""Summaries of the ledger for the report: what was searched and removed, reasons, flags, and recomputed geometry."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from mars_aurora.night import Night
from mars_aurora.run.ledger import PICTURED, TOO_FEW_OBJECTS, Outcome, Record

MOST_TROUBLES = 500  # rejected and failed inputs that are listed on the page

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


@dataclass
class Summary:
    """What the report tells of all inputs, collected record by record; memory grows by the checked numbers only."""

    counts: Counter[str] = field(default_factory=Counter)
    megabytes: float = 0.0
    candidates: int = 0
    troubles: list[Record] = field(default_factory=list)
    _reasons: _Groups = field(default_factory=lambda: _Groups({}))
    _flags: _Groups = field(default_factory=lambda: _Groups({}))
    _residuals: dict[str, _Sizes] = field(default_factory=lambda: {key: _Sizes() for key in RESIDUALS})
    _removed: dict[str, _Sizes] = field(default_factory=lambda: {key: _Sizes() for key in REMOVED})
    _limits_R: array[float] = field(default_factory=lambda: array("d"))
    _night: Counter[str] = field(default_factory=Counter)
    _area_km2: float = 0.0

    def add(self, record: Record) -> None:
        self.counts[record.outcome.value] += 1
        self.megabytes += record.origin.version.size / 1e6
        self.candidates += record.outcome in PICTURED and record.reason != TOO_FEW_OBJECTS
        if record.outcome in {Outcome.REJECTED, Outcome.FAILED} and len(self.troubles) < MOST_TROUBLES:
            self.troubles.append(record)
        if record.reason:
            self._reasons.add((record.outcome.value, record.reason), record.name)
        for flag in record.flags:
            self._flags.add((flag,), record.name)
        for key, sizes in self._residuals.items():
            if key in record.residuals:
                sizes.add(abs(record.residuals[key]), record.name)
        for key, sizes in self._removed.items():
            if record.cleaning.get(key, 0) > 0:
                sizes.add(record.cleaning[key], record.name)
        if record.outcome in PICTURED and record.night is not None:
            self._add_night(record.night)

    def _add_night(self, night: Night) -> None:
        self._night.update(read=1, in_view=night.is_in_view, diffuse=night.is_diffuse)
        self._area_km2 += night.area_km2
        if night.is_in_view and night.limit_R is not None:
            self._limits_R.append(night.limit_R)

    @property
    def inputs(self) -> int:
        return self.counts.total()

    @property
    def reasons(self) -> list[Group]:
        """Inputs by outcome and reason, where there is a reason; the most frequent first."""
        return self._reasons.list()

    @property
    def flags(self) -> list[Group]:
        """Inputs by flag; the most frequent first."""
        return self._flags.list()

    @property
    def residuals(self) -> list[Residual]:
        """The median and the largest difference of each quantity that was checked in any file."""
        return [Residual(RESIDUALS[key], *sizes.describe()) for key, sizes in self._residuals.items() if sizes.values]

    @property
    def removed(self) -> list[Removed]:
        """For each artefact how many files it was removed from, its median there, and the largest."""
        return [Removed(REMOVED[key], *sizes.describe()) for key, sizes in self._removed.items() if sizes.values]

    @property
    def night(self) -> NightSummary:
        """What was searched: files with night in view, their area, and how deep the searches were."""
        return NightSummary(
            read=self._night["read"],
            in_view=self._night["in_view"],
            area_km2=self._area_km2,
            limit_R=median(self._limits_R) if self._limits_R else None,
            diffuse=self._night["diffuse"],
        )


def summarize(records: Iterable[Record]) -> Summary:
    """Summarize records."""
    summary = Summary()
    for record in records:
        summary.add(record)
    return summary


class _Groups(dict[tuple[str, ...], tuple[int, str]]):
    """Number and first name of the inputs that have something in common."""

    def add(self, what: tuple[str, ...], name: str) -> None:
        count, first = self.get(what, (0, name))
        self[what] = count + 1, min(first, name)

    def list(self) -> list[Group]:
        groups = [Group(what, *found) for what, found in self.items()]
        return sorted(groups, key=lambda group: (-group.inputs, group.what))


@dataclass
class _Sizes:
    """Positive numbers, and the name of the first input with the largest."""

    values: array[float] = field(default_factory=lambda: array("d"))
    largest: float = 0.0
    name: str = ""

    def add(self, value: float, name: str) -> None:
        self.values.append(value)
        if value > self.largest or not self.name:
            self.largest, self.name = value, name

    def describe(self) -> tuple[int, float, float, str]:
        return len(self.values), median(self.values), self.largest, self.name
