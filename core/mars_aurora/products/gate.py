"""The gate in front of the readers: a bounded pass over a file, before astropy sees it.

It answers what astropy leaves open. `astropy.io.fits` opens a truncated ``.fits.gz`` without a word and with fewer
HDUs, reserves whatever memory a header declares, and unpacks gzip bombs. Here the stream is read to its end (CRC
included), its size is bounded, and every HDU's declared size is held against the bytes that are there.
"""

from __future__ import annotations

import gzip
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, BinaryIO

from isal import igzip, igzip_lib

from mars_aurora.errors import InputError, Reason, TransientError

BLOCK = 2880
CHUNK_BYTES = 1 << 19  # half a MiB stays in the cache between inflating and writing
MAX_HEADER_BYTES = 400 * BLOCK
_GZIP_ERRORS: tuple[Any, ...] = (gzip.BadGzipFile, igzip_lib.IsalError)
_GZIP_MAGIC = b"\x1f\x8b"
_SIMPLE = b"SIMPLE  ="
_EXTENSION = b"XTENSION="
_KNOWN_FORMATS = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"PK\x03\x04": "a zip archive",
    b"\x89HDF": "an HDF5 file",
    b"CDF": "a netCDF file",
    b"%PDF": "a PDF document",
    b"\x1f\x9d": "a compress (.Z) file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"<": "a web page or XML",
}


@dataclass(frozen=True)
class Limits:
    """How much a file may unpack to: in all, and against its packed size once past ``ratio_free_bytes``."""

    unpacked_bytes: int = 1 << 30
    ratio: float = 200.0
    ratio_free_bytes: int = 64 << 20


@dataclass(frozen=True)
class Extent:
    """One HDU: its name in capitals (``PRIMARY`` for the first), its header, and where its data lie in the file."""

    name: str
    header: bytes
    start: int
    size: int


@dataclass(frozen=True)
class Unpacked:
    """A whole FITS file on the local disk, its structure checked."""

    path: Path
    packed_bytes: int
    unpacked_bytes: int
    hdus: tuple[Extent, ...]


@contextmanager
def unpack(path: Path, name: str, limits: Limits) -> Iterator[Unpacked]:
    """Yield the file as plain, whole FITS: itself, or its unpacked copy on the disk while the ``with`` lasts.

    Raises InputError: UNREADABLE, EMPTY, NOT_FITS, TOO_LARGE, TRUNCATED or CORRUPT; TransientError if the
    temporary folder is full.
    """
    with _open_regular(path, name) as packed:
        packed_bytes = path.stat().st_size
        magic = packed.read(len(_SIMPLE))
        packed.seek(0)
        if not magic:
            raise InputError(Reason.EMPTY, name, "the file is empty (0 bytes)")
        if not magic.startswith(_GZIP_MAGIC):
            _require_fits_magic(magic, name)
            if packed_bytes > limits.unpacked_bytes:
                raise _too_large(name, f"the file has {packed_bytes} bytes", limits)
            yield Unpacked(path, packed_bytes, packed_bytes, walk_hdus(packed, packed_bytes, name))
            return
        with tempfile.NamedTemporaryFile(suffix=".fits") as plain:
            size = _inflate(packed, plain, packed_bytes, name, limits)
            plain.seek(0)
            yield Unpacked(Path(plain.name), packed_bytes, size, walk_hdus(plain, size, name))


def _open_regular(path: Path, name: str) -> BinaryIO:
    try:
        mode = path.stat().st_mode  # before opening: opening a named pipe would wait for ever
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise InputError(Reason.UNREADABLE, name, f"it is {kind}")
        return path.open("rb")
    except OSError as error:
        raise InputError(Reason.UNREADABLE, name, f"it cannot be opened: {error.strerror}") from error


def _inflate(packed: BinaryIO, plain: IO[bytes], packed_bytes: int, name: str, limits: Limits) -> int:
    """Unpack all gzip members to ``plain``, stopping at the limits; return the unpacked size."""
    size = 0
    for chunk in _chunks(packed, name):
        if size == 0:
            _require_fits_magic(chunk[: len(_SIMPLE)], name)
        size += len(chunk)
        if size > limits.unpacked_bytes:
            raise _too_large(name, f"{packed_bytes} packed bytes unpack to more", limits)
        if size > limits.ratio_free_bytes and size > limits.ratio * packed_bytes:
            detail = f"{packed_bytes} packed bytes unpack to over {size}: more than {limits.ratio:g} times, a gzip bomb"
            raise InputError(Reason.TOO_LARGE, name, detail)
        try:
            plain.write(chunk)
        except OSError as error:
            raise TransientError(f"{name}: cannot unpack to {tempfile.gettempdir()}: {error.strerror}") from error
    if size == 0:
        raise InputError(Reason.EMPTY, name, "the gzip file holds nothing (0 bytes unpacked)")
    return size


