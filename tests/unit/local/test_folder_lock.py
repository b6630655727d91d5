"""The lock of a run folder, with real processes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mars_aurora.errors import BusyError
from mars_aurora.local.lock import lock_folder

_HOLDER = """
import sys, time
from pathlib import Path
from mars_aurora.local.lock import lock_folder

with lock_folder(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    process = subprocess.Popen([sys.executable, "-c", _HOLDER, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_second_process_stops_naming_the_first(tmp_path: Path, holder):
    with pytest.raises(BusyError, match=f"process {holder.pid} is working in {tmp_path}"), lock_folder(tmp_path, 0.1):
        raise AssertionError("two processes hold the lock")


def test_kill_of_the_holder_releases_the_lock(tmp_path: Path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with lock_folder(tmp_path, 0.1):
        pass


def test_lock_is_released_at_the_end_of_the_block(tmp_path: Path):
    for _ in range(2):
        with lock_folder(tmp_path, 0.1):
            pass
