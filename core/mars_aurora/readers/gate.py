"""The gate in front of the readers: a bounded pass over a file, before astropy sees it.

It answers what astropy leaves open. `astropy.io.fits` opens a truncated ``.fits.gz`` without a word and with fewer
HDUs, reserves whatever memory a header declares, and unpacks gzip bombs. Here the stream is read to its end (CRC
included), its size is bounded, and every HDU's declared size is held against the bytes that are there.
"""

from __future__ import annotations

import gzip
import mmap
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from isal import igzip, igzip_lib
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason, TransientError

BLOCK = 2880
CHUNK_BYTES = 1 << 19  # half a MiB stays in the cache between inflating and writing
MEMORY_BYTES = 64 << 20
MAX_HEADER_BYTES = 400 * BLOCK
_buffers: list[mmap.mmap] = []  # to be lent again
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
    """A whole FITS file, its structure checked; ``content`` lies in lent memory, or is mapped from ``path``."""

    content: NDArray[np.uint8]
    path: Path | None
    packed_bytes: int
    hdus: tuple[Extent, ...]

    @property
    def unpacked_bytes(self) -> int:
        return self.content.size


@contextmanager
def unpack(path: Path, name: str, limits: Limits) -> Iterator[Unpacked]:
    """Yield the file as plain, whole FITS while the ``with`` lasts: copy what is to outlive it.

    What unpacks to 64 MiB at most is in memory, more than that in a temporary file.
    Raises InputError: UNREADABLE, EMPTY, NOT_FITS, TOO_LARGE, TRUNCATED or CORRUPT; TransientError if the
    temporary folder is full.
    """
    with ExitStack() as stack:
        packed = stack.enter_context(_open_regular(path, name))
        packed_bytes = path.stat().st_size
        magic = packed.read(len(_SIMPLE))
        packed.seek(0)
        if not magic:
            raise InputError(Reason.EMPTY, name, "the file is empty (0 bytes)")
        if magic.startswith(_GZIP_MAGIC):
            content, plain = _inflate(packed, packed_bytes, name, limits, stack)
        else:
            _require_fits_magic(magic, name)
            if packed_bytes > limits.unpacked_bytes:
                raise _too_large(name, f"the file has {packed_bytes} bytes", limits)
            content, plain = np.memmap(path, np.uint8, "r"), path
        yield Unpacked(content, plain, packed_bytes, walk_hdus(content, name))


def _open_regular(path: Path, name: str) -> BinaryIO:
    try:
        mode = path.stat().st_mode  # before opening: opening a named pipe would wait for ever
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise InputError(Reason.UNREADABLE, name, f"it is {kind}")
        return path.open("rb")
    except OSError as error:
        raise InputError(Reason.UNREADABLE, name, f"it cannot be opened: {error.strerror}") from error


def _inflate(
    packed: BinaryIO, packed_bytes: int, name: str, limits: Limits, stack: ExitStack
) -> tuple[NDArray[np.uint8], Path | None]:
    """Unpack all gzip members, CRCs checked, into lent memory or, where they do not fit, a temporary file."""
    buffer = stack.enter_context(_lend_buffer())
    if _hinted_bytes(packed, packed_bytes) > len(buffer):
        buffer = buffer[:CHUNK_BYTES]
    stream = stack.enter_context(igzip.IGzipFile(fileobj=packed))  # type: ignore[no-untyped-call]
    size = 0
    while count := _read_into(stream, buffer[size : size + CHUNK_BYTES], name):
        if size == 0:
            _require_fits_magic(bytes(buffer[: min(count, len(_SIMPLE))]), name)
        size += count
        _require_bounds(size, packed_bytes, name, limits)
        if size == len(buffer):
            return _inflate_to_disk(stream, buffer, packed_bytes, name, limits, stack)
    if size == 0:
        raise InputError(Reason.EMPTY, name, "the gzip file holds nothing (0 bytes unpacked)")
    return np.frombuffer(buffer, np.uint8, size), None


def _inflate_to_disk(  # noqa: PLR0913, PLR0917 -- the rest of the function above
    stream: igzip.IGzipFile, buffer: memoryview, packed_bytes: int, name: str, limits: Limits, stack: ExitStack
) -> tuple[NDArray[np.uint8], Path]:
    """Write the full buffer and the rest of the stream to a temporary file, and map that."""
    plain = tempfile.NamedTemporaryFile(suffix=".fits", buffering=0)  # noqa: SIM115 -- the stack closes it
    stack.enter_context(plain)
    size, count = 0, len(buffer)
    while count:
        try:
            plain.write(buffer[:count])
        except OSError as error:
            raise TransientError(f"{name}: cannot unpack to {tempfile.gettempdir()}: {error.strerror}") from error
        size += count
        _require_bounds(size, packed_bytes, name, limits)
        count = _read_into(stream, buffer[:CHUNK_BYTES], name)
    path = Path(plain.name)
    return np.memmap(path, np.uint8, "r"), path


