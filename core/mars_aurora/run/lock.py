"""The lock of a run in the cloud: one object, whose holder is the ARN of an execution."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from mars_aurora.errors import BusyError
from mars_aurora.run.keys import LOCKS, RunKeys
from mars_aurora.run.storage import S3Storage


def take_lock(work: S3Storage, keys: RunKeys, holder: str, is_running: Callable[[str], bool]) -> None:
    """Take the lock of a run; an execution that holds it already keeps it.

    The lock of an execution that no longer runs, because it was aborted or timed out, is taken over.

    Raises
    ------
    BusyError
        If another execution that is running holds the lock.
    """
    content = json.dumps({"holder": holder, "since_utc": datetime.now(UTC).isoformat()}).encode()
    if work.put_if(keys.lock, content):
        return
    try:
        other, etag = _read_holder(work, keys)
    except KeyError:  # let go since
        raise BusyError(f"the run {keys.run_id} was locked a moment ago") from None
    if other == holder:
        return
    if is_running(other) or not work.put_if(keys.lock, content, etag):
        raise BusyError(f"the run {keys.run_id} is being processed by the execution {other}")


def release_lock(work: S3Storage, keys: RunKeys, holder: str) -> None:
    """Let go the lock of a run, if this execution holds it."""
    try:
        other, etag = _read_holder(work, keys)
    except KeyError:
        return
    if other == holder:
        work.delete_if(keys.lock, etag)


def count_locks(work: S3Storage) -> int:
    """Return the number of locked runs; the lock of an execution that was aborted counts until it expires."""
    return len(work.list(LOCKS))


def _read_holder(work: S3Storage, keys: RunKeys) -> tuple[str, str]:
    content, etag = work.get_tagged(keys.lock)
    return json.loads(content)["holder"], etag
