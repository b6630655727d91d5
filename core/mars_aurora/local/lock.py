"""A lock of a run folder, so that one process at a time works in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mars_aurora.errors import BusyError

_FILE = ".lock"  # remains in the folder, unlocked; the operating system unlocks it when its holder is killed
_WAIT_S = 5.0


@contextmanager
def lock_folder(folder: Path, wait_s: float = _WAIT_S) -> Iterator[None]:
    """Hold the lock of a folder, which is made if it does not exist.

    Raises
    ------
    BusyError
        If another process still holds it after ``wait_s``.
    OSError
        If the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _FILE
    lock = FileLock(path)
    try:
        lock.acquire(wait_s)
    except Timeout:
        raise BusyError(f"{_holder(path)} is working in {folder}: wait until it ends, or stop it") from None
    try:
        with suppress(OSError):  # no space: the message of another process will not name this one
            path.write_text(str(os.getpid()), encoding="ascii")
        yield
    finally:
        lock.release()


def _holder(path: Path) -> str:
    try:
        return f"process {int(path.read_text(encoding='ascii'))}"
    except (OSError, ValueError):
        return "another process"
