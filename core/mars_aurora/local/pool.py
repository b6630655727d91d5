"""A process pool in which a worker that dies costs only the task it died of."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from types import FrameType, TracebackType
from typing import Self, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
_AHEAD = 2  # tasks handed out per worker, so that none waits for the parent
_PRELOAD = [
    "astropy.io.fits",
    "cv2",
    "mars_aurora.steps.preprocess",
    "mars_aurora.readers.reading",
    "mars_aurora.measure.measure",
]


class WorkerDiedError(Exception):
    """The worker was killed, or crashed, twice: once beside other tasks and once alone with this one."""


class WorkerPool:
    """Worker processes for pure functions of one picklable task; use it in a ``with``.

    Leaving the ``with`` waits for the tasks at hand and drops the others, so that no write is cut short.
    Ctrl-C is raised when a task has ended, a second one at once. Workers leave it to the parent, and end
    when the parent is killed.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_PRELOAD)
        self._executor = self._start(workers)

    def _start(self, workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(workers, self._context, initializer=_prepare_worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def map(
        self, function: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[tuple[Task, Result | Exception]]:
        """Yield each task with its result, or with what it raised, in the order of their completion."""
        waiting = deque(tasks)
        running: dict[Future[Result], Task] = {}
        while waiting or running:
            try:
                with _interrupts_deferred():
                    while waiting and len(running) < _AHEAD * self._workers:
                        running[_submit(self._executor, function, waiting[0])] = waiting[0]
                        waiting.popleft()
                    finished = wait(running, return_when=FIRST_COMPLETED).done
                for future in finished:
                    outcome = _outcome(future)
                    yield running.pop(future), outcome
            except BrokenProcessPool:
                suspects, running = list(running.values()), {}
                self._executor = self._start(self._workers)
                for task in suspects:
                    yield task, self._run_alone(function, task)

    def _run_alone(self, function: Callable[[Task], Result], task: Task) -> Result | Exception:
        with _interrupts_deferred(), self._start(1) as executor:
            try:
                return _outcome(_submit(executor, function, task))
            except BrokenProcessPool:
                return WorkerDiedError("its worker process was killed or crashed (out of memory?)")


def _submit(executor: ProcessPoolExecutor, function: Callable[[Task], Result], task: Task) -> Future[Result]:
    with _interrupts_blocked():  # a process started here inherits the mask
        return executor.submit(function, task)


def _outcome(future: Future[Result]) -> Result | Exception:
    error = future.exception()
    if isinstance(error, BrokenProcessPool):
        raise error
    return error if isinstance(error, Exception) else future.result()


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Raise Ctrl-C at the end: an exception within the executor's own code can leave a lock taken for ever.

    A second one is raised at once.
    """
    if threading.current_thread() is not threading.main_thread():  # Ctrl-C is raised in the main thread only
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    heard = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal heard
        heard = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if heard:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker() -> None:
    import cv2

    cv2.setNumThreads(1)  # the pool uses the cores
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
