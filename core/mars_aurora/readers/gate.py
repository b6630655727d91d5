"""Open and unpack an input file within size limits, before astropy reads it.

`astropy.io.fits` opens truncated ``.fits.gz`` files without an error and unpacks gzip bombs. Here the gzip stream is
read to its end, CRC included, its size is limited, and `hdus` checks the structure of the FITS file.
"""

from __future__ import annotations

import gzip
import mmap
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from isal import igzip, igzip_lib
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason, TransientError
from mars_aurora.readers.hdus import SIMPLE, Extent, walk_hdus

CHUNK_BYTES = 1 << 19  # small enough to remain in the CPU cache between unpacking and writing
MEMORY_BYTES = 64 << 20
_buffers: list[mmap.mmap] = []  # free buffers, for reuse by later files
_GZIP_ERRORS: tuple[Any, ...] = (gzip.BadGzipFile, igzip_lib.IsalError)
_GZIP_MAGIC = b"\x1f\x8b"
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
    b"<": "an HTML or XML file",
}


@dataclass(frozen=True)
class Limits:
    """Limits of the unpacked size: absolute, and relative to the packed size above ``ratio_free_bytes``."""

    unpacked_bytes: int = 1 << 30
    ratio: float = 200.0
    ratio_free_bytes: int = 64 << 20


@dataclass(frozen=True)
class Unpacked:
    """A complete FITS file with a checked structure; ``content`` is in memory, or mapped from ``path``."""

    content: NDArray[np.uint8]
    path: Path | None
    packed_bytes: int
    hdus: tuple[Extent, ...]

    @property
    def unpacked_bytes(self) -> int:
        return self.content.size


@contextmanager
def unpack(path: Path, name: str, limits: Limits) -> Iterator[Unpacked]:
    """Open a FITS file, plain or gzipped, for the duration of a ``with`` block.

    A gzipped file of up to 64 MiB is unpacked to memory that later files reuse, a larger one to a temporary file:
    copy the data needed after the block.

    Raises
    ------
    InputError
        UNREADABLE, EMPTY, NOT_FITS, TOO_LARGE, TRUNCATED or CORRUPT.
    TransientError
        If writing the temporary file fails.
    """
    with ExitStack() as stack:
        packed = stack.enter_context(_open_regular(path, name))
        packed_bytes = path.stat().st_size
        magic = packed.read(len(SIMPLE))
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
        mode = path.stat().st_mode  # checked first: opening a named pipe would block
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise InputError(Reason.UNREADABLE, name, f"it is {kind}")
        return path.open("rb")
    except OSError as error:
        raise InputError(Reason.UNREADABLE, name, f"it cannot be opened: {error.strerror}") from error


def _inflate(
    packed: BinaryIO, packed_bytes: int, name: str, limits: Limits, stack: ExitStack
) -> tuple[NDArray[np.uint8], Path | None]:
    """Unpack all gzip members, CRCs checked, to a reused buffer or, if they exceed it, a temporary file."""
    buffer = stack.enter_context(_reused_buffer())
    if _size_in_trailer(packed, packed_bytes) > len(buffer):
        buffer = buffer[:CHUNK_BYTES]
    stream = stack.enter_context(igzip.IGzipFile(fileobj=packed))  # type: ignore[no-untyped-call]  # -- isal has no types
    size = 0
    while count := _read_into(stream, buffer[size : size + CHUNK_BYTES], name):
        if size == 0:
            _require_fits_magic(bytes(buffer[: min(count, len(SIMPLE))]), name)
        size += count
        _require_within(size, packed_bytes, name, limits)
        if size == len(buffer):
            return _inflate_to_disk(stream, buffer, packed_bytes, name, limits, stack)
    if size == 0:
        raise InputError(Reason.EMPTY, name, "the gzip file is empty (0 bytes unpacked)")
    return np.frombuffer(buffer, np.uint8, size), None


def _inflate_to_disk(  # noqa: PLR0913, PLR0917 -- continues _inflate with its state
    stream: igzip.IGzipFile, buffer: memoryview, packed_bytes: int, name: str, limits: Limits, stack: ExitStack
) -> tuple[NDArray[np.uint8], Path]:
    """Write the full buffer and the rest of the stream to a temporary file, and map it."""
    plain = tempfile.NamedTemporaryFile(suffix=".fits", buffering=0)  # noqa: SIM115 -- closed by the stack
    stack.enter_context(plain)
    size, count = 0, len(buffer)
    while count:
        try:
            plain.write(buffer[:count])
        except OSError as error:
            detail = f"cannot unpack to {tempfile.gettempdir()}: {error.strerror}; free disk space there or set TMPDIR"
            raise TransientError(f"{name}: {detail}") from error
        size += count
        _require_within(size, packed_bytes, name, limits)
        count = _read_into(stream, buffer[:CHUNK_BYTES], name)
    path = Path(plain.name)
    return np.memmap(path, np.uint8, "r"), path


@contextmanager
def _reused_buffer() -> Iterator[memoryview]:
    """Yield a buffer of an earlier file if one is free: allocating new pages costs as much time as unpacking."""
    buffer = _buffers.pop() if _buffers else mmap.mmap(-1, MEMORY_BYTES)
    try:
        yield memoryview(buffer)
    finally:
        _buffers.append(buffer)


def _size_in_trailer(packed: BinaryIO, packed_bytes: int) -> int:
    """Read the unpacked size from the gzip trailer; unreliable, so used only to choose between memory and disk."""
    packed.seek(max(0, packed_bytes - 4))
    size = int.from_bytes(packed.read(4), "little")
    packed.seek(0)
    return size


def _read_into(stream: igzip.IGzipFile, buffer: memoryview, name: str) -> int:
    """Read the next unpacked bytes; 0 at the end of the stream, after the last CRC has been checked."""
    try:
        return int(stream.readinto(buffer))
    except EOFError as error:
        detail = "the gzip stream ends before its end mark; obtain the file again"
        raise InputError(Reason.TRUNCATED, name, detail) from error
    except _GZIP_ERRORS as error:
        detail = f"the gzip stream is damaged: {error}; obtain the file again"
        raise InputError(Reason.CORRUPT, name, detail) from error
    except OSError as error:
        raise InputError(Reason.UNREADABLE, name, f"it cannot be read: {error.strerror or error}") from error


def _require_within(size: int, packed_bytes: int, name: str, limits: Limits) -> None:
    found = f"the file unpacks from {packed_bytes} to at least {size} bytes"
    if size > limits.unpacked_bytes:
        raise _too_large(name, found, limits)
    if size > limits.ratio_free_bytes and size > limits.ratio * packed_bytes:
        detail = f"{found}, over {limits.ratio:g} times its size: a gzip bomb or a damaged file"
        raise InputError(Reason.TOO_LARGE, name, detail)


def _require_fits_magic(magic: bytes, name: str) -> None:
    if magic == SIMPLE or (magic and SIMPLE.startswith(magic)):
        return
    kind = next((kind for start, kind in _KNOWN_FORMATS.items() if magic.startswith(start)), None)
    raise InputError(Reason.NOT_FITS, name, f"it is {kind or f'not a FITS file: it begins with {magic!r}'}")


def _too_large(name: str, found: str, limits: Limits) -> InputError:
    return InputError(Reason.TOO_LARGE, name, f"{found}; the limit is {limits.unpacked_bytes} bytes")
