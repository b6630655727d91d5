"""How far a run is, on the terminal: a bar, a rate and the outcomes so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich import progress
from rich.console import Console

from mars_aurora.run.ledger import Outcome


class Progress:
    """One bar per phase of the run; use it in a ``with``. Where standard error is no terminal, it is silent."""

    def __init__(self, console: Console) -> None:
        self._bars = progress.Progress(
            progress.TextColumn("{task.description:<24}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
            progress.TextColumn("{task.fields[outcomes]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._counts: Counter[Outcome] = Counter()
        self._task = progress.TaskID(0)
        self._earlier = 0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def start(self, phase: str, total: int, done: Mapping[Outcome, int] | None = None) -> None:
        """Begin a phase of ``total`` items, of which some were done by an earlier run."""
        self._counts = Counter(done or {})
        self._earlier = self._counts.total()
        self._task = self._bars.add_task(
            phase, total=total, completed=self._earlier, rate="", outcomes=_describe(self._counts)
        )

    def advance(self, outcome: Outcome | None = None) -> None:
        """Count one item as done."""
        if outcome is not None:
            self._counts[outcome] += 1
        self._bars.update(self._task, advance=1, rate=self._rate(), outcomes=_describe(self._counts))

    def _rate(self) -> str:
        task = self._bars.tasks[self._task]
        return f"{(task.completed + 1 - self._earlier) / task.elapsed:.1f}/s" if task.elapsed else ""


def _describe(counts: Counter[Outcome]) -> str:
    return "  ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(counts.items()) if count)
