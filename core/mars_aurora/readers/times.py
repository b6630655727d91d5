"""The time of each integration: from the texts of a time table, or from its ephemeris times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import Times
from mars_aurora.readers.cards import iso_time
from mars_aurora.readers.checks import require_shape
from mars_aurora.readers.fitsfile import FitsFile

_J2000 = np.datetime64("2000-01-01T12:00:00", "ms")
_PLAIN = re.compile(r"(?:[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?\n)+", re.ASCII)  # which numpy reads, too
_TT_MINUS_TAI_S = 32.184  # the difference of TDB and TT, 2 ms at most, is neglected
_LEAP_SECONDS = (  # TAI minus UTC in s from a date on; before 2012 neither mission took data, none is later than 2017
    ("2012-07-01", 35),
    ("2015-07-01", 36),
    ("2017-01-01", 37),
)


def read_times(fits: FitsFile, table: str, utc_column: str, et_column: str, n_integrations: int) -> Times:
    """Read the time of each integration, (nI,): the text, or the ephemeris time where the text is missing or invalid.

    Table and columns are optional; raises WRONG_SHAPE where the table has another number of rows.
    """
    found = unknown_times(n_integrations)
    if fits.has_column(table, utc_column):
        texts = fits.texts(table, utc_column)
        require_shape(f"{table}.{utc_column}", (len(texts),), (n_integrations,), fits.name)
        found = from_texts(texts)
    if np.isnat(found).any() and fits.has_column(table, et_column):
        et_s = fits.column(table, et_column)
        require_shape(f"{table}.{et_column}", et_s.shape, (n_integrations,), fits.name)
        found = np.where(np.isnat(found), from_ephemeris_time(et_s), found)
    return found


def unknown_times(count: int) -> Times:
    """Make times (count,) that are all unknown."""
    return np.full(count, "NaT", "datetime64[ms]")


def from_texts(texts: Sequence[str]) -> Times:
    """Convert times as text, in any form that `iso_time` reads, to UTC; NaT where invalid."""
    if _PLAIN.fullmatch("".join(f"{text}\n" for text in texts)):
        with suppress(ValueError):  # a day or an hour that does not exist
            return np.array(texts, "datetime64[ms]")
    return np.array([iso_time(text) or "NaT" for text in texts], "datetime64[ms]")


def from_ephemeris_time(et_s: NDArray[Any]) -> Times:
    """Convert seconds past J2000 in TDB, (n,), to UTC; NaT where missing or before 2012-07-01."""
    seconds = np.array(et_s, np.float64)
    seconds[~(np.abs(seconds) < 4e9)] = np.nan  # the year 2126
    offsets_s = [tai_minus_utc_s + _TT_MINUS_TAI_S for _, tai_minus_utc_s in _LEAP_SECONDS]
    starts_s = [(np.datetime64(date, "ms") - _J2000) / np.timedelta64(1, "s") for date, _ in _LEAP_SECONDS]
    period = np.searchsorted(np.add(starts_s, offsets_s), seconds, side="right") - 1
    milliseconds = np.rint(1000 * (seconds - np.array(offsets_s)[np.maximum(period, 0)]))
    known = np.isfinite(seconds) & (period >= 0)
    times = unknown_times(seconds.size)
    times[known] = _J2000 + milliseconds[known].astype("timedelta64[ms]")
    return times


def first_and_last_utc(times: Times) -> tuple[str | None, str | None]:
    """Return the first and the last known time in ISO 8601; None if none is known."""
    known = times[~np.isnat(times)]
    return (str(known[0]), str(known[-1])) if known.size else (None, None)
