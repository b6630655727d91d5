"""The table of scores and the list of what is required, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isnan

from bench.scores.cases import CLEANED, RAW
from bench.scores.rows import CLEAN, DIFFUSE
from bench.scores.scoring import (
    CRITERION,
    NETWORK,
    NIGHT,
    PIPELINE,
    Fraction,
    Scores,
    is_bright_in_twilight,
    is_faint,
)

Cell = Callable[[Scores], str]
THRESHOLDS = (0.1, 0.16, 0.3, 0.5)  # at the second, that of the weights, and above users may cut the catalogue


def _figure(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"


def _pair(method: str, way: str) -> Cell:
    return lambda scores: f"{scores.false_alarms(method, way)}, {scores.recall(method, way)}"


COLUMNS: dict[str, Cell] = {
    "images without, with auroras": lambda s: f"{s.false_alarms(NETWORK).whole}, {s.recall(NETWORK).whole}",
    "false alarms: pipeline": lambda s: str(s.false_alarms(PIPELINE)),
    "false alarms: network": lambda s: str(s.false_alarms(NETWORK)),
    "false alarms: night decision": lambda s: str(s.false_alarms(NIGHT)),
    "image recall: pipeline": lambda s: str(s.recall(PIPELINE)),
    "image recall: network": lambda s: str(s.recall(NETWORK)),
    "AP50": lambda s: _figure(s.ap50),
    "calibration error": lambda s: _figure(s.calibration_error),
    "criterion: false alarms, recall": _pair(CRITERION, CLEANED),
    "criterion without cleaning": _pair(CRITERION, RAW),
    "pipeline without cleaning": _pair(PIPELINE, RAW),
}


@dataclass(frozen=True)
class Requirement:
    """A limit on a figure of each of some rows; the figure must not exceed it, or not be below it."""

    name: str
    limit: float
    is_upper: bool
    values: dict[str, float]

    @property
    def missed(self) -> dict[str, float]:
        """Rows whose figure does not reach the limit, or is not known."""
        return {row: value for row, value in self.values.items() if not self._is_reached(value)}

    @property
    def worst(self) -> float:
        return (max if self.is_upper else min)(self.values.values(), default=float("nan"))

    def _is_reached(self, value: float) -> bool:
        return not isnan(value) and (value <= self.limit if self.is_upper else value >= self.limit)

    def describe(self) -> str:
        """Return a line of the list: requirement, worst figure, whether it is reached, where not."""
        limit = f"at {'most' if self.is_upper else 'least'} {self.limit:g}"
        missed = ", ".join(f"{row} {value:.3f}" for row, value in self.missed.items())
        return f"| {self.name} | {limit} | {self.worst:.3f} | {f'no: {missed}' if missed else 'yes'} |"


def list_requirements(rows: Sequence[Scores]) -> Iterator[Requirement]:
    """Yield the requirements that the rows can show."""
    clean = [scores for scores in rows if scores.row.name == CLEAN]
    others = [scores for scores in rows if not scores.row.is_clean]
    for name, some, alarms, recall in (("clean", clean, 0.01, 0.99), ("each artefact", others, 0.05, 0.97)):
        if not some:
            continue
        limits: tuple[tuple[str, float, bool, Callable[[Scores], float]], ...] = (
            ("false-alarm images", alarms, True, lambda s: s.false_alarms(PIPELINE).value),
            ("image recall", recall, False, lambda s: s.recall(PIPELINE).value),
            ("false positives of the night decision", 0.02, True, lambda s: s.false_alarms(NIGHT).value),
            ("AP50", 0.95, False, lambda s: s.ap50),
            ("expected calibration error", 0.05, True, lambda s: s.calibration_error),
        )
        for figure, limit, is_upper, measure in limits:
            yield Requirement(f"{figure}, {name}", limit, is_upper, {s.row.name: measure(s) for s in some})
    for scores in rows:
        if scores.row.name == DIFFUSE:
            values = {DIFFUSE: scores.recall(NIGHT).value}
            yield Requirement("recall of diffuse auroras by the night decision", 0.95, is_upper=False, values=values)
    for name, chosen in (
        ("recall of auroras of 2 to 5 R, clean", is_faint),
        ("recall of auroras in twilight brighter than it", is_bright_in_twilight),
    ):
        found = sum((s.box_recall(chosen) for s in rows if s.row.is_clean), Fraction(0, 0))
        if found.whole:
            yield Requirement(f"{name} ({found.whole})", 0.9, False, {CLEAN: found.value})


def format_table(rows: Sequence[Scores]) -> str:
    """Return the table, the list of requirements, and those that depend on the threshold at several thresholds."""
    lines = [f"| | {' | '.join(COLUMNS)} |", f"|---|{'---:|' * len(COLUMNS)}"]
    lines += [f"| {s.row.name.replace('_', ' ')} | {' | '.join(cell(s) for cell in COLUMNS.values())} |" for s in rows]
    lines += ["", "| required | limit | worst | reached |", "|---|---|---:|---|"]
    lines += [requirement.describe() for requirement in list_requirements(rows)]
    return "\n".join([*lines, "", *_list_thresholds(rows)])


def _list_thresholds(rows: Sequence[Scores]) -> Iterator[str]:
    """Yield the lines of a table of the worst figures at several thresholds."""
    figures = [
        {item.name: item.worst for item in list_requirements([replace(scores, threshold=threshold) for scores in rows])}
        for threshold in THRESHOLDS
    ]
    starts = ("false-alarm images", "image recall", "recall of auroras")
    chosen = [name for name in figures[0] if name.startswith(starts)]
    yield f"| least confidence | {' | '.join(chosen)} |"
    yield f"|---|{'---:|' * len(chosen)}"
    for threshold, found in zip(THRESHOLDS, figures, strict=True):
        yield f"| {threshold:g} | {' | '.join(f'{found[name]:.3f}' for name in chosen)} |"
