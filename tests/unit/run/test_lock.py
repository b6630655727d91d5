"""The lock of a run in the cloud."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from mars_aurora.errors import BusyError
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.lock import count_locks, release_lock, take_lock
from mars_aurora.run.storage import S3Storage

KEYS = RunKeys("r")


@pytest.fixture
def work(buckets: dict[str, S3Storage]) -> S3Storage:
    return buckets["work"]


def runs(_execution: str) -> bool:
    return True


def has_ended(_execution: str) -> bool:
    return False


def holder(work: S3Storage) -> str:
    return work.get(KEYS.lock).decode()


def test_second_execution_finds_the_run_locked_and_is_told_by_whom(work: S3Storage) -> None:
    take_lock(work, KEYS, "first", runs)
    with pytest.raises(BusyError, match="the run r is being processed by the execution first"):
        take_lock(work, KEYS, "second", runs)


def test_holder_may_take_the_lock_again(work: S3Storage) -> None:
    take_lock(work, KEYS, "first", runs)
    take_lock(work, KEYS, "first", runs)


def test_lock_that_was_let_go_can_be_taken(work: S3Storage) -> None:
    take_lock(work, KEYS, "first", runs)
    release_lock(work, KEYS, "first")
    take_lock(work, KEYS, "second", runs)
    assert "second" in holder(work)


def test_lock_of_an_execution_that_has_ended_is_taken_over(work: S3Storage) -> None:
    take_lock(work, KEYS, "first", runs)
    take_lock(work, KEYS, "second", has_ended)
    assert "second" in holder(work)


def test_lock_of_another_execution_is_not_let_go(work: S3Storage) -> None:
    take_lock(work, KEYS, "first", runs)
    release_lock(work, KEYS, "second")
    assert "first" in holder(work)


def test_letting_go_twice_is_not_an_error(work: S3Storage) -> None:
    take_lock(work, KEYS, "first", runs)
    release_lock(work, KEYS, "first")
    release_lock(work, KEYS, "first")
    assert work.list("") == []


def test_other_runs_are_not_locked(work: S3Storage) -> None:
    take_lock(work, KEYS, "first", runs)
    take_lock(work, RunKeys("s"), "second", runs)


def test_only_one_of_many_takes_over_a_lock_at_the_same_time(work: S3Storage) -> None:
    take_lock(work, KEYS, "ended", runs)

    def take(name: str) -> bool:
        try:
            take_lock(work, KEYS, name, lambda execution: execution != "ended")
        except BusyError:
            return False
        return True

    with ThreadPoolExecutor(8) as executions:
        taken = list(executions.map(take, map(str, range(8))))
    assert taken.count(True) == 1
    assert f'"{taken.index(True)}"' in holder(work)


def test_lock_let_go_between_two_requests_is_tried_again(work: S3Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "put_if", lambda *_: False)
    with pytest.raises(BusyError, match="a moment ago"):
        take_lock(work, KEYS, "first", runs)


def test_locked_runs_are_counted(work: S3Storage) -> None:
    assert count_locks(work) == 0
    for run_id in ("r", "s"):
        take_lock(work, RunKeys(run_id), "first", runs)
    assert count_locks(work) == 2
    release_lock(work, KEYS, "first")
    assert count_locks(work) == 1
