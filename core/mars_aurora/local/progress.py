"""Progress of a command: bars, rates and outcomes on a terminal, lines elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from time import monotonic
from types import TracebackType
from typing import Any, Self

from rich import progress
from rich.console import Console
from rich.text import Text

from mars_aurora.run.ledger import Outcome, describe_counts

_LINE_S = 10.0  # between two lines where the output is not a terminal


class Bars(progress.Progress):
    """Progress bars on a terminal; elsewhere one line for each task at its end, and every 10 s until then."""

    def __init__(self, console: Console, *columns: progress.ProgressColumn) -> None:
        super().__init__(*columns, console=console, disable=not console.is_terminal)
        self._printed_s = monotonic()
        self._lines: dict[progress.TaskID, str] = {}

    def update(self, task_id: progress.TaskID, **changes: Any) -> None:  # noqa: ANN401 -- as the base class
        """Update a task."""
        super().update(task_id, **changes)
        self._print_line(task_id)

    def advance(self, task_id: progress.TaskID, advance: float = 1) -> None:
        """Advance a task."""
        super().advance(task_id, advance)
        self._print_line(task_id)

    def note(self, message: str) -> None:
        """Print one line above the bars."""
        self.console.print(f"mars-aurora: {message}", highlight=False, markup=False, soft_wrap=True)

    def _print_line(self, task_id: progress.TaskID) -> None:
        task = self._tasks[task_id]
        if self.console.is_terminal or not (task.finished or monotonic() - self._printed_s >= _LINE_S):
            return
        texts = (column.render(task) for column in self.columns if isinstance(column, progress.ProgressColumn))
        line = " ".join(text.plain.strip() for text in texts if isinstance(text, Text) and text.plain.strip())
        if self._lines.get(task_id) != line:
            self._lines[task_id], self._printed_s = line, monotonic()
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)


class Progress:
    """One progress bar for each phase of a run; use it in a ``with`` statement."""

    def __init__(self, console: Console) -> None:
        self._bars = Bars(
            console,
            progress.TextColumn("{task.description:<24}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
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
        self._bars.note(message)

    def advance(self, outcome: Outcome | None = None) -> None:
        """Count one item as done."""
        if outcome is not None:
            self._counts[outcome] += 1
        self._bars.update(self._task, advance=1, rate=self._rate(), outcomes=describe_counts(self._counts))

    def _rate(self) -> str:
        task = self._bars.tasks[self._task]
        return f"{(task.completed + 1 - self._done_before) / task.elapsed:.1f}/s" if task.elapsed else ""
