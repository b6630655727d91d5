"""Values as stored in a FITS file: which of them are missing, their scale and their unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.readers.cards import as_float
from mars_aurora.readers.hdus import Extent
from mars_aurora.readers.headers import read_card
from mars_aurora.readers.units import WrongUnitError, find_factor

_FILLS = (999.0, 9999.0, 99999.0, 1e5)  # of either sign
_MAX_SCALE = 1e30
_MAX_FILLS = 4  # more are not searched for
_MIN_COUNT = 3  # occurrences of a fill value, for each one of any other value within a factor of 2


@dataclass(frozen=True)
class Encoding:
    """How stored values represent a quantity: value * factor + offset; an integer equal to ``null`` is missing."""

    null: int | None = None
    factor: float = 1.0
    offset: float = 0.0

    def decode(self, stored: NDArray[Any], is_fill: NDArray[np.bool_] | None = None) -> NDArray[Any]:
        """Convert stored values; NaN where null or fill value. Without anything to convert, return the array itself."""
        missing = [] if is_fill is None else [is_fill]
        if self.null is not None and stored.dtype.kind in "iu":
            missing.append(stored == self.null)
        if not missing and (self.factor, self.offset) == (1, 0):
            return stored
        values = np.asarray(stored * np.float64(self.factor) + self.offset)
        for where in missing:
            values[where] = np.nan
        return values


@dataclass(frozen=True)
class EncodingKeys:
    """Keywords of an `Encoding`: of a column or of an image."""

    null: str
    scale: str
    zero: str
    unit: str


def read_encoding(
    extent: Extent, keys: EncodingKeys, unit: str | None, name: str, what: str
) -> tuple[Encoding, set[str]]:
    """Read how values are stored, and are converted to ``unit``, if given, from the cards of a header.

    A unit that is missing or unknown is taken for ``unit``, and noted: ``unit_missing``, ``unit_unknown``. Raises
    WRONG_UNIT if it is of another physical type, CORRUPT if scale or zero are invalid.
    """
    factor, notes = (1.0, set[str]()) if unit is None else _read_unit(extent, keys.unit, unit, name, what)
    null = read_card(extent, keys.null)
    return Encoding(
        null if isinstance(null, int) else None,
        _read_scale(extent, keys.scale, 1.0, name) * factor,
        _read_scale(extent, keys.zero, 0.0, name) * factor,
    ), notes


def _read_unit(extent: Extent, key: str, unit: str, name: str, what: str) -> tuple[float, set[str]]:
    found = str(read_card(extent, key) or "").strip()
    if not found:
        return 1.0, {"unit_missing"}
    try:
        factor = find_factor(found, unit)
    except WrongUnitError as error:
        raise InputError(Reason.WRONG_UNIT, name, f"the unit of {what} is {found}, expected {unit}") from error
    return (1.0, {"unit_unknown"}) if factor is None else (factor, set())


def _read_scale(extent: Extent, key: str, default: float, name: str) -> float:
    """Read a number without which values cannot be interpreted."""
    if key not in extent.cards:
        return default
    value = read_card(extent, key)
    number = as_float(value, -_MAX_SCALE, _MAX_SCALE)
    if number is None or (default == 1 and number == 0):
        raise InputError(Reason.CORRUPT, name, f"HDU {extent.name}: {key} is {value!r}, expected a number")
    return number


def find_fills(stored: NDArray[Any], *, may_be_large: bool = False) -> NDArray[np.bool_] | None:
    """Find the fill values ±999, ±9999, ±99999, ±1e5, and those beyond, in unscaled values; None if there are none.

    Where values may be large, those beyond ±1e5 are no fill values.

    Fill values occur at least three times, and three times as often as any other value within a factor of 2, which
    multiples of a count unit do not.
    """
    if not ((stored >= _FILLS[0]) | (stored <= -_FILLS[0])).any():  # by far the most frequent case
        return None
    size = np.fabs(stored)
    if not _can_be_fill(size, may_be_large=may_be_large).any():
        return None
    values, counts = np.unique(stored[size >= _FILLS[0] / 2], return_counts=True)
    can_be_fill = _can_be_fill(np.fabs(values), may_be_large=may_be_large)
    suspects = np.flatnonzero(can_be_fill & (counts >= _MIN_COUNT))
    frequent = suspects[np.argsort(-counts[suspects], kind="stable")[:_MAX_FILLS]]
    fills = [values[at] for at in frequent if counts[at] >= _MIN_COUNT * _max_count_near(at, values, counts)]
    return np.isin(stored, fills) if fills else None


def _max_count_near(at: int, values: NDArray[Any], counts: NDArray[np.intp]) -> int:
    """Return the count of the most frequent other of the sorted values within a factor of 2; at least 1."""
    value = float(values[at])
    first, end = np.searchsorted(values, sorted((value / 2, value * 2)))
    return int(max(counts[first:at].max(initial=1), counts[at + 1 : end].max(initial=1)))


def _can_be_fill(size: NDArray[Any], *, may_be_large: bool) -> NDArray[np.bool_]:
    selected: NDArray[np.bool_] = size > (np.inf if may_be_large else _FILLS[-1])
    for fill in _FILLS:
        selected |= size == fill
    return selected
