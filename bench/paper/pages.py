"""Tables in Markdown, and the parts of a page between two comments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def format_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column is text and whose others are numbers."""
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def format_number(value: float, digits: int = 2) -> str:
    """Return a number with this many significant digits, without an exponent."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 10 ** (digits - 1) else f"{rounded:.{digits}g}"


def format_duration(seconds: float) -> str:
    """Return a time in the unit that makes it a small number."""
    for unit, size_s in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size_s:
            return f"{format_number(seconds / size_s)} {unit}"
    return f"{format_number(seconds)} s"


def replace_part(text: str, name: str, content: str) -> str:
    """Replace what is between the comments of a part; raises ValueError unless each is there once."""
    start, end = f"<!-- paper: {name} -->\n", f"<!-- end of paper: {name} -->"
    if text.count(start) != 1 or text.count(end) != 1:
        raise ValueError(f"the page must have {start.strip()} and {end} once each")
    before, rest = text.split(start)
    return f"{before}{start}{content.strip()}\n{end}{rest.split(end)[1]}"


def write_part(page: Path, name: str, content: str) -> None:
    page.write_text(replace_part(page.read_text(), name, content))
