"""Convert header and table values, which may be damaged, to Python values; None where the value is invalid."""

from __future__ import annotations

from datetime import datetime


def iso_time(text: object) -> str | None:
    """Convert a time to ``2022-03-31T21:21:07.000``; None if invalid.

    Accepts ISO 8601 and the form of IUVS, ``2023/014 Jan 14 07:19:21.10490UTC``.
    """
    words = str(text).strip().removesuffix("UTC").removesuffix("Z").split()
    try:
        if len(words) == 4:
            time = datetime.strptime(f"{words[0]} {words[3]} +0000", "%Y/%j %H:%M:%S.%f %z")
        else:
            time = datetime.fromisoformat("T".join(words))
    except ValueError:
        return None
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds")


def text(value: object) -> str | None:
    """Convert a value to a text without padding; None if it is not a text, or blank."""
    return (value.strip() or None) if isinstance(value, str) else None


def as_int(value: object, low: int, high: int) -> int | None:
    """Convert a value to an integer; None if it is not an integer in [low, high]."""
    number = as_float(value, low, high)
    return None if number is None or number != int(number) else int(number)


def as_float(value: object, low: float, high: float) -> float | None:
    """Convert a value to a float; None if it is not a number in [low, high]."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if low <= number <= high else None
