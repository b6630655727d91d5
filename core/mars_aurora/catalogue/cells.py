"""Cells of CSV tables."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from pathlib import Path

from mars_aurora.run.escaping import escape_text


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> int:
    """Write a table; None and numbers that are not finite are empty cells, and texts are escaped; return the rows."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for count, row in enumerate(rows, 1):  # noqa: B007 -- the last one is returned
            writer.writerow([_as_text(value) for value in row])
    return count


def finite_or_none(value: object) -> object:
    """Return None in place of a float that is not finite, which JSON does not have."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _as_text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.7g}" if math.isfinite(value) else ""
    if value is None:
        return ""
    return escape_text(value) if isinstance(value, str) else str(value)