def _chunks(packed: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the unpacked stream in chunks; the last chunk comes after the last CRC was checked."""
    with igzip.IGzipFile(fileobj=packed) as stream:  # type: ignore[no-untyped-call]
        while chunk := _read_chunk(stream, name):
            yield chunk


def _read_chunk(stream: igzip.IGzipFile, name: str) -> bytes:
    try:
        return bytes(stream.read(CHUNK_BYTES))
    except EOFError as error:
        raise InputError(Reason.TRUNCATED, name, "the gzip stream ends before its end mark") from error
    except _GZIP_ERRORS as error:
        raise InputError(Reason.CORRUPT, name, f"the gzip stream is damaged: {error}") from error
    except OSError as error:
        raise InputError(Reason.UNREADABLE, name, f"it cannot be read: {error.strerror or error}") from error


def walk_hdus(plain: IO[bytes], size: int, name: str) -> tuple[Extent, ...]:
    """Follow the HDUs from header to header; raise TRUNCATED or CORRUPT unless they fill the file exactly."""
    hdus: list[Extent] = []
    position = 0
    while position < size:
        label = f"HDU {len(hdus)}"
        plain.seek(position)
        header = _read_header(plain, first=not hdus, label=label, name=name)
        if header is None:
            plain.seek(position)
            if plain.read(CHUNK_BYTES).strip(b"\0 "):
                raise InputError(Reason.CORRUPT, name, f"at byte {position}, where {label} should begin, is no header")
            break
        start = position + len(header)
        hdu_name = _extension_name(header) if hdus else "PRIMARY"
        extent = Extent(hdu_name, header, start, _data_bytes(header, label, name))
        position = start + -(-extent.size // BLOCK) * BLOCK
        if position > size:
            label += f" ({extent.name})" if extent.name else ""
            detail = f"{label} declares {extent.size} data bytes, but the file ends {position - size} bytes too early"
            raise InputError(Reason.TRUNCATED, name, detail)
        hdus.append(extent)
    return tuple(hdus)


def _read_header(plain: IO[bytes], *, first: bool, label: str, name: str) -> bytes | None:
    """Read one header's blocks up to END; None where no header begins."""
    magic, header = _SIMPLE if first else _EXTENSION, b""
    while len(header) < MAX_HEADER_BYTES:
        block = plain.read(BLOCK)
        if not header and not block.startswith(magic[: len(block)]):
            return None
        if len(block) < BLOCK:
            raise InputError(Reason.TRUNCATED, name, f"the file ends inside the header of {label}")
        header += block
        if any(block[card : card + 80].rstrip() == b"END" for card in range(0, BLOCK, 80)):
            return header
    raise InputError(Reason.CORRUPT, name, f"the header of {label} has no END in {MAX_HEADER_BYTES} bytes")


def _data_bytes(header: bytes, label: str, name: str) -> int:
    """Compute the size of the data that a header declares (FITS standard 4.0, section 4.4.1)."""
    bitpix, n_axes = (_integer(header, key, label, name) for key in ("BITPIX", "NAXIS"))
    if abs(bitpix) not in {8, 16, 32, 64} or not 0 <= n_axes <= 999:
        raise InputError(Reason.CORRUPT, name, f"{label} declares BITPIX {bitpix} and NAXIS {n_axes}")
    axes = [_integer(header, f"NAXIS{axis}", label, name) for axis in range(1, n_axes + 1)]
    parameters = _integer(header, "PCOUNT", label, name, default=0)
    groups = _integer(header, "GCOUNT", label, name, default=1)
    if min([*axes, parameters, groups]) < 0:
        raise InputError(Reason.CORRUPT, name, f"{label} declares a negative size")
    return abs(bitpix) // 8 * groups * (parameters + prod(axes)) if axes else 0


def _integer(header: bytes, key: str, label: str, name: str, default: int | None = None) -> int:
    cards = (header[start : start + 80] for start in range(0, len(header), 80))
    card = next((card for card in cards if card.startswith(f"{key:<8}=".encode())), None)
    if card is None and default is not None:
        return default
    match = re.match(rb"\s*([+-]?\d{1,19})\s*(?:/|$)", card[9:]) if card else None
    if match is None:
        raise InputError(Reason.CORRUPT, name, f"the header of {label} gives no whole number for {key}")
    return int(match[1])


def _extension_name(header: bytes) -> str:
    match = re.search(rb"EXTNAME = *'([^']*)'", header)
    return match[1].decode("ascii", "replace").strip().upper() if match else ""


def _require_fits_magic(magic: bytes, name: str) -> None:
    if magic == _SIMPLE or (magic and _SIMPLE.startswith(magic)):
        return
    kind = next((kind for start, kind in _KNOWN_FORMATS.items() if magic.startswith(start)), None)
    raise InputError(Reason.NOT_FITS, name, f"it is {kind or f'no FITS file: it begins with {magic!r}'}")


def _too_large(name: str, found: str, limits: Limits) -> InputError:
    return InputError(Reason.TOO_LARGE, name, f"{found}; the limit is {limits.unpacked_bytes} bytes")
