"""The worker pool, with real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mars_aurora.local.pool import WorkerDiedError, WorkerPool, _interrupts_deferred


def _square(number: int) -> int:
    return number * number


def _divide(number: int) -> float:
    return 1 / number


def _die_of_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _die_once(marker: Path) -> str:
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def _threads(_: int) -> int:
    import cv2  # noqa: PLC0415 -- imported in the worker

    return cv2.getNumThreads()


def _blocked(_: int) -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_each_task_is_returned_with_its_result():
    with WorkerPool(2) as pool:
        assert sorted(pool.map(_square, range(20))) == [(n, n * n) for n in range(20)]
        assert list(pool.map(_square, [])) == []


def test_exception_is_returned_as_the_result_of_its_task():
    with WorkerPool(1) as pool:
        results = dict(pool.map(_divide, [0, 1, 2]))
    assert isinstance(results[0], ZeroDivisionError)
    assert (results[1], results[2]) == (1, 0.5)


def test_death_of_a_worker_fails_only_its_task():
    with WorkerPool(2) as pool:
        results = dict(pool.map(_die_of_three, range(12)))
        assert isinstance(results.pop(3), WorkerDiedError)
        assert results == {n: n for n in range(12) if n != 3}
        assert dict(pool.map(_square, [4])) == {4: 16}


def test_task_whose_worker_died_is_retried_alone(tmp_path):
    with WorkerPool(2) as pool:
        assert dict(pool.map(_die_once, [tmp_path / "tried"])) == {tmp_path / "tried": "done"}


def test_opencv_uses_one_thread_in_each_worker():
    with WorkerPool(1) as pool:
        assert dict(pool.map(_threads, [0])) == {0: 1}


def test_workers_ignore_ctrl_c():
    with WorkerPool(1) as pool:
        assert dict(pool.map(_blocked, [0])) == {0: True}


_PARENT = """
import os, sys, time
from mars_aurora.local.pool import WorkerPool

def report_and_wait(path):
    with open(path, "w") as stream:
        stream.write(str(os.getpid()))
    time.sleep(60)

if __name__ == "__main__":
    with WorkerPool(1) as pool:
        list(pool.map(report_and_wait, sys.argv[1:]))
"""


@pytest.mark.slow
def test_workers_exit_when_their_parent_is_killed(tmp_path):
    (tmp_path / "parent.py").write_text(_PARENT)
    report = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, tmp_path / "parent.py", report])
    _wait_for(lambda: report.exists() and report.read_text())
    parent.kill()
    parent.wait()
    worker = int(report.read_text())
    _wait_for(lambda: not _runs(worker))


_INTERRUPTED_WITH_LOCK = """
import os, signal, sys
from mars_aurora.local.pool import WorkerPool

def interrupt(frame, event, _):
    module, function = frame.f_globals["__name__"], frame.f_code.co_name
    if (event, module, function) == ("return", "concurrent.futures._base", "__enter__"):
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGINT)

if __name__ == "__main__":
    with WorkerPool(2) as pool:
        sys.setprofile(interrupt)
        list(pool.map(abs, range(100)))
"""


@pytest.mark.slow
def test_ctrl_c_while_the_executor_holds_its_locks_ends_the_pool(tmp_path):
    script = tmp_path / "interrupted.py"
    script.write_text(_INTERRUPTED_WITH_LOCK)
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGINT
    assert ended.stderr.endswith("KeyboardInterrupt\n")


def test_second_ctrl_c_is_raised_immediately():
    reached = []

    def interrupt_twice() -> None:
        with _interrupts_deferred():
            signal.raise_signal(signal.SIGINT)
            reached.append("after the first")
            signal.raise_signal(signal.SIGINT)
            reached.append("after the second")

    with pytest.raises(KeyboardInterrupt):
        interrupt_twice()
    assert reached == ["after the first"]


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def _wait_for(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
