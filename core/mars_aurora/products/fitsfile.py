"""The one place that touches astropy: tables and images of a checked FITS file as arrays, without copying.

Astropy parses the headers that the gate found; the columns asked for, and no others, are mapped by their TFORM and
TDIM. So a CAL table of over 100 MB stays on the disk, and astropy's HDU and column objects, which cost several
milliseconds a file, are not made. What astropy raises on a damaged header becomes InputError here, and only here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.products.gate import Extent, Unpacked

_FORMAT = re.compile(r"(\d{0,9})([LXBIJKAEDCMPQ])[^,]*")
_ITEM_BYTES = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
_NUMBERS = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_IMAGES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_UNUSED_CARDS = ("TUNIT", "TDISP", "COMMENT", "HISTORY")
_ASTROPY_ERRORS = (fits.VerifyError, ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)


@dataclass(frozen=True)
class _Column:
    code: str  # the letter of TFORM
    offset: int
    shape: tuple[int, ...]
    count: int
    scaled: bool


@dataclass(frozen=True)
class _Table:
    rows: int
    width: int
    columns: dict[str, _Column]


class FitsFile:
    """HDUs by name in capitals, whatever their order. Arrays are big-endian views of the file: copy what is kept."""

    def __init__(self, unpacked: Unpacked, name: str) -> None:
        self.name = name
        self._path = unpacked.path
        self._bytes = unpacked.content
        self._hdus: dict[str, Extent] = {}
        for extent in unpacked.hdus:
            self._hdus.setdefault(extent.name, extent)
        self._headers: dict[str, dict[str, object]] = {}
        self._tables: dict[str, _Table] = {}

    @property
    def hdu_names(self) -> list[str]:
        """The HDUs' names in the file's order."""
        return list(self._hdus)

    def require(self, *hdu_names: str) -> None:
        """Raise MISSING_HDU, naming what is missing and what is there, unless all are there."""
        missing = [hdu for hdu in hdu_names if hdu not in self._hdus]
        if missing:
            detail = f"HDU {', '.join(missing)} missing; there are: {', '.join(filter(None, self.hdu_names))}"
            raise InputError(Reason.MISSING_HDU, self.name, detail[:300])

    def header_value(self, key: str) -> str | float | None:
        """Give a card of the primary header; None where there is none or it holds no number or text."""
        value = self._card("PRIMARY", key)
        return value if isinstance(value, (str, int, float)) else None

    def columns(self, hdu: str) -> tuple[str, ...]:
        """Give the names of a table's columns; none for an image."""
        return tuple(self._table(hdu).columns) if self._is_table(hdu) else ()

    def has_column(self, hdu: str, column: str) -> bool:
        return hdu in self._hdus and column in self.columns(hdu)

    def shape(self, hdu: str) -> tuple[int, ...]:
        """Give an image's shape in numpy's order, or a table's (rows,)."""
        if self._is_table(hdu):
            return (self._table(hdu).rows,)
        return tuple(self._integer(hdu, f"NAXIS{axis}") for axis in range(self._integer(hdu, "NAXIS"), 0, -1))

    def column(self, hdu: str, column: str) -> NDArray[Any]:
        """Map a column of numbers, (rows, ...); raises MISSING_COLUMN, or WRONG_SHAPE where it is not plain numbers."""
        found = self._numbers(hdu, column)
        return self._map(hdu, _NUMBERS[found.code], found.shape, found.offset)

    def column_pieces(self, hdu: str, column: str, rows: int) -> Iterator[NDArray[Any]]:
        """Yield a column of numbers so many rows at a time, no more than one piece of it in memory."""
        found, table = self._numbers(hdu, column), self._table(hdu)
        for first in range(0, table.rows, rows):
            count = min(rows, table.rows - first)
            start = self._start(hdu) + first * table.width
            end = start + count * table.width
            piece = self._bytes[start:end]
            if self._path:  # a map of its own, and with it the memory that its pages take, ends with the piece
                piece = np.memmap(self._path, np.uint8, "r", start, (end - start,))
            yield _view(piece, _NUMBERS[found.code], (count, *found.shape), found.offset, table.width)

    def texts(self, hdu: str, column: str) -> list[str]:
        """Read a column of text, padding stripped."""
        found = self._column(hdu, column)
        if found.code != "A" or not found.count:
            raise InputError(Reason.WRONG_SHAPE, self.name, f"{hdu}.{column} holds no text")
        values = self._map(hdu, f"S{found.count}", (), found.offset)
        return [bytes(value).decode("ascii", "replace").strip("\0 ") for value in values]

    def image(self, hdu: str) -> NDArray[Any]:
        """Map an image; raises WRONG_SHAPE where there is none, or a scaled one."""
        shape = self.shape(hdu)
        scaled = any(self._card(hdu, key) is not None for key in ("BSCALE", "BZERO"))
        if self._is_table(hdu) or scaled or not prod(shape) or not shape:
            raise InputError(Reason.WRONG_SHAPE, self.name, f"HDU {hdu} holds no plain image: shape {shape}")
        dtype = np.dtype(_IMAGES[self._integer(hdu, "BITPIX")])
        return _view(self._bytes, dtype, shape, self._start(hdu), dtype.itemsize * prod(shape[1:]))

    def _numbers(self, hdu: str, column: str) -> _Column:
        found = self._column(hdu, column)
        if found.code not in _NUMBERS or found.scaled:
            scaled = "scaled " if found.scaled else ""
            detail = f"{hdu}.{column} holds {scaled}values of FITS format {found.code}, not plain numbers"
            raise InputError(Reason.WRONG_SHAPE, self.name, detail)
        return found

    def _column(self, hdu: str, column: str) -> _Column:
        self.require(hdu)
        try:
            return self._table(hdu).columns[column]
        except KeyError:
            raise InputError(Reason.MISSING_COLUMN, self.name, f"HDU {hdu} has no column {column}") from None

    def _map(self, hdu: str, dtype: str, cell: tuple[int, ...], offset: int) -> NDArray[Any]:
        table = self._table(hdu)
        return _view(self._bytes, dtype, (table.rows, *cell), self._start(hdu) + offset, table.width)

    def _start(self, hdu: str) -> int:
        return self._hdus[hdu].start

    def _table(self, hdu: str) -> _Table:
        if hdu not in self._tables:
            self._tables[hdu] = self._parse_table(hdu)
        return self._tables[hdu]

    def _parse_table(self, hdu: str) -> _Table:
        columns: dict[str, _Column] = {}
        offset = 0
        for number in range(1, self._integer(hdu, "TFIELDS") + 1):
            label = str(self._card(hdu, f"TTYPE{number}")).strip().upper()
            code, count, n_bytes = self._parse_format(hdu, number)
            shape = self._parse_shape(hdu, number, count)
            scaled = any(self._card(hdu, f"{key}{number}") is not None for key in ("TSCAL", "TZERO"))
            columns.setdefault(label, _Column(code, offset, shape, count, scaled))
            offset += n_bytes
        rows, width = self._integer(hdu, "NAXIS2"), self._integer(hdu, "NAXIS1")
        if offset != width:
            detail = f"the columns of HDU {hdu} take {offset} bytes a row, but its rows have {width}"
            raise InputError(Reason.CORRUPT, self.name, detail)
        return _Table(rows, width, columns)

    def _parse_format(self, hdu: str, number: int) -> tuple[str, int, int]:
        """Give TFORM's letter, how many items, and how many bytes they take."""
        text = str(self._card(hdu, f"TFORM{number}"))
        match = _FORMAT.fullmatch(text.strip())
        if match is None:
            raise InputError(Reason.CORRUPT, self.name, f"HDU {hdu}: TFORM{number} is {text!r}, which is no format")
        count, code = int(match[1] or 1), match[2]
        return code, count, -(-count // 8) if code == "X" else count * _ITEM_BYTES[code]

    def _parse_shape(self, hdu: str, number: int, count: int) -> tuple[int, ...]:
        """Give a cell's shape in numpy's order: TDIM reversed where it fits the count, else (count,) or ()."""
        text = self._card(hdu, f"TDIM{number}")
        axes = tuple(int(axis) for axis in re.findall(r"\d{1,9}", str(text))[::-1]) if text else ()
        if axes and prod(axes) == count:
            return axes
        return () if count == 1 else (count,)

    def _is_table(self, hdu: str) -> bool:
        return self._card(hdu, "XTENSION") == "BINTABLE"

    def _integer(self, hdu: str, key: str) -> int:
        value = self._card(hdu, key)
        if not isinstance(value, int) or (value < 0 and key != "BITPIX"):
            raise InputError(Reason.CORRUPT, self.name, f"HDU {hdu}: {key} is {value!r}, not a count")
        return value

    def _card(self, hdu: str, key: str) -> object:
        """Give a header card's value, None where there is none."""
        if hdu not in self._headers:
            with _astropy(self.name):
                header = fits.Header.fromstring(self._hdus[hdu].header)
                self._headers[hdu] = {card: header[card] for card in header if not card.startswith(_UNUSED_CARDS)}
        return self._headers[hdu].get(key)


def _view(
    source: NDArray[np.uint8], dtype: str | np.dtype[Any], shape: tuple[int, ...], offset: int, step: int
) -> NDArray[Any]:
    """View bytes as an array that begins at ``offset`` and whose first axis goes on by ``step`` bytes."""
    if not prod(shape):
        return np.empty(shape, dtype)
    item = np.dtype(dtype).itemsize
    inner = [item * prod(shape[axis + 1 :]) for axis in range(1, len(shape))]
    return np.ndarray(shape, dtype, source.data, offset, (step, *inner))


@contextmanager
def _astropy(name: str) -> Iterator[None]:
    """Turn what astropy raises on a damaged header into InputError, silence its warnings; wrap nothing else in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except _ASTROPY_ERRORS as error:
            detail = f"astropy cannot make sense of it: {type(error).__name__}: {' '.join(str(error).split())}"
            raise InputError(Reason.CORRUPT, name, detail[:300]) from error
