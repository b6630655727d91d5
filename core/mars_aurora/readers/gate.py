"""Open and unpack an input file within limits, before astropy reads it.

`astropy.io.fits` opens truncated ``.fits.gz`` files without an error and unpacks gzip bombs. Here the gzip stream is
read to its end, CRC included, its size is limited, and `hdus` checks the structure of the FITS file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.readers import inflate
from mars_aurora.readers.formats import MAGIC_BYTES, require_fits_magic
from mars_aurora.readers.hdus import Extent, walk_hdus
from mars_aurora.readers.limits import Bounds, Limits


@dataclass(frozen=True)
class Unpacked:
    """A complete FITS file with a checked structure; ``content`` is in memory, or mapped from ``path``."""

    content: NDArray[np.uint8]
    path: Path | None
    packed_bytes: int
    hdus: tuple[Extent, ...]
    bounds: Bounds

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
    bounds = Bounds(limits, name)
    with ExitStack() as stack:
        packed = stack.enter_context(_open_regular(path, bounds))
        packed_bytes = os.fstat(packed.fileno()).st_size
        magic = _read_magic(packed, name)
        if not magic:
            raise InputError(Reason.EMPTY, name, "the file is empty (0 bytes)")
        bounds.require(packed_bytes, limits.unpacked_bytes, "bytes")
        if magic.startswith(inflate.MAGIC):
            content, plain = inflate.inflate(packed, packed_bytes, bounds, stack)
        else:
            require_fits_magic(magic, name)
            content, plain = np.memmap(packed, np.uint8, "r"), path
        yield Unpacked(content, plain, packed_bytes, walk_hdus(content, bounds), bounds)


def _open_regular(path: Path, bounds: Bounds) -> inflate.BoundedFile:
    try:
        mode = path.stat().st_mode  # checked first: opening a named pipe would block
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise InputError(Reason.UNREADABLE, bounds.name, f"it is {kind}")
        return inflate.BoundedFile(path, bounds)
    except OSError as error:
        raise InputError(Reason.UNREADABLE, bounds.name, f"it cannot be opened: {error.strerror}") from error


def _read_magic(packed: inflate.BoundedFile, name: str) -> bytes:
    try:
        magic = packed.read(MAGIC_BYTES)
    except OSError as error:
        raise InputError(Reason.UNREADABLE, name, f"it cannot be read: {error.strerror}") from error
    packed.seek(0)
    return magic
