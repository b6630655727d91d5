"""Tables and images of an unpacked FITS file as arrays in the unit asked for.

Numpy views only the columns asked for, so that a table of over 100 MB remains on disk. The data of each HDU that is
read are compared with its DATASUM card first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from math import prod
from types import EllipsisType
from typing import Any

import numpy as np
from astropy.io.fits.hdu.image import BITPIX2DTYPE
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.readers.gate import Unpacked
from mars_aurora.readers.hdus import Extent
from mars_aurora.readers.headers import CardValue, Table, read_card, read_table
from mars_aurora.readers.stored import Encoding, EncodingKeys, find_fills, read_encoding
from mars_aurora.readers.sums import verify_sums

_MAX_DIMENSIONS = 8  # numpy allows 64
_TABLE = re.compile(rb"XTENSION= *'BINTABLE *'")
_LOGICAL, _TRUE = "L", ord("T")  # format code and byte of FITS logicals
_ARRAY_DESCRIPTORS = ("P", "Q")  # format codes of columns whose values are elsewhere
_LENGTHS = {"km"}  # distances may be large and constant, above all in meters

Part = EllipsisType | int | slice | tuple[int | slice, ...]


class FitsFile:
    """The HDUs of a file by name in capitals, independent of their order.

    Arrays are big-endian views, where nothing is to be converted, of memory that is reused after the `unpack` block:
    copy the data needed later. All methods raise InputError: MISSING_HDU or MISSING_COLUMN as named, WRONG_SHAPE,
    WRONG_UNIT, TOO_LARGE, CORRUPT for a damaged header or data that differ from their DATASUM, UNREADABLE if the file
    is removed meanwhile.

    Attributes
    ----------
    name : str
    bounds : Bounds
    notes : set of str
        What was unusual about the parts read so far: ``unit_missing``, ``unit_unknown``, ``fill_values``,
        ``header_checksum``.
    """

    def __init__(self, unpacked: Unpacked, name: str) -> None:
        self.name = name
        self.bounds = unpacked.bounds
        self.notes: set[str] = set()
        self._path = unpacked.path
        self._bytes = unpacked.content
        self._extents: dict[str, Extent] = {}
        for extent in unpacked.hdus:
            self._extents.setdefault(extent.name, extent)
        self._tables: dict[str, Table] = {}
        self._verified: set[str] = set()

    @property
    def content_sha256(self) -> str:
        """The SHA-256 checksum of the unpacked file."""
        return hashlib.sha256(self._bytes.data).hexdigest()

    @property
    def hdu_names(self) -> list[str]:
        """The names of the HDUs, in file order."""
        return list(self._extents)

    @property
    def fpacked_hdus(self) -> set[str]:
        """The names of the HDUs that are stored as compressed tables (FITS standard 4.0, section 10)."""
        return {hdu for hdu in self._extents if any(self._card(hdu, key) is True for key in ("ZIMAGE", "ZTABLE"))}

    def require(self, *hdu_names: str) -> None:
        """Raise MISSING_HDU, listing the missing and the present HDUs, unless all are present."""
        missing = [hdu for hdu in hdu_names if hdu not in self._extents]
        if missing:
            detail = f"HDU {', '.join(missing)} missing; present: {', '.join(filter(None, self.hdu_names))}"
            raise InputError(Reason.MISSING_HDU, self.name, detail[:300])

    def header_value(self, key: str) -> CardValue | None:
        """Return the value of a primary header card; None if it is missing or invalid."""
        self._verify("PRIMARY")
        return self._card("PRIMARY", key)

    def columns(self, hdu: str) -> tuple[str, ...]:
        """Return the column names of a table in capitals; empty for an image."""
        return tuple(self._table(hdu).numbers) if self._is_table(hdu) else ()

    def has_column(self, hdu: str, column: str) -> bool:
        return hdu in self._extents and column in self.columns(hdu)

    def shape(self, hdu: str) -> tuple[int, ...]:
        """Return the shape of an image in numpy order, or (rows,) of a table."""
        if self._is_table(hdu):
            return (self._integer(hdu, "NAXIS2"),)
        return tuple(self._integer(hdu, f"NAXIS{axis}") for axis in range(self._integer(hdu, "NAXIS"), 0, -1))

    def column_shape(self, hdu: str, column: str) -> tuple[int, ...]:
        """Return the shape of a column, (rows, ...), from the header."""
        number = self._number(hdu, column)
        return (*self.shape(hdu), *self._table(hdu).dtype[str(number)].shape)

    def column(self, hdu: str, column: str, unit: str | None = None, *, part: Part = ...) -> NDArray[Any]:
        """Read a numeric column, (rows, ...), or a part of it; missing values are NaN.

        Parameters
        ----------
        hdu, column : str
        unit : str, optional
            Unit to convert to. A column with another known unit is converted, one without a known unit is taken as it
            is, and noted. Without it, the unit of the column is not considered, and its fill values are values.
        part : index, optional
            Part of the column to convert; the shape must be known to have it, see `column_shape`.
        """
        rows, *_ = self._require_size(f"{hdu}.{column}", self.column_shape(hdu, column))
        stored = self._stored(hdu, column, self._bytes, 0, rows)[part]
        return self._decode(stored, self._column_encoding(hdu, column, unit), unit)

    def column_pieces(
        self, hdu: str, column: str, rows: int, unit: str | None = None, *, part: Part = ...
    ) -> Iterator[NDArray[Any]]:
        """Yield a numeric column as `column` does, in pieces of ``rows`` rows, with one piece in memory at a time."""
        total, *row_shape = self.column_shape(hdu, column)
        self._require_size(f"{hdu}.{column}", (min(rows, total), *row_shape))
        encoding = self._column_encoding(hdu, column, unit)
        for first in range(0, total, rows):
            self.bounds.require_time()
            count = min(rows, total - first)
            stored = self._stored(hdu, column, self._fresh_bytes(), first, count)[part]
            yield self._decode(stored, encoding, unit)

    def texts(self, hdu: str, column: str) -> list[str]:
        """Read a column of text, padding stripped."""
        field = str(self._number(hdu, column))
        dtype = self._table(hdu).dtype[field]
        if dtype.kind != "S":
            raise InputError(Reason.WRONG_SHAPE, self.name, f"{hdu}.{column} is not a text column")
        rows, _ = self._require_size(f"{hdu}.{column}", (self.shape(hdu)[0], dtype.itemsize))
        values = self._rows(hdu, self._bytes, 0, rows)[field]
        return [bytes(value).decode("ascii", "replace").strip("\0 ") for value in values]

    def image(self, hdu: str, unit: str | None = None, *, part: Part = ...) -> NDArray[Any]:
        """Read an image, or a part of it, as `column` does; raises WRONG_SHAPE if the HDU is a table or has no data."""
        shape = self.shape(hdu)
        if self._is_table(hdu) or not shape or 0 in shape:
            raise InputError(Reason.WRONG_SHAPE, self.name, f"HDU {hdu} is not an image: its shape is {shape}")
        if len(shape) > _MAX_DIMENSIONS:
            raise InputError(Reason.WRONG_SHAPE, self.name, f"HDU {hdu} has {len(shape)} dimensions")
        self._require_size(hdu, shape)
        self._verify(hdu)
        dtype = np.dtype(BITPIX2DTYPE[self._integer(hdu, "BITPIX")]).newbyteorder(">")
        stored: NDArray[Any] = np.ndarray(shape, dtype, self._bytes.data, self._extents[hdu].start)
        encoding = self._encoding(hdu, hdu, EncodingKeys("BLANK", "BSCALE", "BZERO", "BUNIT"), unit)
        return self._decode(stored[part], encoding, unit)

    def _require_size(self, what: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what is to be read; raises TOO_LARGE if it has more rows or values than the limits."""
        self.bounds.require(shape[0], self.bounds.limits.rows, f"rows in {what}")
        self.bounds.require(prod(shape), self.bounds.limits.values, f"values in {what}")
        return shape

    def _decode(self, stored: NDArray[Any], encoding: Encoding, unit: str | None) -> NDArray[Any]:
        if unit is None:
            return encoding.decode(stored)
        native = stored.astype(stored.dtype.newbyteorder("="))
        is_fill = find_fills(native, may_be_large=unit in _LENGTHS)
        if is_fill is not None:
            self.notes.add("fill_values")
        return encoding.decode(native, is_fill)

    def _column_encoding(self, hdu: str, column: str, unit: str | None) -> Encoding:
        number = self._number(hdu, column)
        keys = EncodingKeys(*(f"{key}{number}" for key in ("TNULL", "TSCAL", "TZERO", "TUNIT")))
        return self._encoding(hdu, f"{hdu}.{column}", keys, unit)

    def _encoding(self, hdu: str, what: str, keys: EncodingKeys, unit: str | None) -> Encoding:
        encoding, notes = read_encoding(self._extents[hdu], keys, unit, self.name, what)
        self.notes |= notes
        return encoding

    def _stored(self, hdu: str, column: str, content: NDArray[np.uint8], first: int, count: int) -> NDArray[Any]:
        """View the values of a numeric column as they are stored; logical ones as bool."""
        number = self._number(hdu, column)
        code = self._table(hdu).formats[number]
        values: NDArray[Any] = self._rows(hdu, content, first, count)[str(number)]
        if code == _LOGICAL:
            return np.asarray(values == _TRUE)
        if values.dtype.kind not in "iuf" or code in _ARRAY_DESCRIPTORS:
            detail = f"{hdu}.{column} has the FITS format {code}, expected a numeric one"
            raise InputError(Reason.WRONG_SHAPE, self.name, detail)
        return values

    def _rows(self, hdu: str, content: NDArray[np.uint8], first: int, count: int) -> NDArray[np.void]:
        """View rows of a table as records, (count,)."""
        self._verify(hdu)
        dtype = self._table(hdu).dtype
        return np.ndarray((count,), dtype, content.data, self._extents[hdu].start + first * dtype.itemsize)

    def _verify(self, hdu: str) -> None:
        """Compare an HDU with its checksums, once."""
        if hdu not in self._verified:
            self._verified.add(hdu)
            self.notes |= verify_sums(self._extents[hdu], self._fresh_bytes, self.bounds)

    def _fresh_bytes(self) -> NDArray[np.uint8]:
        """View the file: for one on disk a new map, so that its pages are freed with the views of it."""
        if self._path is None:
            return self._bytes
        try:
            return np.memmap(self._path, np.uint8, "r")
        except (OSError, ValueError) as error:  # removed or emptied meanwhile
            raise InputError(Reason.UNREADABLE, self.name, f"it cannot be read: {error}") from error

    def _number(self, hdu: str, column: str) -> int:
        """Return the number of a column."""
        self.require(hdu)
        number = self._table(hdu).numbers.get(column) if self._is_table(hdu) else None
        if number is None:
            raise InputError(Reason.MISSING_COLUMN, self.name, f"HDU {hdu} has no column {column}")
        return number

    def _table(self, hdu: str) -> Table:
        if hdu not in self._tables:
            self.bounds.require_time()
            self._tables[hdu] = read_table(self._extents[hdu], self.name)
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

    def _card(self, hdu: str, key: str) -> CardValue | None:
        return read_card(self._extents[hdu], key)
