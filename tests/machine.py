"""The machine that the rehearsal runs on: how busy it is, what is free, and where the emulator unpacks functions."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

PREFIX = "mars-aurora-rehearsal-"
NEEDED_BYTES = 12_000_000_000  # unpacked functions, one copy for each of the processes that the emulator starts; files
Answer = TypeVar("Answer")


def slowness() -> float:
    """Return how many processes share a core."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_until(check: Callable[[], Answer], timeout_s: float, what: str, interval_s: float = 0.3) -> Answer:
    """Return the first answer of a check that is true; on a busy machine the time passes more slowly."""
    waited_s, last_s = 0.0, time.monotonic()
    while waited_s < timeout_s:
        if answer := check():
            return answer
        time.sleep(interval_s)
        now_s = time.monotonic()
        waited_s += (now_s - last_s) / slowness()
        last_s = now_s
    raise AssertionError(f"{what} within {timeout_s} s")


def require_disk(folder: Path, needed_bytes: int = NEEDED_BYTES) -> None:
    free = shutil.disk_usage(folder).free
    assert free >= needed_bytes, (
        f"the rehearsal needs {needed_bytes / 1e9:.0f} GB in {folder}, {free / 1e9:.1f} are free"
    )


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder for temporary files, which is removed, as are those that killed processes have left."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if not is_running(path.name.removeprefix(PREFIX).partition("-")[0]):
            shutil.rmtree(path, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True
