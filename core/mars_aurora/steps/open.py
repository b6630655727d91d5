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
from mars_aurora.run.lock import count_locks, release_lock, take_lock
from mars_aurora.run.manifest import read_manifest, require_manifest
from mars_aurora.run.messages import OpenRequest, OpenResult, StartRequest
from mars_aurora.run.records import is_input
from mars_aurora.run.settings import Settings
from mars_aurora.run.starts import REQUEST_FILE, read_start
from mars_aurora.run.storage import S3Storage

_USED_PERCENT = 80  # of the functions that may run at once
_BATCH = ("bucket", "prefix", "manifest")


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
    functions_at_once = request.reserved_concurrency or account.concurrency()
    take_lock(work, keys, request.execution_arn, account.is_running)
    try:
        items = _list(start, connect)
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
        children_at_once=share_concurrency(functions_at_once, count_locks(work), request.max_concurrency),
        tolerated_failures=_tolerate(request, len(items)),
    )


def share_concurrency(functions_at_once: int, runs: int, most: int) -> int:
    """Return how many inputs a run processes at once: its share of most of the functions, at least one.

    The rest is left to the other functions of the account, and to executions that start later.
    """
    return max(1, min(most, functions_at_once * _USED_PERCENT // 100 // max(1, runs)))


def _list(start: StartRequest, connect: Callable[[str], S3Storage]) -> list[dict[str, Any]]:
    if start.manifest:
        bucket, key = require_manifest(start.manifest)
        items = [item for item in read_manifest(connect(bucket), key, start.bucket) if is_input(item["name"])]
        where = f"in {start.manifest}"
    else:
        items = list_items(connect(start.bucket), start.prefix)
        where = f"below s3://{start.bucket}/{start.prefix}"
    if not items:
        raise UsageError(f"No object found {where}: check the request")
    return items


def _require_same_batch(start: StartRequest, work: S3Storage, keys: RunKeys) -> None:
    try:
        earlier = json.loads(work.get(keys.product(REQUEST_FILE)))
    except KeyError:
        return
    belongs_to, asked = ([batch.get(name, "") for name in _BATCH] for batch in (earlier, start.to_event()))
    if belongs_to != asked:
        raise UsageError(
            f"the run id {start.run_id!r} belongs to {_describe_batch(*belongs_to)}: "
            f"use another for {_describe_batch(*asked)}"
        )


def _describe_batch(bucket: str, prefix: str, manifest: str) -> str:
    return manifest or f"s3://{bucket}/{prefix}"


def _describe(start: StartRequest, settings: Settings, execution_arn: str, started_utc: str) -> dict[str, Any]:
    made_by = {"version": __version__, "detector": settings.detector.value, "cleaning": settings.cleaning}
    return start.to_event() | made_by | {"execution": execution_arn, "started_utc": started_utc}


def _tolerate(request: OpenRequest, listed: int) -> int:
    """Return how many inputs may fail: a percentage, and in a small run a number, but never all of them."""
    return max(request.tolerated_failure_percentage * listed // 100, min(request.tolerated_failure_count, listed - 1))
