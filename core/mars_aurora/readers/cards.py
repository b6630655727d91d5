"""Convert header and table values, which may be damaged, to Python values; None where the value is invalid."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?", re.ASCII)
_COMPACT_CLOCK = re.compile(r"[Tt](\d\d)(\d\d)(\d\d)", re.ASCII)
_TIME = re.compile(
    r"(?P<date>.+?)[T\s:,]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d*))?)?"
    r"\s*(?:Z|UTC?|GMT)?\s*(?:(?P<sign>[+-])(?P<hours>\d\d?)(?::?(?P<minutes>\d\d))?)?(?:\s+(?P<year>\d{4}))?",
    re.IGNORECASE | re.ASCII,
)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*-")
_MAX_OFFSET = timedelta(hours=14)
_DATES = {  # forms of dates, with "-" between their words
    r"\d{4}-\d{1,2}-\d{1,2}": "%Y-%m-%d",
    r"\d{4}-\d{3}": "%Y-%j",
    r"\d{4}-\d{3}-[a-z]{3}-\d{2}": "%Y-%j-%b-%d",
    r"\d{1,2}-[a-z]{3}-\d{4}": "%d-%b-%Y",
    r"\d{4}-[a-z]{3}-\d{1,2}": "%Y-%b-%d",
    r"[a-z]{3}-\d{1,2}-\d{4}": "%b-%d-%Y",
    r"\d{8}": "%Y%m%d",
    r"\d{7}": "%Y%j",
}


def iso_time(text: object) -> str | None:
    """Convert a time to UTC as ``2022-03-31T21:21:07.000``; None if it has none of the usual forms, or is ambiguous.

    The date is year-month-day, year-day of year (IUVS adds month and day), or has the name of the month; the time has a
    fraction of any length, and a zone as ``UTC`` or offset; without a zone it is UTC. A leap second is the first second
    of the next day.
    """
    words = str(text).strip()
    if _ISO.fullmatch(words):
        try:
            return datetime.fromisoformat(words).isoformat(timespec="milliseconds")
        except ValueError:
            pass
    match = _TIME.fullmatch(_COMPACT_CLOCK.sub(r"T\1:\2:\3", words))
    try:
        return None if match is None else _convert(match).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError):
        return None


def _convert(match: re.Match[str]) -> datetime:
    """Convert the parts of a time to UTC; raises ValueError if they are not a time."""
    date = _parse_date(f"{match['date']} {match['year'] or ''}")
    second, fraction = int(match["second"] or 0), (match["fraction"] or "").ljust(3, "0")[:3]
    is_leap = second == 60
    local = date.replace(hour=int(match["hour"]), minute=int(match["minute"]), second=second - is_leap)
    offset = timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    time = local + timedelta(seconds=is_leap) - (-offset if match["sign"] == "-" else offset)
    if abs(offset) > _MAX_OFFSET or (is_leap and (time.strftime("%d %T") != "01 00:00:00" or time.month not in {1, 7})):
        raise ValueError(f"no such zone or leap second: {match[0]}")
    return time + timedelta(milliseconds=int(fraction))


@lru_cache(maxsize=8)  # the rows of a table have the same date
def _parse_date(text: str) -> datetime:
    """Parse a date in one of the forms of `_DATES`; raises ValueError if it has none, or its parts differ."""
    words = "-".join(re.findall(r"\d+|[a-z]+", text.lower()))
    words = re.sub(r"([a-z]{3})[a-z]*", r"\1", _WEEKDAY.sub("", words))
    for pattern, form in _DATES.items():
        if re.fullmatch(pattern, words):
            date = datetime.strptime(f"{words} +0000", f"{form} %z").replace(tzinfo=None)
            if "%j" in form and date.strftime(form).lower() != words:  # day 366, or day and month that differ
                break
            return date
    raise ValueError(f"not a date: {text}")


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
