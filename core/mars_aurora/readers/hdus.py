"""Locate the HDUs of a FITS file and check their declared sizes against the bytes present.

`astropy.io.fits` drops HDUs of a truncated file without an error and allocates the memory that a header declares.
Section numbers refer to the FITS standard 4.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason

BLOCK = 2880  # section 3.1
SIMPLE = b"SIMPLE  ="
MAX_HEADER_BYTES = 400 * BLOCK
_EXTENSION = b"XTENSION="
_CARD_BYTES = 80
_MAX_AXES = 999
_TRAILING_BYTES = 1 << 19  # bytes after the last HDU that are checked to be padding


@dataclass(frozen=True)
class Extent:
    """One HDU: its name in capitals (``PRIMARY`` for the first), its header, and offset and size of its data."""

    name: str
    header: bytes
    start: int
    size: int


def walk_hdus(content: NDArray[np.uint8], name: str) -> tuple[Extent, ...]:
    """List the HDUs from header to header.

    Raises
    ------
    InputError
        TRUNCATED or CORRUPT unless the HDUs fill the file; padding of spaces or zeros may follow the last one.
    """
    hdus: list[Extent] = []
    position = 0
    while position < content.size:
        label = f"HDU {len(hdus)}"
        header = _read_header(content, position, _EXTENSION if hdus else SIMPLE, label, name)
        if header is None:
            if content[position : position + _TRAILING_BYTES].tobytes().strip(b"\0 "):
                raise InputError(Reason.CORRUPT, name, f"no header at byte {position}, where {label} should begin")
            break
        start = position + len(header)
        hdu_name = _extension_name(header) if hdus else "PRIMARY"
        extent = Extent(hdu_name, header, start, _data_bytes(header, label, name))
        position = start + -(-extent.size // BLOCK) * BLOCK
        if position > content.size:
            raise _truncated(extent, label, position - content.size, name)
        hdus.append(extent)
    return tuple(hdus)


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
        if any(card.rstrip() == b"END" for card in _cards(block)):
            return header
    raise InputError(Reason.CORRUPT, name, f"the header of {label} has no END card in its first {len(header)} bytes")


def _data_bytes(header: bytes, label: str, name: str) -> int:
    """Compute the data size that a header declares (section 4.4.1)."""
    bitpix, n_axes = (_integer(header, key, label, name) for key in ("BITPIX", "NAXIS"))
    if abs(bitpix) not in {8, 16, 32, 64} or not 0 <= n_axes <= _MAX_AXES:
        raise InputError(Reason.CORRUPT, name, f"{label} declares BITPIX {bitpix} and NAXIS {n_axes}")
    axes = [_integer(header, f"NAXIS{axis}", label, name) for axis in range(1, n_axes + 1)]
    parameters = _integer(header, "PCOUNT", label, name, default=0)
    groups = _integer(header, "GCOUNT", label, name, default=1)
    if min([*axes, parameters, groups]) < 0:
        raise InputError(Reason.CORRUPT, name, f"{label} declares a negative size")
    return abs(bitpix) // 8 * groups * (parameters + prod(axes)) if axes else 0


def _integer(header: bytes, key: str, label: str, name: str, default: int | None = None) -> int:
    value = _find_value(header, key)
    if value is None and default is not None:
        return default
    match = re.match(rb"\s*([+-]?\d{1,19})\s*(?:/|$)", value or b"")
    if match is None:
        raise InputError(Reason.CORRUPT, name, f"the header of {label} has no integer value for {key}")
    return int(match[1])


def _extension_name(header: bytes) -> str:
    match = re.match(rb"\s*'([^']*)'", _find_value(header, "EXTNAME") or b"")
    return match[1].decode("ascii", "replace").strip().upper() if match else ""


def _find_value(header: bytes, key: str) -> bytes | None:
    """Return the part of a card after its value indicator ``= ``; None if the card is missing."""
    start = f"{key:<8}=".encode()
    return next((card[len(start) :] for card in _cards(header) if card.startswith(start)), None)


def _cards(header: bytes) -> Iterator[bytes]:
    return (header[at : at + _CARD_BYTES] for at in range(0, len(header), _CARD_BYTES))
