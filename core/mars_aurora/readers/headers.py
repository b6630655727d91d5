"""Cards of a header and columns of a table, parsed by astropy, so that an invalid card rejects only what needs it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from astropy.io import fits

from mars_aurora.errors import InputError, Reason
from mars_aurora.readers.hdus import BLOCK, Extent, find_name

_MAX_COLUMNS = 999  # FITS standard 4.0, section 7.3.1
_STRUCTURAL = ("TFORM", "TDIM")
_OF_COLUMNS = (*_STRUCTURAL, "TTYPE")
_START = [  # of the header of a table with one column
    f"{key:<8}= {value:>20}".ljust(80).encode()
    for key, value in (
        ("XTENSION", "'BINTABLE'"),
        ("BITPIX", 8),
        ("NAXIS", 2),
        ("NAXIS1", 0),
        ("NAXIS2", 0),
        ("PCOUNT", 0),
        ("GCOUNT", 1),
        ("TFIELDS", 1),
        ("TTYPE1", "'1'"),
    )
]
_NOT_ASCII = dict.fromkeys(range(128, 256), "?")

CardValue = str | int | float


@dataclass(frozen=True)
class Table:
    """The columns of a table: the number of each, from 1, by name in capitals; the dtype of its rows, big-endian.

    The fields of ``dtype`` are named by number: names may occur twice in a file, of which the first counts.
    ``formats`` are the FITS format codes, such as ``E``, by number.
    """

    numbers: Mapping[str, int]
    dtype: np.dtype[Any]
    formats: Mapping[int, str]


def read_card(extent: Extent, key: str) -> CardValue | None:
    """Return the value of a card; None if the card is missing, or its value invalid or neither a number nor a text."""
    card = extent.cards.get(key)
    return None if card is None else _parse_card(card)


@lru_cache(maxsize=2048)  # files of one kind have most cards in common
def _parse_card(card: bytes) -> CardValue | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = fits.Card.fromstring(card.decode("latin-1").translate(_NOT_ASCII)).value
        except (fits.VerifyError, ValueError):
            return None
    return value if isinstance(value, (str, int, float)) else None


def read_table(extent: Extent, name: str) -> Table:
    """Read the columns of a table; raises CORRUPT if its rows cannot be divided into them."""
    fields, width = (read_card(extent, key) for key in ("TFIELDS", "NAXIS1"))
    if not isinstance(fields, int) or not 0 <= fields <= _MAX_COLUMNS:  # astropy does not limit them
        detail = f"HDU {extent.name}: TFIELDS is {fields!r}, expected an integer from 0 to {_MAX_COLUMNS}"
        raise InputError(Reason.CORRUPT, name, detail)
    with _astropy(f"the columns of HDU {extent.name}", name):
        table = _parse_columns(fields, *(item for item in extent.cards.items() if item[0].startswith(_OF_COLUMNS)))
    if table.dtype.itemsize != width:
        detail = (
            f"the columns of HDU {extent.name} take {table.dtype.itemsize} bytes per row, but its rows have {width}"
        )
        raise InputError(Reason.CORRUPT, name, detail)
    return table


@lru_cache(maxsize=64)  # files of one kind have most tables in common
def _parse_columns(fields: int, *items: tuple[str, bytes]) -> Table:
    cards = dict(items)
    columns = [_parse_column(*_structure(cards, number)) for number in range(1, fields + 1)]
    numbers: dict[str, int] = {}
    for number in range(1, fields + 1):
        numbers.setdefault(find_name(cards, f"TTYPE{number}") or f"COLUMN {number}", number)
    dtype = np.dtype([(str(number), found) for number, (found, _) in enumerate(columns, 1)])
    return Table(numbers, dtype, {number: code for number, (_, code) in enumerate(columns, 1)})


def _structure(cards: Mapping[str, bytes], number: int) -> tuple[bytes | None, ...]:
    """Return the cards that the layout of a column depends on, without their keywords."""
    return tuple(card and card[8:] for card in (cards.get(f"{key}{number}") for key in _STRUCTURAL))


@lru_cache(maxsize=1024)  # many columns of a file, and of all files of one kind, have the same format
def _parse_column(*cards: bytes | None) -> tuple[np.dtype[Any], str]:
    """Return the dtype of a column, and its FITS format code; astropy takes a fifth of a millisecond for one."""
    found = [f"{f'{key}1':<8}".encode() + card for key, card in zip(_STRUCTURAL, cards, strict=True) if card]
    header = b"".join([*_START, *found, b"END".ljust(80)])
    columns = fits.BinTableHDU.fromstring(header.ljust(-(-len(header) // BLOCK) * BLOCK)).columns
    return np.dtype(columns.dtype.newbyteorder(">"))["1"], columns[0].format.format


@contextmanager
def _astropy(what: str, name: str) -> Iterator[None]:
    """Convert any exception of astropy on a damaged header to InputError, and suppress its warnings.

    Use it for astropy calls alone. Flipped bits have raised ten exception types, UnboundLocalError among them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:
            detail = f"astropy cannot parse {what}: {type(error).__name__}: {' '.join(str(error).split())}"
            raise InputError(Reason.CORRUPT, name, detail[:300]) from error
