"""Cells of CSV tables."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable

from mars_aurora.run.escaping import escape_text


def write_csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    """Write a table; None and numbers that are not finite are empty cells, and texts are escaped."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_as_text(value) for value in row] for row in rows)
    return stream.getvalue().encode()


def finite_or_none(value: object) -> object:
    """Return None in place of a float that is not finite, which JSON does not have."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _as_text(value: object) -> str:
    if finite_or_none(value) is None:
        return ""
    return f"{value:.7g}" if isinstance(value, float) else escape_text(value) if isinstance(value, str) else str(value)
