"""Open a run in the cloud: check the request, lock the run, list its inputs, limit the maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mars_aurora import __version__
from mars_aurora.errors import UsageError
from mars_aurora.run.account import Account
from mars_aurora.run.keys import PRODUCTS, RunKeys
from mars_aurora.run.listing import LISTED, list_items, write_items
from mars_aurora.run.lock import release_lock, take_lock
from mars_aurora.run.messages import OpenRequest, OpenResult, StartRequest
from mars_aurora.run.settings import Settings
from mars_aurora.run.starts import REQUEST_FILE, read_start
from mars_aurora.run.storage import S3Storage


def open_run(
    request: OpenRequest, settings: Settings, account: Account, connect: Callable[[str], S3Storage]
) -> OpenResult:
    """Check the request, lock the run, write its settings and the list of its inputs.

    The products of an earlier execution are deleted, so that a run that fails does not leave them in place of its own.

    Parameters
    ----------
    request : OpenRequest
        The input of the execution and the parameters of the stack.
    settings : Settings
        Buckets and detector.
    account : Account
        Tells which executions run, and how many functions may run at once.
    connect : callable
        Returns the storage in a bucket.

    Raises
    ------
    UsageError
        If the request is invalid, there is nothing to process, or the run id belongs to another batch.
    BusyError
        If another execution of the run has not ended.
    """
    of_stack = ("min_objects", "keep_stages", "detect_on_lambda_up_to")
    start = read_start(request.request, {name: getattr(request, name) for name in of_stack})
    keys, work = RunKeys(start.run_id), connect(settings.work_bucket)
    _require_same_batch(start, work, keys)
    children_at_once = min(request.max_concurrency, request.reserved_concurrency or account.concurrency())
    take_lock(work, keys, request.execution_arn, account.is_running)
    try:
        items = _list(start, connect(start.bucket))
        started_utc = datetime.now(UTC).isoformat()
        write_items(work, keys, LISTED, items)
        described = _describe(start, settings, request.execution_arn, started_utc)
        work.put(keys.product(REQUEST_FILE), json.dumps(described, indent=2).encode())
        for name in PRODUCTS:
            connect(settings.detections_bucket).delete(keys.product(name))
    except BaseException:
        release_lock(work, keys, request.execution_arn)
        raise
    return OpenResult(
        **start.to_event(),
        started_utc=started_utc,
        listed=len(items),
        children_at_once=max(1, children_at_once),
        tolerated_failures=_tolerate(request, len(items)),
    )


def _list(start: StartRequest, inputs: S3Storage) -> list[dict[str, Any]]:
    items = list_items(inputs, start.prefix)
    if not items:
        raise UsageError(f"No object found below s3://{start.bucket}/{start.prefix}: check bucket and prefix")
    return items


def _require_same_batch(start: StartRequest, work: S3Storage, keys: RunKeys) -> None:
    try:
        earlier = json.loads(work.get(keys.product(REQUEST_FILE)))
    except KeyError:
        return
    if (earlier["bucket"], earlier["prefix"]) != (start.bucket, start.prefix):
        raise UsageError(
            f"the run id {start.run_id!r} belongs to s3://{earlier['bucket']}/{earlier['prefix']}: "
            f"use another for s3://{start.bucket}/{start.prefix}"
        )


def _describe(start: StartRequest, settings: Settings, execution_arn: str, started_utc: str) -> dict[str, Any]:
    made_by = {"version": __version__, "detector": settings.detector.value, "cleaning": settings.cleaning}
    return start.to_event() | made_by | {"execution": execution_arn, "started_utc": started_utc}


def _tolerate(request: OpenRequest, listed: int) -> int:
    """Return how many inputs may fail: a percentage, and in a small run a number, but never all of them."""
    return max(request.tolerated_failure_percentage * listed // 100, min(request.tolerated_failure_count, listed - 1))
