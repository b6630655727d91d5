"""Stacks of images of several users at once, and single live files: from upload to catalogue."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import uuid4

from bench.paper import emulated, inputs
from bench.paper.pages import format_number, format_table
from bench.paper.plan import REAL_STACKS, Plan
from mars_aurora.local.stack import Stack, connect, make_client
from mars_aurora.run.keys import LEDGER, RunKeys
from mars_aurora.run.starts import name_run

TIMEOUT_S = 3600.0
POLL_S = 0.5


@dataclass(frozen=True)
class Upload:
    """What was uploaded: the key that starts the run, the run, and when each file was there, s since 1970."""

    key: str
    run_id: str
    ends_s: tuple[float, ...]


def measure(plan: Plan) -> dict[str, Any]:
    """Load the emulator, or the real stack of the plan."""
    loads = REAL_STACKS if plan.stack else plan.stacks
    needed = max([plan.live, *(images * users for images, users in loads)])
    files = inputs.make_files(plan.folder / "small", needed, inputs.SMALL)
    with _connect(plan) as stack:
        stacks = [measure_stacks(stack, files, images, users) for images, users in loads]
        live = [measure_live(stack, path) for path in files[: plan.live]]
    return {"stack": plan.stack, "megabytes": files[0].stat().st_size / 1e6, "stacks": stacks, "live_s": live}


@contextmanager
def _connect(plan: Plan) -> Iterator[Stack]:
    if plan.stack:
        yield connect(plan.stack)
        return
    with emulated.deploy() as rehearsal:
        before = dict(os.environ)
        os.environ.update(rehearsal.emulator.environment)
        try:
            yield connect("rehearsal")
        finally:
            os.environ.clear()
            os.environ.update(before)


def measure_stacks(stack: Stack, files: Sequence[Path], images: int, users: int) -> dict[str, Any]:
    """Let each user upload a stack of images and start its run; return what is seen of all of them."""
    begun, load = datetime.now(UTC), uuid4().hex[:8]
    start_s = time.time()
    shares = [files[user * images : (user + 1) * images] for user in range(users)]
    with ThreadPoolExecutor(users) as pool:
        uploads = list(pool.map(partial(_upload, stack, load), range(users), shares))
        ends_s = list(pool.map(partial(_wait, stack), uploads))
    for upload in uploads:
        _require_balance(stack, upload, images)
    waited = [end_s - there_s for upload, end_s in zip(uploads, ends_s, strict=True) for there_s in upload.ends_s]
    total_s = max(ends_s) - start_s
    print(f"  {users} x {images} images: {total_s:.0f} s", flush=True)
    return {
        "images": images,
        "users": users,
        "per_s": images * users / total_s,
        "waited_s": waited,
        "throttles": _count_throttles(begun),
    }


def _upload(stack: Stack, load: str, user: int, files: Sequence[Path]) -> Upload:
    prefix = f"incoming/{load}-{user}/"
    ends_s = []
    for path in files:
        stack.s3.upload_file(str(path), stack.input_bucket, prefix + path.name)
        ends_s.append(time.time())
    stack.s3.put_object(Bucket=stack.input_bucket, Key=f"{prefix}_READY")
    return Upload(f"{prefix}_READY", name_run(prefix), tuple(ends_s))


def measure_live(stack: Stack, path: Path) -> float:
    """Upload a single file; return the time until its catalogue, in s."""
    key = f"live/{uuid4().hex[:8]}-{path.name}"
    stack.s3.upload_file(str(path), stack.input_bucket, key)
    there_s = time.time()
    upload = Upload(key, f"live-{key.removeprefix('live/')}", (there_s,))
    return _wait(stack, upload) - there_s


def _wait(stack: Stack, upload: Upload) -> float:
    """Return when the execution that an uploaded object started has ended, s since 1970; raise if it failed."""
    known: set[str] = set()
    deadline_s = time.time() + TIMEOUT_S
    while time.time() < deadline_s:
        for page in stack.workflow.get_paginator("list_executions").paginate(stateMachineArn=stack.state_machine_arn):
            for item in page["executions"]:
                if (arn := item["executionArn"]) in known:
                    continue
                found = stack.workflow.describe_execution(executionArn=arn)
                if json.loads(found["input"]).get("detail", {}).get("object", {}).get("key") != upload.key:
                    known.add(arn)
                elif found["status"] == "SUCCEEDED":
                    return found["stopDate"].timestamp()
                elif found["status"] != "RUNNING":
                    raise RuntimeError(f"{upload.key}: {found.get('error')}, {found.get('cause')}")
        time.sleep(POLL_S)
    raise TimeoutError(f"no execution started by {upload.key} ended")


def _require_balance(stack: Stack, upload: Upload, images: int) -> None:
    key = RunKeys(upload.run_id).product(LEDGER)
    ledger = stack.s3.get_object(Bucket=stack.detections_bucket, Key=key)["Body"].read()
    inputs.require_outcomes(ledger.decode().splitlines(), images, upload.run_id)


def _count_throttles(begun: datetime) -> int | None:
    """Return the invocations that Lambda throttled since a time; None where CloudWatch does not say."""
    times = {"StartTime": begun, "EndTime": datetime.now(UTC) + timedelta(minutes=1), "Period": 60}
    asked = {"Namespace": "AWS/Lambda", "MetricName": "Throttles", "Statistics": ["Sum"]}
    points = make_client("cloudwatch").get_metric_statistics(**asked, **times)["Datapoints"]
    return round(sum(point["Sum"] for point in points)) if points else None


def describe(results: dict[str, Any]) -> str:
    """Return the table."""
    rows = []
    for load in results["stacks"]:
        p50_s, p95_s = find_percentiles(load["waited_s"])
        throttles = "-" if load["throttles"] is None else str(load["throttles"])
        numbers = (format_number(value) for value in (load["per_s"], p50_s, p95_s))
        rows.append(
            [
                f"{load['images']:,} images, {load['users']} {'user' if load['users'] == 1 else 'users'}",
                *numbers,
                throttles,
                "yes",
            ]
        )
    p50_s, p95_s = find_percentiles(results["live_s"])
    rows.append(
        [f"{len(results['live_s'])} live files, one by one", "", format_number(p50_s), format_number(p95_s), "", ""]
    )
    heads = ("load", "images/s", "upload to catalogue, p50, s", "p95, s", "throttles", "every ledger balances")
    place = f"the stack {results['stack']}" if results["stack"] else "the emulator on this machine, 3 functions at once"
    return (
        f"{format_table(heads, rows)}\n\nOn {place}; distinct simulated files of a coarse instrument, "
        f"{results['megabytes']:.1f} MB each. From the moment when a file is in the bucket to the end of the run that "
        "has it in its catalogue. The emulator does not throttle, and runs all functions on the same processors: only "
        "`python -m bench.paper load --stack NAME` shows what AWS does, with up to 20 users."
    )


def find_percentiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the 50th and the 95th percentile."""
    if len(values) == 1:
        return values[0], values[0]
    cuts = quantiles(values, n=20, method="inclusive")
    return cuts[9], cuts[18]
