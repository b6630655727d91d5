"""Tables and images of an unpacked FITS file as arrays, without copying; the only module that uses astropy.io.fits.

Astropy parses the headers that `hdus` located and defines the table columns; numpy views only the requested columns,
so that a table of over 100 MB remains on disk. Errors of astropy on damaged headers are converted to InputError.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.io.fits.hdu.image import BITPIX2DTYPE
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.readers.gate import Unpacked
from mars_aurora.readers.hdus import Extent

_MAX_COLUMNS = 999  # FITS standard 4.0, section 7.3.1
_MAX_DIMENSIONS = 8  # numpy allows 64
_TABLE = re.compile(rb"XTENSION= *'BINTABLE *'")
_LOGICAL, _TRUE = "L", ord("T")  # format code and byte of FITS logicals


class FitsFile:
    """The HDUs of a file by name in capitals, independent of their order.

    Arrays are big-endian views of memory that is reused after the `unpack` block: copy the data needed later. All
    methods raise InputError: MISSING_HDU or MISSING_COLUMN as named, WRONG_SHAPE, CORRUPT for a damaged header.
    """

    def __init__(self, unpacked: Unpacked, name: str) -> None:
        self.name = name
        self.bounds = unpacked.bounds
        self._path = unpacked.path
        self._bytes = unpacked.content
        self._extents: dict[str, Extent] = {}
        for extent in unpacked.hdus:
            self._extents.setdefault(extent.name, extent)
        self._hdus: dict[str, Any] = {}
        self._tables: dict[str, tuple[dict[str, fits.Column], np.dtype[Any]]] = {}

    @property
    def content_sha256(self) -> str:
        """The SHA-256 checksum of the unpacked file."""
        return hashlib.sha256(self._bytes.data).hexdigest()

    @property
    def hdu_names(self) -> list[str]:
        """The names of the HDUs, in file order."""
        return list(self._extents)

    def require(self, *hdu_names: str) -> None:
        """Raise MISSING_HDU, listing the missing and the present HDUs, unless all are present."""
        missing = [hdu for hdu in hdu_names if hdu not in self._extents]
        if missing:
            detail = f"HDU {', '.join(missing)} missing; present: {', '.join(filter(None, self.hdu_names))}"
            raise InputError(Reason.MISSING_HDU, self.name, detail[:300])

    def header_value(self, key: str) -> str | float | None:
        """Return the value of a primary header card; None if it is missing or neither a number nor text."""
        value = self._card("PRIMARY", key)
        return value if isinstance(value, (str, int, float)) else None

    def columns(self, hdu: str) -> tuple[str, ...]:
        """Return the column names of a table; empty for an image."""
        return tuple(self._table(hdu)[0]) if self._is_table(hdu) else ()

    def has_column(self, hdu: str, column: str) -> bool:
        return hdu in self._extents and column in self.columns(hdu)

    def shape(self, hdu: str) -> tuple[int, ...]:
        """Return the shape of an image in numpy order, or (rows,) of a table."""
        if self._is_table(hdu):
            return (self._integer(hdu, "NAXIS2"),)
        return tuple(self._integer(hdu, f"NAXIS{axis}") for axis in range(self._integer(hdu, "NAXIS"), 0, -1))

    def column_shape(self, hdu: str, column: str) -> tuple[int, ...]:
        """Return the shape of a column, (rows, ...), from the header."""
        self._definition(hdu, column)
        return (*self.shape(hdu), *self._table(hdu)[1][column].shape)

    def column(self, hdu: str, column: str) -> NDArray[Any]:
        """View a numeric column, (rows, ...); raises MISSING_COLUMN, or WRONG_SHAPE if it is not numeric."""
        rows, *_ = self._require_size(f"{hdu}.{column}", self.column_shape(hdu, column))
        return self._numbers(hdu, column, self._rows(hdu, self._bytes, 0, rows))

    def column_pieces(self, hdu: str, column: str, rows: int) -> Iterator[NDArray[Any]]:
        """Yield a numeric column in pieces of ``rows`` rows, with one piece in memory at a time."""
        total, *row_shape = self.column_shape(hdu, column)
        self._require_size(f"{hdu}.{column}", (min(rows, total), *row_shape))
        for first in range(0, total, rows):
            self.bounds.require_time()
            count = min(rows, total - first)
            # a separate map per piece, so that its pages are freed with the piece
            content = np.memmap(self._path, np.uint8, "r") if self._path else self._bytes
            yield self._numbers(hdu, column, self._rows(hdu, content, first, count))

    def texts(self, hdu: str, column: str) -> list[str]:
        """Read a column of text, padding stripped."""
        definition, dtype = self._definition(hdu, column), self._table(hdu)[1][column]
        if dtype.kind != "S":
            raise InputError(Reason.WRONG_SHAPE, self.name, f"{hdu}.{column} is not a text column")
        rows, _ = self._require_size(f"{hdu}.{column}", (self.shape(hdu)[0], dtype.itemsize))
        values = self._rows(hdu, self._bytes, 0, rows)[definition.name.upper()]
        return [bytes(value).decode("ascii", "replace").strip("\0 ") for value in values]

    def image(self, hdu: str) -> NDArray[Any]:
        """View an image; raises WRONG_SHAPE if the HDU is a table or has no data."""
        shape = self.shape(hdu)
        if self._is_table(hdu) or not shape or 0 in shape:
            raise InputError(Reason.WRONG_SHAPE, self.name, f"HDU {hdu} is not an image: its shape is {shape}")
        if len(shape) > _MAX_DIMENSIONS:
            raise InputError(Reason.WRONG_SHAPE, self.name, f"HDU {hdu} has {len(shape)} dimensions, expected 3")
        self._require_size(hdu, shape)
        dtype = np.dtype(BITPIX2DTYPE[self._integer(hdu, "BITPIX")]).newbyteorder(">")
        values: NDArray[Any] = np.ndarray(shape, dtype, self._bytes.data, self._extents[hdu].start)
        return _scaled(values, self._card(hdu, "BSCALE"), self._card(hdu, "BZERO"))

    def _require_size(self, what: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what is to be read; raises TOO_LARGE if it has more rows or values than the limits."""
        self.bounds.require(shape[0], self.bounds.limits.rows, f"rows in {what}")
        self.bounds.require(prod(shape), self.bounds.limits.values, f"values in {what}")
        return shape

    def _rows(self, hdu: str, content: NDArray[np.uint8], first: int, count: int) -> NDArray[np.void]:
        """View rows of a table as records, (count,)."""
        dtype = self._table(hdu)[1]
        return np.ndarray((count,), dtype, content.data, self._extents[hdu].start + first * dtype.itemsize)

    def _numbers(self, hdu: str, column: str, rows: NDArray[np.void]) -> NDArray[Any]:
        definition = self._definition(hdu, column)
        values: NDArray[Any] = rows[column]
        if definition.format.format == _LOGICAL:
            return np.asarray(values == _TRUE)
        if values.dtype.kind not in "iuf":
            detail = f"{hdu}.{column} has the FITS format {definition.format}, expected a numeric one"
            raise InputError(Reason.WRONG_SHAPE, self.name, detail)
        return _scaled(values, definition.bscale, definition.bzero)

    def _definition(self, hdu: str, column: str) -> fits.Column:
        self.require(hdu)
        definition = self._table(hdu)[0].get(column)
        if definition is None:
            raise InputError(Reason.MISSING_COLUMN, self.name, f"HDU {hdu} has no column {column}")
        return definition

    def _table(self, hdu: str) -> tuple[dict[str, fits.Column], np.dtype[Any]]:
        """Return the column definitions of a table by name in capitals, and the dtype of its rows."""
        if hdu not in self._tables:
            self.bounds.require_time()
            if self._integer(hdu, "TFIELDS") > _MAX_COLUMNS:  # astropy does not limit them
                raise InputError(Reason.CORRUPT, self.name, f"HDU {hdu} declares over {_MAX_COLUMNS} columns")
            with _astropy(self.name):
                columns = self._hdu(hdu).columns
                dtype = np.dtype(columns.dtype.newbyteorder(">"))
                dtype.names = tuple(name.upper() for name in columns.names)
            width = self._integer(hdu, "NAXIS1")
            if dtype.itemsize != width:
                detail = f"the columns of HDU {hdu} take {dtype.itemsize} bytes per row, but its rows have {width}"
                raise InputError(Reason.CORRUPT, self.name, detail)
            self._tables[hdu] = dict(zip(dtype.names, columns, strict=True)), dtype
        return self._tables[hdu]

    def _is_table(self, hdu: str) -> bool:
        return _TABLE.match(self._extents[hdu].header) is not None

    def _integer(self, hdu: str, key: str) -> int:
        value = self._card(hdu, key)
        if not isinstance(value, int) or (value < 0 and key != "BITPIX"):
            raise InputError(
                Reason.CORRUPT, self.name, f"HDU {hdu}: {key} is {value!r}, expected a non-negative integer"
            )
        return value

    def _card(self, hdu: str, key: str) -> object:
        """Return the value of a header card; None if it is missing."""
        with _astropy(self.name):
            return self._hdu(hdu).header.get(key)

    def _hdu(self, hdu: str) -> fits.ImageHDU | fits.BinTableHDU:
        """Let astropy parse the header, without the data."""
        if hdu not in self._hdus:
            header = self._extents[hdu].header
            kind = fits.BinTableHDU if _TABLE.match(header) else fits.ImageHDU
            self._hdus[hdu] = kind.fromstring(header)
        return self._hdus[hdu]


def _scaled(values: NDArray[Any], scale: object, zero: object) -> NDArray[Any]:
    """Apply the linear scaling of FITS, also used for unsigned integers; return the view itself if there is none."""
    factor = scale if isinstance(scale, (int, float)) else 1
    offset = zero if isinstance(zero, (int, float)) else 0
    return values if (factor, offset) == (1, 0) else values * np.float64(factor) + offset


@contextmanager
def _astropy(name: str) -> Iterator[None]:
    """Convert any exception of astropy on a damaged header to InputError, and suppress its warnings.

    Use it for astropy calls alone. Flipped bits have raised ten exception types, UnboundLocalError among them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:
            detail = f"astropy cannot parse the header: {type(error).__name__}: {' '.join(str(error).split())}"
            raise InputError(Reason.CORRUPT, name, detail[:300]) from error
