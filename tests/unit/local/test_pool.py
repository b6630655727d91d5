"""The worker pool, with real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from machine import slowness

from mars_aurora.local.interrupts import interrupts_deferred
from mars_aurora.local.pool import TaskLimits, TimedOutError, WorkerDiedError, WorkerPool


def _square(number: int) -> int:
    return number * number


def _divide(number: int) -> float:
    return 1 / number


def _die_of_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _sleep_at_three(number: int) -> int:
    time.sleep(60 * (number == 3))
    return number


def _compute_at_three(number: int) -> int:
    while number == 3:
        pass
    return number


def _compute_0_7_s(number: int) -> int:
    end = time.process_time() + 0.7
    while time.process_time() < end:
        pass
    return number


def _exhaust_memory_at_three(number: int) -> int:
    bytearray((number == 3) << 36)
    return number


def _exit_at_three(number: int) -> int:
    if number == 3:
        os._exit(0)
    return number


class _ThreePartError(Exception):
    """An error that cannot be unpickled, since its arguments are not those of its class."""

    def __init__(self, one: int, two: int, three: int) -> None:
        super().__init__(f"{one} {two} {three}")


def _raise_unpicklable(number: int) -> int:
    raise _ThreePartError(number, 2, 3)


def _pid(number: int) -> int:
    time.sleep(0.1)
    return os.getpid()


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


@pytest.mark.parametrize(
    ("function", "limits", "detail"),
    [
        (_sleep_at_three, TaskLimits(wall_s=0.5), "longer than 0.5 s"),
        (_exit_at_three, TaskLimits(wall_s=0.5), "longer than 0.5 s"),
        (_compute_at_three, TaskLimits(cpu_s=1), "more than 1 s of CPU time"),
    ],
)
def test_task_over_its_limit_fails_alone_and_the_pool_remains_usable(function, limits, detail):
    with WorkerPool(2, limits) as pool:
        results = dict(pool.map(function, range(8)))
        ended = results.pop(3)
        assert isinstance(ended, TimedOutError)
        assert detail in str(ended)
        assert results == {n: n for n in range(8) if n != 3}
        assert dict(pool.map(_square, [4])) == {4: 16}


def test_limit_of_cpu_time_is_counted_from_the_start_of_each_task():
    with WorkerPool(1, TaskLimits(cpu_s=1)) as pool:
        assert list(pool.map(_compute_0_7_s, range(4))) == [(n, n) for n in range(4)]


def test_limits_that_the_user_may_not_exceed_are_kept(tmp_path):
    (tmp_path / "limited.py").write_text(_LIMITED)
    ended = subprocess.run(
        [sys.executable, tmp_path / "limited.py"], capture_output=True, text=True, timeout=60 * slowness(), check=True
    )
    assert ended.stdout == f"{(3000, 3000)} {(2 << 30, 2 << 30)}\n"


def test_task_that_exhausts_its_memory_fails_alone():
    with WorkerPool(2) as pool:
        results = dict(pool.map(_exhaust_memory_at_three, range(5)))
    assert isinstance(results.pop(3), MemoryError)
    assert results == {n: n for n in (0, 1, 2, 4)}


def test_error_that_cannot_be_pickled_is_returned_as_text():
    with WorkerPool(1) as pool:
        ((_, error),) = pool.map(_raise_unpicklable, [1])
    assert (type(error), str(error)) == (RuntimeError, "_ThreePartError: 1 2 3")


def test_death_of_an_idle_worker_does_not_end_the_pool():
    with WorkerPool(1) as pool:
        ((_, pid),) = pool.map(_pid, [0])
        os.kill(pid, signal.SIGKILL)
        _wait_for(lambda: not _runs(pid))
        assert dict(pool.map(_square, range(5))) == {n: n * n for n in range(5)}


class InactivePool:
    """A pool that cannot start workers, as when their modules were removed."""

    active = False

    def stop(self) -> None:
        pass

    join = close = stop


def test_pool_that_cannot_start_workers_fails_its_tasks(monkeypatch):
    monkeypatch.setattr(WorkerPool, "_start", lambda _: InactivePool())
    with WorkerPool(2) as pool:
        outcomes = dict(pool.map(_square, range(3)))
    assert {str(error) for error in outcomes.values()} == {"worker processes cannot be started"}
    assert list(outcomes) == [0, 1, 2]


def test_tasks_are_taken_from_the_list_only_as_workers_become_free(tmp_path):
    with WorkerPool(2) as pool:
        submitted = []
        submit = pool._submit
        pool._submit = lambda function, task, limits: submitted.append(task) or submit(function, task, limits)
        next(pool.map(_pid, range(100)))
    assert len(submitted) == 3


def test_opencv_uses_one_thread_in_each_worker():
    with WorkerPool(1) as pool:
        assert dict(pool.map(_threads, [0])) == {0: 1}


def test_numpy_uses_one_thread_in_each_worker_unless_the_user_sets_more(tmp_path):
    (tmp_path / "multiply.py").write_text(_MULTIPLY)

    def started(environment):
        known = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
        command = [sys.executable, tmp_path / "multiply.py"]
        return subprocess.check_output(command, env=known | environment, text=True, timeout=60 * slowness())

    assert started({}) == "0\n"
    assert started({"OPENBLAS_NUM_THREADS": "2"}) == "1\n"


def test_workers_ignore_ctrl_c():
    with WorkerPool(1) as pool:
        assert dict(pool.map(_blocked, [0])) == {0: True}


_LIMITED = """
import resource
from mars_aurora.local.pool import TaskLimits, WorkerPool

def limits(_):
    return resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_DATA)

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (3000, 3000))
    resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, 2 << 30))
    with WorkerPool(1, TaskLimits(cpu_s=9999)) as pool:
        ((_, found),) = pool.map(limits, [0])
    print(*found)
"""

_MULTIPLY = """
import os
from mars_aurora.local.pool import WorkerPool

def count_threads_started(_):
    import numpy as np
    before = len(os.listdir("/proc/self/task"))
    np.ones((600, 600)) @ np.ones((600, 600))
    return len(os.listdir("/proc/self/task")) - before

if __name__ == "__main__":
    with WorkerPool(1) as pool:
        ((_, started),) = pool.map(count_threads_started, [0])
    print(started)
"""

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
    ended = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60 * slowness(), check=False
    )
    assert ended.returncode == -signal.SIGINT
    assert ended.stderr.endswith("KeyboardInterrupt\n")


def test_second_ctrl_c_is_raised_immediately():
    reached = []

    def interrupt_twice() -> None:
        with interrupts_deferred():
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
    end = time.monotonic() + seconds * slowness()
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
