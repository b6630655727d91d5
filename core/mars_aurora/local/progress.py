"""Progress of a run on the terminal: a bar, a rate and the outcomes so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich import progress
from rich.console import Console

from mars_aurora.run.ledger import Outcome, describe_counts


def make_bars(console: Console, *columns: progress.ProgressColumn) -> progress.Progress:
    """Make progress bars that are shown only if the console is a terminal."""
    return progress.Progress(*columns, console=console, disable=not console.is_terminal)


class Progress:
    """One progress bar for each phase of a run; use it in a ``with`` statement."""

    def __init__(self, console: Console) -> None:
        self._bars = make_bars(
            console,
            progress.TextColumn("{task.description:<24}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
            progress.TextColumn("{task.fields[outcomes]}"),
        )
        self._counts: Counter[str] = Counter()
        self._task = progress.TaskID(0)
        self._done_before = 0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def start(self, phase: str, total: int, done: Mapping[str, int] | None = None) -> None:
        """Start a phase of ``total`` items; ``done`` is the number of items by outcome that an earlier run finished."""
        self._counts = Counter(done or {})
        self._done_before = self._counts.total()
        self._task = self._bars.add_task(
            phase, total=total, completed=self._done_before, rate="", outcomes=describe_counts(self._counts)
        )

    def note(self, message: str) -> None:
        """Print one line above the bars."""
        self._bars.console.print(f"mars-aurora: {message}", highlight=False, markup=False, soft_wrap=True)

    def advance(self, outcome: Outcome | None = None) -> None:
        """Count one item as done."""
        if outcome is not None:
            self._counts[outcome] += 1
        self._bars.update(self._task, advance=1, rate=self._rate(), outcomes=describe_counts(self._counts))

    def _rate(self) -> str:
        task = self._bars.tasks[self._task]
        return f"{(task.completed + 1 - self._done_before) / task.elapsed:.1f}/s" if task.elapsed else ""
