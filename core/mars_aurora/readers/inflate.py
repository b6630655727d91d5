"""Unpack a gzip file within limits: all members, CRCs checked, to reused memory or to a temporary file."""

from __future__ import annotations

import gzip
import io
import mmap
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from isal import igzip, igzip_lib
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason, TransientError
from mars_aurora.readers.formats import require_fits_magic
from mars_aurora.readers.limits import Bounds
from mars_aurora.readers.unread import UnreadData

CHUNK_BYTES = 1 << 19  # small enough to remain in the CPU cache between unpacking and writing
MEMORY_BYTES = 64 << 20
MAGIC = b"\x1f\x8b"
_buffers: list[mmap.mmap] = []  # free buffers, for reuse by later files
_GZIP_ERRORS: tuple[Any, ...] = (gzip.BadGzipFile, igzip_lib.IsalError)


class BoundedFile(io.FileIO):
    """A file that stops reading when its CPU time is spent: a gzip file may consist of millions of empty members."""

    def __init__(self, path: Path, bounds: Bounds) -> None:
        super().__init__(path)
        self._bounds = bounds

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 -- the type of the base class is private
        self._bounds.require_time()
        return super().readinto(buffer)


def inflate(
    packed: BoundedFile, packed_bytes: int, bounds: Bounds, stack: ExitStack
) -> tuple[NDArray[np.uint8], Path | None]:
    """Unpack to a reused buffer or, if the content exceeds it, to a temporary file whose path is returned.

    Both are valid until the stack is closed. Raises InputError EMPTY, NOT_FITS, TOO_LARGE, TRUNCATED, CORRUPT or
    UNREADABLE; TransientError if writing the temporary file fails.
    """
    buffer = stack.enter_context(_reused_buffer())
    if _size_in_trailer(packed, packed_bytes) > len(buffer):
        buffer = buffer[:CHUNK_BYTES]
    stream = stack.enter_context(igzip.IGzipFile(fileobj=packed))  # type: ignore[no-untyped-call]  # -- isal has no types
    size = 0
    while count := _read_into(stream, buffer[size : size + CHUNK_BYTES], bounds.name):
        if size == 0:
            require_fits_magic(bytes(buffer[:count]), bounds.name, " in a gzip file")
        size += count
        _require_within(size, packed_bytes, bounds)
        if size == len(buffer):
            return _inflate_to_disk(stream, buffer, packed_bytes, bounds, stack)
    if size == 0:
        raise InputError(Reason.EMPTY, bounds.name, "the gzip file is empty (0 bytes unpacked)")
    return np.frombuffer(buffer, np.uint8, size), None


def _inflate_to_disk(
    stream: igzip.IGzipFile, buffer: memoryview, packed_bytes: int, bounds: Bounds, stack: ExitStack
) -> tuple[NDArray[np.uint8], Path]:
    """Write the full buffer and the rest of the stream to a temporary file, and map it.

    Data that no reader needs are left out: the file has a hole there, which reads as zeros.
    """
    plain = tempfile.NamedTemporaryFile(suffix=".fits", buffering=0)  # noqa: SIM115 -- closed by the stack
    stack.enter_context(plain)
    path = Path(plain.name)
    unread = UnreadData(path, bounds)
    size, count = 0, len(buffer)
    while count:
        try:
            for needed in unread.select_needed(size, size + count):
                plain.seek(size + needed.start)
                plain.write(buffer[needed])
            if unread.has_parts:
                plain.truncate(size + count)
        except OSError as error:
            detail = f"cannot unpack to {tempfile.gettempdir()}: {error.strerror}; free disk space there or set TMPDIR"
            raise TransientError(f"{bounds.name}: {detail}") from error
        size += count
        _require_within(size, packed_bytes, bounds)
        unread.follow(size)
        count = _read_into(stream, buffer[:CHUNK_BYTES], bounds.name)
    return np.memmap(path, np.uint8, "r"), path


@contextmanager
def _reused_buffer() -> Iterator[memoryview]:
    """Yield a buffer of an earlier file if one is free: allocating new pages costs as much time as unpacking."""
    buffer = _buffers.pop() if _buffers else mmap.mmap(-1, MEMORY_BYTES)
    try:
        yield memoryview(buffer)
    finally:
        _buffers.append(buffer)


def _size_in_trailer(packed: BoundedFile, packed_bytes: int) -> int:
    """Read the unpacked size from the gzip trailer; unreliable, so used only to choose between memory and disk."""
    packed.seek(max(0, packed_bytes - 4))
    size = int.from_bytes(packed.read(4), "little")
    packed.seek(0)
    return size


def _read_into(stream: igzip.IGzipFile, buffer: memoryview, name: str) -> int:
    """Read the next unpacked bytes; 0 at the end of the stream, after the last CRC has been checked."""
    try:
        # of GzipFile, which has no `readinto` of its own: that of its base class copies every byte once more
        return int(getattr(stream, "_buffer", stream).readinto(buffer))
    except EOFError as error:
        detail = "the gzip stream ends before its end mark; obtain the file again"
        raise InputError(Reason.TRUNCATED, name, detail) from error
    except OverflowError as error:
        detail = f"a gzip header (file name, comment, extra field) exceeds {igzip.READ_BUFFER_SIZE} bytes, the limit"
        raise InputError(Reason.TOO_LARGE, name, detail) from error
    except _GZIP_ERRORS as error:
        detail = f"the gzip stream is damaged: {error}; obtain the file again"
        raise InputError(Reason.CORRUPT, name, detail) from error
    except OSError as error:
        raise InputError(Reason.UNREADABLE, name, f"it cannot be read: {error.strerror or error}") from error


def _require_within(size: int, packed_bytes: int, bounds: Bounds) -> None:
    limits = bounds.limits
    bounds.require(size, limits.unpacked_bytes, "or more bytes unpacked")
    if size > limits.ratio_free_bytes and size > limits.ratio * packed_bytes:
        detail = (
            f"the file unpacks from {packed_bytes} to at least {size} bytes, over {limits.ratio:g} times its size: "
            "a gzip bomb or a damaged file"
        )
        raise InputError(Reason.TOO_LARGE, bounds.name, detail)
