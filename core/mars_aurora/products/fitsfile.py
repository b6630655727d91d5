"""The one place that touches astropy: tables and images of a checked FITS file as plain native arrays.

Astropy parses headers and column definitions; the bytes of the columns asked for, and no others, are taken from the
file by those definitions. That leaves a CAL table of 100 MB on the disk and costs half of what `hdu.data` costs.
Whatever astropy raises on a damaged file becomes InputError here and nowhere else.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.products.gate import Unpacked

_NUMBERS = re.compile(r"^\d*[BIJKED]$")
_TEXT = re.compile(r"^\d*A\d*$")
_ASTROPY_ERRORS = (
    fits.VerifyError,
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
)


class FitsFile:
    """HDUs by name, whatever their order. Every method raises InputError(CORRUPT) where astropy gives up."""

    def __init__(self, unpacked: Unpacked, name: str, hdus: fits.HDUList) -> None:
        self._unpacked = unpacked
        self._hdus = hdus
        self.name = name
        self._index: dict[str, int] = {}
        for index, extent in enumerate(unpacked.hdus):
            self._index.setdefault(extent.name, index)
        self._dtypes: dict[str, np.dtype[Any]] = {}

    @property
    def hdu_names(self) -> list[str]:
        """The HDUs' names in capitals, in the file's order."""
        return [extent.name for extent in self._unpacked.hdus]

    def require(self, *hdu_names: str) -> None:
        """Raise MISSING_HDU, naming what is missing and what is there, unless all are there."""
        missing = [hdu for hdu in hdu_names if hdu not in self._index]
        if missing:
            there = ", ".join(filter(None, self.hdu_names))
            raise InputError(Reason.MISSING_HDU, self.name, f"HDU {', '.join(missing)} missing; there are: {there}")

    def header_value(self, key: str, hdu: str = "PRIMARY") -> str | int | float | None:
        """Give a header card's value; None where there is no such card or it holds no plain value."""
        with _astropy(self.name):
            value = self._hdus[self._index[hdu]].header.get(key)
        return value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None

    def columns(self, hdu: str) -> tuple[str, ...]:
        """Give the names of a table's columns; none for an image."""
        with _astropy(self.name):
            table = self._hdus[self._index[hdu]]
            return tuple(table.columns.names) if isinstance(table, fits.BinTableHDU) else ()

    def shape(self, hdu: str) -> tuple[int, ...]:
        """Give an image's shape, or a table's (rows,)."""
        with _astropy(self.name):
            found = self._hdus[self._index[hdu]]
            axes = [int(found.header[f"NAXIS{axis}"]) for axis in range(int(found.header["NAXIS"]), 0, -1)]
        return tuple(axes[:1] if isinstance(found, fits.BinTableHDU) else axes)

    def column(self, hdu: str, column: str, row: int | None = None) -> NDArray[Any]:
        """Read a column of numbers or text, (rows, ...) or one row's (...); raise MISSING_COLUMN without it."""
        table = self._table(hdu, column)
        return _native(table[column] if row is None else table[column][row])

    def column_rows(self, hdu: str, columns: Sequence[str], rows: int) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield columns in pieces of so many rows, big-endian, holding no more than one piece in memory."""
        total = self._table(hdu, *columns).shape[0]
        extent = self._unpacked.hdus[self._index[hdu]]
        dtype = self._dtypes[hdu]
        for first in range(0, total, rows):
            start, count = extent.start + first * dtype.itemsize, min(rows, total - first)
            piece = np.fromfile(self._unpacked.path, dtype, count, offset=start)
            yield {column: piece[column] for column in columns}

    def has_column(self, hdu: str, column: str) -> bool:
        return hdu in self._index and column in self.columns(hdu)

    def image(self, hdu: str) -> NDArray[Any]:
        """Map an image, big-endian, in its header's shape and type; not scaled."""
        with _astropy(self.name):
            found = self._hdus[self._index[hdu]]
            bitpix = int(found.header["BITPIX"])
            is_image = isinstance(found, (fits.PrimaryHDU, fits.ImageHDU))
        shape = self.shape(hdu)
        if not is_image or 0 in shape or not shape:
            raise InputError(Reason.WRONG_SHAPE, self.name, f"HDU {hdu} holds no image: shape {shape}")
        dtype = np.dtype(f">{'f' if bitpix < 0 else 'i' if bitpix > 8 else 'u'}{abs(bitpix) // 8}")
        return self._map(hdu, dtype, shape)

    def _table(self, hdu: str, *columns: str) -> NDArray[Any]:
        """Map a table's rows; raise unless it has the columns and its rows are as long as they say."""
        self.require(hdu)
        missing = [column for column in columns if column not in self.columns(hdu)]
        if missing:
            raise InputError(Reason.MISSING_COLUMN, self.name, f"HDU {hdu} has no column {', '.join(missing)}")
        with _astropy(self.name):
            table = self._hdus[self._index[hdu]]
            if hdu not in self._dtypes:
                self._dtypes[hdu] = table.columns.dtype.newbyteorder(">")
            width, rows = int(table.header["NAXIS1"]), int(table.header["NAXIS2"])
            definitions = [table.columns[column] for column in columns]
            plain = all(_is_plain(definition) for definition in definitions)
        if not plain or self._dtypes[hdu].itemsize != width:
            formats = ", ".join(f"{definition.name} {definition.format}" for definition in definitions)
            raise InputError(Reason.WRONG_SHAPE, self.name, f"HDU {hdu}: rows of {width} bytes do not fit {formats}")
        return self._map(hdu, self._dtypes[hdu], (rows,))

    def _map(self, hdu: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        extent = self._unpacked.hdus[self._index[hdu]]
        if 0 in shape:
            return np.empty(shape, dtype)
        return np.memmap(self._unpacked.path, dtype, "r", extent.start, shape)


@contextmanager
def open_fits(unpacked: Unpacked, name: str) -> Iterator[FitsFile]:
    """Open what the gate let through."""
    with _astropy(name):
        hdus = fits.open(unpacked.path, mode="readonly", memmap=True, lazy_load_hdus=True)
    try:
        yield FitsFile(unpacked, name, hdus)
    finally:
        hdus.close()


@contextmanager
def _astropy(name: str) -> Iterator[None]:
    """Turn what astropy raises or warns about a damaged file into InputError; wrap nothing else in this."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except _ASTROPY_ERRORS as error:
            detail = f"astropy cannot make sense of it: {type(error).__name__}: {' '.join(str(error).split())}"
            raise InputError(Reason.CORRUPT, name, detail[:300]) from error


def _is_plain(definition: fits.Column) -> bool:
    """Tell whether a column holds numbers or text as they are: no heap, no scaling."""
    scaled = definition.bscale not in {None, "", 1} or definition.bzero not in {None, "", 0}
    return not scaled and bool(_NUMBERS.match(definition.format) or _TEXT.match(definition.format))


def _native(values: NDArray[Any]) -> NDArray[Any]:
    return cast("NDArray[Any]", np.asarray(values).astype(values.dtype.newbyteorder("=")))
