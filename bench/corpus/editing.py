"""FITS files as lists of editable HDUs: header cards of 80 bytes, and data; nothing that is written is validated.

Files that the simulator wrote are split, changed and joined again. Columns are rewritten by the simulator's writer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator.writers import fits_table
from mars_aurora_model.simulator.writers.fits_table import Columns

BLOCK = 2880
CARD = 80
_DTYPES = {"D": ">f8", "E": ">f4", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8"}


def card(key: str, text: str | bytes) -> bytes:
    """Return a card with this text after its value indicator, cut to 80 bytes."""
    raw = text if isinstance(text, bytes) else text.encode("latin-1")
    return (f"{key:<8}=".encode() + b" " + raw).ljust(CARD)[:CARD]


@dataclass
class Hdu:
    """One HDU: cards without END and padding, and data without padding."""

    cards: list[bytes]
    data: bytes

    @property
    def name(self) -> str:
        return self.text("EXTNAME") or "PRIMARY"

    def find(self, key: str) -> int:
        """Return the index of a card; raises KeyError if there is none."""
        start = f"{key:<8}=".encode()
        for index, line in enumerate(self.cards):
            if line.startswith(start):
                return index
        raise KeyError(key)

    def value(self, key: str) -> str:
        """Return the text of a value without comment, quotes included."""
        return self.cards[self.find(key)][10:].split(b" /")[0].decode("latin-1").strip()

    def text(self, key: str) -> str:
        try:
            return self.value(key).strip("' ")
        except KeyError:
            return ""

    def number(self, key: str) -> int:
        return int(self.value(key))

    def put(self, key: str, text: str | bytes) -> None:
        """Replace a card, or add it at the end."""
        try:
            self.cards[self.find(key)] = card(key, text)
        except KeyError:
            self.cards.append(card(key, text))

    def drop(self, key: str) -> None:
        del self.cards[self.find(key)]

    def column_number(self, column: str) -> int:
        """Return the number of a column, from 1."""
        count = self.number("TFIELDS")
        return next(n for n in range(1, count + 1) if self.text(f"TTYPE{n}") == column)

    @property
    def header(self) -> bytes:
        joined = b"".join([*self.cards, b"END".ljust(CARD)])
        return joined + b" " * (-len(joined) % BLOCK)

    def to_bytes(self) -> bytes:
        return self.header + self.data + bytes(-len(self.data) % BLOCK)


def split(content: bytes) -> list[Hdu]:
    """Split a file that the simulator wrote."""
    hdus: list[Hdu] = []
    position = 0
    while position < len(content):
        lines: list[bytes] = []
        while not (line := content[position : position + CARD]).startswith(b"END "):
            lines.append(line)
            position += CARD
        position = -(-(position + CARD) // BLOCK) * BLOCK
        hdu = Hdu([line for line in lines if line.strip()], b"")
        axes = [hdu.number(f"NAXIS{axis}") for axis in range(1, hdu.number("NAXIS") + 1)]
        size = abs(hdu.number("BITPIX")) // 8 * int(np.prod(axes)) if axes else 0
        hdu.data = content[position : position + size]
        hdus.append(hdu)
        position += -(-size // BLOCK) * BLOCK
    return hdus


def join(hdus: list[Hdu]) -> bytes:
    return b"".join(hdu.to_bytes() for hdu in hdus)


def read_columns(hdu: Hdu) -> Columns:
    """Return the columns of a table: values, writable, and unit by name."""
    fields = []
    for number in range(1, hdu.number("TFIELDS") + 1):
        match = re.match(r"(\d*)([A-Z])", hdu.text(f"TFORM{number}"))
        assert match is not None
        repeat, code = int(match[1] or 1), match[2]
        dims = [int(size) for size in hdu.text(f"TDIM{number}").strip("()").split(",") if size]
        if code == "A":
            shape, dtype = tuple(reversed(dims[1:])), f"S{dims[0] if dims else repeat}"
        else:
            shape, dtype = tuple(reversed(dims)) or ((repeat,) if repeat > 1 else ()), _DTYPES[code]
        fields.append((hdu.text(f"TTYPE{number}"), dtype, shape))
    rows = np.frombuffer(hdu.data, np.dtype(fields)).copy()
    units = [hdu.text(f"TUNIT{number}") for number in range(1, len(fields) + 1)]
    zeros = [hdu.text(f"TZERO{number}") for number in range(1, len(fields) + 1)]
    return {
        name: (_unsigned(np.ascontiguousarray(rows[name]), zero), unit)
        for (name, _, _), unit, zero in zip(fields, units, zeros, strict=True)
    }


def _unsigned(values: NDArray[Any], zero: str) -> NDArray[Any]:
    return (values.astype(np.int32) + 32768).astype(np.uint16) if zero else values


def make_table(name: str, columns: Columns) -> Hdu:
    """Make a table with the simulator's writer."""
    native = {
        column: (values.astype(values.dtype.newbyteorder("=")) if values.dtype.kind in "iuf" else values, unit)
        for column, (values, unit) in columns.items()
    }
    return split(b"".join(fits_table.write_table(name, native)))[0]


def make_image(name: str, values: NDArray[Any], keywords: dict[str, Any] | None = None) -> Hdu:
    """Make an IMAGE extension of float32, int16 or int32 with the simulator's writer."""
    return split(b"".join(fits_table.write_image(name, values, keywords or {})))[0]


def read_image(hdu: Hdu) -> NDArray[Any]:
    """Return a writable copy of the values of an image."""
    shape = [hdu.number(f"NAXIS{axis}") for axis in range(hdu.number("NAXIS"), 0, -1)]
    dtype = {-32: ">f4", 16: ">i2", 32: ">i4"}[hdu.number("BITPIX")]
    return np.frombuffer(hdu.data, dtype).reshape(shape).copy()
