"""Runs of the same steps by other schedulers: python -m bench.paper.peers joblib|dask|lithops INPUT OUT WORKERS.

Each takes the place of the pool of the local runner, so that the tasks, what they write, and everything that the parent
process does, the catalogue included, are the same. Use the environment of `make paper-setup`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from mars_aurora.local import cli, runner

Outcome = tuple[Any, Any]  # a task, and its result or exception


def attempt(function: Callable[[Any], Any], task: Any) -> Outcome:  # noqa: ANN401 -- any task
    """Run one task with one thread of OpenCV; return its exception as the result: as the pool of the runner does."""
    import cv2  # noqa: PLC0415 -- in the process of the task

    cv2.setNumThreads(1)
    try:
        return task, function(task)
    except Exception as error:  # noqa: BLE001 -- of one input
        return task, error


class JoblibPool:
    """Loky's processes; results in order of completion."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def map(self, function: Callable[[Any], Any], tasks: Iterable[Any], _limits: object = None) -> Iterator[Outcome]:
        from joblib import Parallel, delayed  # noqa: PLC0415 -- in the environment of this runner only

        parallel = Parallel(self._workers, return_as="generator_unordered", pre_dispatch=2 * self._workers)
        yield from parallel(delayed(attempt)(function, task) for task in tasks)


class DaskPool(JoblibPool):
    """A local cluster of processes with one thread each, without the dashboard."""

    _stack = ExitStack()
    _client: Any = None

    def __enter__(self) -> Self:
        from distributed import Client, LocalCluster  # noqa: PLC0415 -- as above

        if DaskPool._client is None:  # one cluster for the whole run
            options = {"threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
            cluster = DaskPool._stack.enter_context(LocalCluster(n_workers=self._workers, **options))
            DaskPool._client = DaskPool._stack.enter_context(Client(cluster))
        return self

    def map(self, function: Callable[[Any], Any], tasks: Iterable[Any], _limits: object = None) -> Iterator[Outcome]:
        from distributed import as_completed  # noqa: PLC0415 -- as above

        futures = self._client.map(attempt, [function] * len(tasks := list(tasks)), tasks, pure=False)
        for future in as_completed(futures):
            yield future.result()

    @staticmethod
    def close() -> None:
        DaskPool._stack.close()


class LithopsPool(JoblibPool):
    """Lithops on localhost, with one call for each worker: each call starts a process, which imports all again."""

    _executor: Any = None

    def __enter__(self) -> Self:
        import lithops  # noqa: PLC0415 -- as above

        if LithopsPool._executor is None:
            settings = {
                "lithops": {"backend": "localhost", "storage": "localhost", "monitoring_interval": 0.1},
                "localhost": {"worker_processes": self._workers, "runtime": sys.executable},
            }
            LithopsPool._executor = lithops.FunctionExecutor(config=settings, log_level=logging.WARNING)
        return self

    def map(self, function: Callable[[Any], Any], tasks: Iterable[Any], _limits: object = None) -> Iterator[Outcome]:
        if not (tasks := list(tasks)):
            return
        shares = [tasks[start :: self._workers] for start in range(self._workers)]  # each call starts a process
        calls = [{"function": function, "tasks": share} for share in shares if share]
        futures = self._executor.map(attempt_all, calls)
        for results in self._executor.get_result(futures, wait_dur_sec=0.1):
            yield from results


def attempt_all(function: Callable[[Any], Any], tasks: list[Any]) -> list[Outcome]:
    return [attempt(function, task) for task in tasks]


POOLS = {"joblib": JoblibPool, "dask": DaskPool, "lithops": LithopsPool}


def main() -> None:
    name, folder, out, workers = sys.argv[1:]
    vars(runner)["WorkerPool"] = POOLS[name]  # of the same interface
    sys.argv = ["mars-aurora", "run", folder, "--out", out, "--workers", workers]
    try:
        cli.main()
    finally:
        DaskPool.close()


if __name__ == "__main__":
    main()
