"""Locate the HDUs of a FITS file and check their declared sizes against the bytes present.

`astropy.io.fits` drops HDUs of a truncated file without an error and allocates the memory that a header declares.
Section numbers refer to the FITS standard 4.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.readers.limits import Bounds

BLOCK = 2880  # section 3.1
SIMPLE = b"SIMPLE  ="
MAX_HEADER_BYTES = 400 * BLOCK
_EXTENSION = b"XTENSION="
_CARD_BYTES = 80
_VALUE_INDICATOR = "="  # the standard has a blank after it, some writers do not
_BITPIX = {8, 16, 32, 64, -32, -64}  # section 4.4.1.1
_MAX_AXES = 999
_ABSURD_BYTES = 1 << 62  # of 999 axes; no file has as many
_TRAILING_BYTES = 1 << 19  # bytes after the last HDU that are checked to be padding


@dataclass(frozen=True)
class Extent:
    """One HDU: its name in capitals (``PRIMARY`` for the first), its header, and offset and size of its data.

    ``cards`` are the cards with a value by keyword, in the order of the header, each with the CONTINUE cards after it;
    of a repeated keyword the first.
    """

    name: str
    header: bytes
    cards: Mapping[str, bytes]
    start: int
    size: int

    @property
    def end(self) -> int:
        """Offset of the next header."""
        return self.start + -(-self.size // BLOCK) * BLOCK


def walk_hdus(content: NDArray[np.uint8], bounds: Bounds) -> tuple[Extent, ...]:
    """List the HDUs from header to header.

    Raises
    ------
    InputError
        TRUNCATED or CORRUPT unless the HDUs fill the file; padding of spaces or zeros may follow the last one.
        TOO_LARGE if there are more HDUs or headers than the limits.
    """
    hdus: list[Extent] = []
    position = header_bytes = 0
    name, limits = bounds.name, bounds.limits
    while position < content.size:
        label = f"HDU {len(hdus)}"
        extent = read_extent(content, position, len(hdus), name)
        if extent is None:
            if content[position : position + _TRAILING_BYTES].tobytes().strip(b"\0 "):
                raise InputError(Reason.CORRUPT, name, f"no header at byte {position}, where {label} should begin")
            break
        header_bytes += len(extent.header)
        bounds.require(len(hdus) + 1, limits.hdus, "or more HDUs")
        bounds.require(header_bytes, limits.header_bytes, "or more bytes of headers")
        position = extent.end
        if position > content.size:
            raise _truncated(extent, label, position - content.size, name)
        hdus.append(extent)
    return tuple(hdus)


def read_extent(content: NDArray[np.uint8], position: int, number: int, name: str) -> Extent | None:
    """Read the header at a position; None if none begins there, TRUNCATED or CORRUPT if it is incomplete or invalid."""
    label = f"HDU {number}"
    header = _read_header(content, position, _EXTENSION if number else SIMPLE, label, name)
    if header is None:
        return None
    cards = _cards_with_values(header)
    hdu_name = "PRIMARY" if header.startswith(SIMPLE) else find_name(cards, "EXTNAME")
    return Extent(hdu_name, header, cards, position + len(header), _data_bytes(cards, label, name))


def _truncated(extent: Extent, label: str, missing_bytes: int, name: str) -> InputError:
    label += f" ({extent.name})" if extent.name else ""
    detail = (
        f"{label} declares {extent.size} bytes of data, but the file ends {missing_bytes} bytes early; "
        "obtain the file again"
    )
    return InputError(Reason.TRUNCATED, name, detail)


def _read_header(content: NDArray[np.uint8], position: int, magic: bytes, label: str, name: str) -> bytes | None:
    """Read the blocks of one header, END included; None if no header begins at ``position``."""
    header = b""
    while len(header) < MAX_HEADER_BYTES:
        start = position + len(header)
        block = content[start : start + BLOCK].tobytes()
        if not header and not block.startswith(magic[: len(block)]):
            return None
        if len(block) < BLOCK:
            raise InputError(
                Reason.TRUNCATED, name, f"the file ends inside the header of {label}; obtain the file again"
            )
        header += block
        if b"END" in block and any(card.rstrip() == b"END" for card in _cards(block)):
            return header
    raise InputError(Reason.CORRUPT, name, f"the header of {label} has no END card in its first {len(header)} bytes")


def _data_bytes(cards: Mapping[str, bytes], label: str, name: str) -> int:
    """Compute the data size that a header declares (section 4.4.1)."""
    bitpix, n_axes = (_integer(cards, key, label, name) for key in ("BITPIX", "NAXIS"))
    if bitpix not in _BITPIX or not 0 <= n_axes <= _MAX_AXES:
        raise InputError(Reason.CORRUPT, name, f"{label} declares BITPIX {bitpix} and NAXIS {n_axes}")
    axes = [_integer(cards, f"NAXIS{axis}", label, name) for axis in range(1, n_axes + 1)]
    parameters = _integer(cards, "PCOUNT", label, name, default=0)
    groups = _integer(cards, "GCOUNT", label, name, default=1)
    if min([*axes, parameters, groups]) < 0:
        raise InputError(Reason.CORRUPT, name, f"{label} declares a negative size")
    size = abs(bitpix) // 8 * groups * (parameters + prod(axes)) if axes else 0
    return min(size, _ABSURD_BYTES)


def _integer(cards: Mapping[str, bytes], key: str, label: str, name: str, default: int | None = None) -> int:
    if key not in cards and default is not None:
        return default
    match = re.match(rb"\s*([+-]?\d{1,19})\s*(?:/|$)", _value_field(cards, key))
    if match is None:
        raise InputError(Reason.CORRUPT, name, f"the header of {label} has no integer value for {key}")
    return int(match[1])


def find_name(cards: Mapping[str, bytes], key: str) -> str:
    """Return the name of an HDU or a column in capitals, without padding; empty if the card is missing or invalid."""
    match = re.match(rb"\s*'([^']*)'", _value_field(cards, key))
    return match[1].decode("ascii", "replace").strip().upper() if match else ""


def _value_field(cards: Mapping[str, bytes], key: str) -> bytes:
    """Return the part of a card after its value indicator; empty if the card is missing."""
    return cards.get(key, b"")[9:_CARD_BYTES]


def _cards_with_values(header: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    key = ""  # of the card that the next one may continue
    text = header.decode("latin-1")
    for at in range(0, len(header), _CARD_BYTES):
        if key and text.startswith("CONTINUE", at):
            found[key] += header[at : at + _CARD_BYTES]
            continue
        key = text[at : at + 8].rstrip() if text[at + 8] == _VALUE_INDICATOR else ""
        if key in found:
            key = ""
        elif key:
            found[key] = header[at : at + _CARD_BYTES]
    return found


def _cards(header: bytes) -> Iterator[bytes]:
    return (header[at : at + _CARD_BYTES] for at in range(0, len(header), _CARD_BYTES))
