"""Disk space of a run: what it needs, estimated from its inputs, and what is free.

The numbers are the sizes of the files of a run on 24 simulated EMUS swaths of 9.3 MB gzipped (35 MB plain), 20 of them
candidates and 17 with auroras (`make run`, with ``--keep-stages``). For the real IUVS files they are too large: the
geometry has 0.09 of the size of the gzipped file, and the pictures 7 kB.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mars_aurora.errors import MarsAuroraError

_GEOMETRY_OF_GZIPPED = 0.27  # size of the geometry relative to that of the input
_GEOMETRY_OF_PLAIN = 0.072
_GEOMETRY_MAX_BYTES = 25_000_000  # of the largest swath that is read: 250,000 pixels
_PICTURES_BYTES = 262_000  # picture, candidate, detection and its part of the picture of the set
_TABLES_BYTES = 125_000  # record, prediction, exposure, and its part of the catalogue in all formats
_NATIVE_OF_GEOMETRY = 0.16  # size of the native images relative to that of the geometry
_STAGES_BYTES = 341_000  # pictures of the object count
_LEDGER_LINE_BYTES = 700  # without its name: checksum, detail and numbers
_BLOCKS_BYTES = 20_000  # rounding up to the blocks of the file system, of ten files


class DiskSpaceError(MarsAuroraError):
    """The results of a run do not fit on the disk."""


def estimate_bytes(inputs: Iterable[Path], *, keep_stages: bool) -> int:
    """Estimate the size of the results of some inputs; one whose size is not known is taken to be empty."""
    return round(sum(_result_bytes(path, keep_stages=keep_stages) for path in inputs))


def _result_bytes(path: Path, *, keep_stages: bool) -> float:
    try:
        size = path.stat().st_size
    except OSError:
        return 0.0
    geometry = size * (_GEOMETRY_OF_GZIPPED if path.name.lower().endswith(".gz") else _GEOMETRY_OF_PLAIN)
    others = _PICTURES_BYTES + _TABLES_BYTES + _BLOCKS_BYTES + (_STAGES_BYTES if keep_stages else 0)
    return (1 + _NATIVE_OF_GEOMETRY) * min(geometry, _GEOMETRY_MAX_BYTES) + min(
        others, 2 * size
    )  # smaller files are not swaths


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk of a folder, which need not exist yet."""
    existing = next(path for path in [folder, *folder.parents] if path.exists())
    return shutil.disk_usage(existing).free


def require_space(folder: Path, needed_bytes: int) -> None:
    """Raise DiskSpaceError if the disk of a folder has less free space than is needed."""
    free = free_bytes(folder)
    if needed_bytes > free:
        raise DiskSpaceError(
            f"the results need about {format_size(needed_bytes)}, but only {format_size(free)} are free "
            f"on the disk of {folder}"
        )


@contextmanager
def reserve_ledger(folder: Path, names: Iterable[str]) -> Iterator[Callable[[], None]]:
    """Hold the space of the ledger by a file in the folder; yield the function that releases it.

    So the ledger can be written where pictures have filled the disk.
    """
    path = folder / ".reserve"
    release = partial(path.unlink, missing_ok=True)
    try:
        path.write_bytes(bytes(sum(_LEDGER_LINE_BYTES + 2 * len(name.encode()) for name in names)))
        yield release
    finally:
        release()


def format_size(size_bytes: int) -> str:
    """Format a size in MB, or in GB from 1 GB."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB"
