"""A process pool in which the death of a worker fails only the task that it was running."""

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
_TASKS_PER_WORKER = 2  # submitted at once, so that no worker has to wait for the parent
_PRELOAD = [
    "astropy.io.fits",
    "cv2",
    "mars_aurora.steps.preprocess",
    "mars_aurora.readers.reading",
    "mars_aurora.measure.measure",
]


class WorkerDiedError(Exception):
    """The worker running a task was killed or crashed twice, the second time with no other task running."""


class WorkerPool:
    """Worker processes for pure functions of one picklable task; use it in a ``with`` statement.

    Leaving the ``with`` block waits for the running tasks and cancels the others, so that no write is interrupted.
    The first Ctrl-C raises KeyboardInterrupt when a task has ended, a second one immediately. Workers ignore Ctrl-C,
    and exit when the parent process ends.
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
        """Yield each task with its result or exception, in order of completion."""
        waiting = deque(tasks)
        running: dict[Future[Result], Task] = {}
        while waiting or running:
            try:
                with _interrupts_deferred():
                    while waiting and len(running) < _TASKS_PER_WORKER * self._workers:
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
    with _interrupts_blocked():  # the worker inherits the signal mask
        return executor.submit(function, task)


def _outcome(future: Future[Result]) -> Result | Exception:
    error = future.exception()
    if isinstance(error, BrokenProcessPool):
        raise error
    return error if isinstance(error, Exception) else future.result()


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Defer the first Ctrl-C to the end of the block; a second one is raised immediately.

    A KeyboardInterrupt inside the code of the executor could leave a lock acquired and block the pool.
    """
    if threading.current_thread() is not threading.main_thread():  # KeyboardInterrupt is raised only in the main thread
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    interrupted = False

    def defer(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, defer)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if interrupted:
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

    cv2.setNumThreads(1)  # the workers already use all cores
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