@contextmanager
def _lend_buffer() -> Iterator[memoryview]:
    """Lend memory that earlier files have used: fresh pages cost as much as inflating into them."""
    buffer = _buffers.pop() if _buffers else mmap.mmap(-1, MEMORY_BYTES)
    try:
        yield memoryview(buffer)
    finally:
        _buffers.append(buffer)


def _hinted_bytes(packed: BinaryIO, packed_bytes: int) -> int:
    """Read the unpacked size that the gzip trailer gives: true of most files, so good for a choice of means only."""
    packed.seek(max(0, packed_bytes - 4))
    hint = int.from_bytes(packed.read(4), "little")
    packed.seek(0)
    return hint


def _read_into(stream: igzip.IGzipFile, buffer: memoryview, name: str) -> int:
    """Read some of the unpacked stream; 0 at its end, after the last CRC was checked."""
    try:
        return int(stream.readinto(buffer))
    except EOFError as error:
        raise InputError(Reason.TRUNCATED, name, "the gzip stream ends before its end mark") from error
    except _GZIP_ERRORS as error:
        raise InputError(Reason.CORRUPT, name, f"the gzip stream is damaged: {error}") from error
    except OSError as error:
        raise InputError(Reason.UNREADABLE, name, f"it cannot be read: {error.strerror or error}") from error


def _require_bounds(size: int, packed_bytes: int, name: str, limits: Limits) -> None:
    if size > limits.unpacked_bytes:
        raise _too_large(name, f"{packed_bytes} packed bytes unpack to more", limits)
    if size > limits.ratio_free_bytes and size > limits.ratio * packed_bytes:
        detail = f"{packed_bytes} packed bytes unpack to over {size}: more than {limits.ratio:g} times, a gzip bomb"
        raise InputError(Reason.TOO_LARGE, name, detail)


def walk_hdus(content: NDArray[np.uint8], name: str) -> tuple[Extent, ...]:
    """Follow the HDUs from header to header; raise TRUNCATED or CORRUPT unless they fill the file exactly."""
    hdus: list[Extent] = []
    position = 0
    while position < content.size:
        label = f"HDU {len(hdus)}"
        header = _read_header(content, position, _EXTENSION if hdus else _SIMPLE, label, name)
        if header is None:
            if content[position : position + CHUNK_BYTES].tobytes().strip(b"\0 "):
                raise InputError(Reason.CORRUPT, name, f"at byte {position}, where {label} should begin, is no header")
            break
        start = position + len(header)
        hdu_name = _extension_name(header) if hdus else "PRIMARY"
        extent = Extent(hdu_name, header, start, _data_bytes(header, label, name))
        position = start + -(-extent.size // BLOCK) * BLOCK
        if position > content.size:
            label += f" ({extent.name})" if extent.name else ""
            missing = position - content.size
            detail = f"{label} declares {extent.size} data bytes, but the file ends {missing} bytes too early"
            raise InputError(Reason.TRUNCATED, name, detail)
        hdus.append(extent)
    return tuple(hdus)


def _read_header(content: NDArray[np.uint8], position: int, magic: bytes, label: str, name: str) -> bytes | None:
    """Read one header's blocks up to END; None where no header begins."""
    header = b""
    while len(header) < MAX_HEADER_BYTES:
        start = position + len(header)
        block = content[start : start + BLOCK].tobytes()
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
    value = _find_value(header, key)
    if value is None and default is not None:
        return default
    match = re.match(rb"\s*([+-]?\d{1,19})\s*(?:/|$)", value or b"")
    if match is None:
        raise InputError(Reason.CORRUPT, name, f"the header of {label} gives no whole number for {key}")
    return int(match[1])


def _extension_name(header: bytes) -> str:
    match = re.match(rb"\s*'([^']*)'", _find_value(header, "EXTNAME") or b"")
    return match[1].decode("ascii", "replace").strip().upper() if match else ""


def _find_value(header: bytes, key: str) -> bytes | None:
    """Give what stands behind the equals sign of a card; None where there is no such card."""
    start = f"{key:<8}=".encode()
    cards = (header[at : at + 80] for at in range(0, len(header), 80))
    return next((card[len(start) :] for card in cards if card.startswith(start)), None)


def _require_fits_magic(magic: bytes, name: str) -> None:
    if magic == _SIMPLE or (magic and _SIMPLE.startswith(magic)):
        return
    kind = next((kind for start, kind in _KNOWN_FORMATS.items() if magic.startswith(start)), None)
    raise InputError(Reason.NOT_FITS, name, f"it is {kind or f'no FITS file: it begins with {magic!r}'}")


def _too_large(name: str, found: str, limits: Limits) -> InputError:
    return InputError(Reason.TOO_LARGE, name, f"{found}; the limit is {limits.unpacked_bytes} bytes")
