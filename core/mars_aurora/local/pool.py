"""A process pool in which a task that crashes, hangs or takes too much fails alone."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import resource
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection, forkserver, resource_tracker
from types import TracebackType
from typing import Self, TypeVar

from pebble import ProcessExpired, ProcessPool
from pebble.common.types import CONSTS

from mars_aurora.local.interrupts import interrupts_blocked, interrupts_deferred

Task = TypeVar("Task")
Result = TypeVar("Result")
_MAX_FAILURES = 3  # of the pool without a task that ends: it cannot start workers
_CHECK_S = 1.0  # between checks of whether the pool still works
_LOCK_S = 5.0  # after which workers stop waiting for one that was killed while it took a task; pebble waits 60 s
_MALLOC_BYTES = {-1: 1 << 30, -3: 1 << 25}  # M_TRIM_THRESHOLD, and M_MMAP_THRESHOLD, at its maximum


@dataclass(frozen=True)
class TaskLimits:
    """Limits of one task: wall time and CPU time in s, and memory of its worker process in bytes."""

    wall_s: float = 60.0
    cpu_s: int = 30
    memory_bytes: int = 4 << 30


class WorkerDiedError(Exception):
    """The worker process running a task was killed or crashed."""


class TimedOutError(Exception):
    """A task exceeded its limit of wall time or CPU time, and its worker process was ended."""


def start_server() -> None:
    """Start the process that loads what all workers need and forks them, while this one loads what it needs."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads wait for work by using the cores of other workers
    multiprocessing.get_context("forkserver").set_forkserver_preload(["mars_aurora.local.preload"])
    resource_tracker.ensure_running()  # before the workers: when it starts, it unblocks Ctrl-C
    with interrupts_blocked():  # workers inherit the signal mask
        forkserver.ensure_running()


class WorkerPool:
    """Worker processes for pure functions of one picklable task; use it in a ``with`` statement.

    Leaving the ``with`` block waits for the running tasks, so that no write is interrupted. The first Ctrl-C raises
    KeyboardInterrupt when a task has ended, a second one immediately. Workers ignore Ctrl-C, and exit when the parent
    process ends.
    """

    def __init__(self, workers: int, limits: TaskLimits | None = None) -> None:
        self._workers = workers
        self._limits = limits or TaskLimits()
        self._context = multiprocessing.get_context("forkserver")
        start_server()
        self._pool = self._start()

    def _start(self) -> ProcessPool:
        initializer = (_prepare_worker, [self._limits.memory_bytes])
        return ProcessPool(self._workers, 0, *initializer, context=self._context)

    def _restart(self) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]  # -- pebble has no types here
        self._pool.join()
        self._pool = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()  # type: ignore[no-untyped-call]  # -- pebble has no types here
        self._pool.join()

    def map(
        self, function: Callable[[Task], Result], tasks: Iterable[Task], limits: TaskLimits | None = None
    ) -> Iterator[tuple[Task, Result | Exception]]:
        """Yield each task with its result or exception, in order of completion.

        The exception is WorkerDiedError or TimedOutError where the task was ended, otherwise that of ``function``.
        ``limits`` of wall time and CPU time are by default those of the pool.
        """
        limits = limits or self._limits
        waiting = deque(tasks)
        running: dict[Future[Result | Exception], Task] = {}
        failures = 0  # of the pool, one after the other
        while waiting or running:
            try:
                with interrupts_deferred():
                    while waiting and len(running) <= self._workers:  # one more, so that no worker waits
                        running[self._submit(function, waiting[0], limits)] = waiting[0]
                        waiting.popleft()
                    outcomes = self._wait(running, limits)
                failures = 0
                for future, outcome in outcomes.items():
                    yield running.pop(future), outcome
            except BrokenProcessPool:
                suspects, running = list(running.values()), {}
                failures += 1
                self._restart()
                if failures == _MAX_FAILURES:
                    yield from ((task, WorkerDiedError("worker processes cannot be started")) for task in waiting)
                    waiting.clear()
                for task in suspects:
                    yield task, self._run_alone(function, task, limits)

    def _submit(self, function: Callable[[Task], Result], task: Task, limits: TaskLimits) -> Future[Result | Exception]:
        with interrupts_blocked():  # the first call starts the workers, which inherit the signal mask
            if not self._pool.active:
                raise BrokenProcessPool
            arguments = (function, task, limits.cpu_s)
            return self._pool.schedule(_run_limited, arguments, timeout=limits.wall_s)

    def _wait(
        self, running: Iterable[Future[Result | Exception]], limits: TaskLimits
    ) -> dict[Future[Result | Exception], Result | Exception]:
        """Return the outcomes of the tasks that end first; raises BrokenProcessPool where the pool has failed."""
        while not (finished := wait(running, _CHECK_S, FIRST_COMPLETED).done):
            if not self._pool.active:
                raise BrokenProcessPool
        return {future: self._outcome(future, limits) for future in finished}

    def _outcome(self, future: Future[Result | Exception], limits: TaskLimits) -> Result | Exception:
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            raise error
        if isinstance(error, TimeoutError):
            return TimedOutError(f"it took longer than {limits.wall_s:g} s and was ended")
        if isinstance(error, ProcessExpired) and error.exitcode == -signal.SIGXCPU:
            return TimedOutError(f"it used more than {limits.cpu_s} s of CPU time and was ended")
        if isinstance(error, ProcessExpired):
            return WorkerDiedError("its worker process was killed or crashed (out of memory?)")
        return error if isinstance(error, Exception) else future.result()

    def _run_alone(self, function: Callable[[Task], Result], task: Task, limits: TaskLimits) -> Result | Exception:
        try:
            with interrupts_deferred():
                (outcome,) = self._wait([self._submit(function, task, limits)], limits).values()
        except BrokenProcessPool:
            self._restart()
            return WorkerDiedError("the pool of worker processes failed while it ran")
        return outcome


def _prepare_worker(memory_bytes: int) -> None:
    import cv2

    cv2.setNumThreads(1)  # the workers already use all cores
    CONSTS.channel_lock_timeout = _LOCK_S
    _keep_freed_memory()
    _limit(resource.RLIMIT_CORE, 0)  # a worker that is ended leaves no core dump
    _limit(resource.RLIMIT_DATA, memory_bytes)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _keep_freed_memory() -> None:
    """Let this process reuse the memory of arrays: returning and requesting it takes a twentieth of the time of a file.

    It applies to glibc; other libraries lack the function.
    """
    with suppress(AttributeError, OSError, TypeError):
        set_option = ctypes.CDLL(None).mallopt
        for option, size in _MALLOC_BYTES.items():
            set_option(option, size)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _run_limited(function: Callable[[Task], Result], task: Task, cpu_s: int) -> Result | Exception:
    """Run a task with its own limit of CPU time; return its exception as a value that can be pickled."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime) + cpu_s + 1)  # of the process since its start
    try:
        return function(task)
    except Exception as error:  # noqa: BLE001 -- one task must not cost the others their result
        return _picklable(error)


def _limit(kind: int, limit: int) -> None:
    """Set the limit of a resource of this process, at most the limit that its user may not exceed."""
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _picklable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own exception
    except Exception:  # noqa: BLE001 -- its class decides what it raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
