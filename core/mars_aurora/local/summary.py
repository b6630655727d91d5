"""What a command prints at the end of a run: counts, what was rejected or failed and why, and the report to open."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mars_aurora.errors import UsageError
from mars_aurora.night import MIN_PIXELS
from mars_aurora.run.keys import LEDGER
from mars_aurora.run.ledger import PICTURED, Outcome, describe_counts, describe_result

Rows = Sequence[Mapping[str, str]]

_REASONS_SHOWN = 5


def read_ledger(folder: Path) -> Rows:
    """Read the ledger of a run folder."""
    with (folder / LEDGER).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def describe_run(folder: Path, rows: Rows, auroras: int) -> str:
    """Format the results of a run in about five lines."""
    counts = Counter(row["outcome"] for row in rows)
    lines = [describe_result(len(rows), {outcome.value: counts[outcome] for outcome in Outcome}, auroras)]
    lines += [_describe_rejected(rows)] if counts[Outcome.REJECTED] else []
    if without := counts[Outcome.NO_NIGHT]:
        lines.append(
            f"{without} without night: fewer than {MIN_PIXELS} pixels of the night side, where auroras are searched"
        )
    return "\n".join([*lines, f"open {folder / 'report.html'}"])


def describe_failures(rows: Rows) -> Iterator[str]:
    """Yield one line for each of the most frequent reasons of failure, with an example."""
    failed = [row for row in rows if row["outcome"] == Outcome.FAILED]
    examples = {row["reason"]: row for row in reversed(failed)}
    for reason, count in Counter(row["reason"] for row in failed).most_common(_REASONS_SHOWN):
        row = examples[reason]
        yield f"{count} failed: {reason}, for example {row['name']}: {row['detail']}; repeat the command to retry"


def require_usable(rows: Rows) -> None:
    """Raise UsageError if no input was usable."""
    if any(row["outcome"] in PICTURED for row in rows):
        return
    counts = describe_counts(Counter(row["outcome"] for row in rows))
    raise UsageError(f"no input was usable ({counts}): `mars-aurora inspect FILE` shows what a file contains")


def _describe_rejected(rows: Rows) -> str:
    rejected = [row for row in rows if row["outcome"] == Outcome.REJECTED]
    reasons = Counter(row["reason"] for row in rejected).most_common()
    example = next(row for row in rejected if row["reason"] == reasons[0][0])
    counted = ", ".join(f"{count} {reason}" for reason, count in reasons)
    return f"rejected: {counted}; for example {example['name']}: {example['detail']}"
