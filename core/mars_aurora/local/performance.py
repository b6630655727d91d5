"""Time and memory of the classification and of the inference of a run's pictures, from the logs of the functions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from mars_aurora.local.stack import RefusedError, ask

# The dashboard of the stack has the same query.
QUERY = (
    "filter message like /^(classify|detect|transform) done$/ "
    "| stats count(*) as pictures, sum(milliseconds) / 1000 as seconds, max(memory_MB) as megabytes, "
    "max(transform_seconds) as transform_s, latest(transform_job) as job, max(@timestamp) as latest by run_id, message "
    "| sort latest desc | limit 100"
)
_JOBS = {"Namespace": "/aws/sagemaker/TransformJobs", "MetricName": "MemoryUtilization"}
_WAIT_S, _POLL_S = 20.0, 0.5
_ENDED = {"Complete", "Failed", "Cancelled", "Timeout"}


def find_performance(clients: Callable[[str], Any], log_group: str, since: datetime) -> dict[str, str]:
    """Return the performance in words by run id; what AWS refuses or does not answer in time is left out."""
    by_run: dict[str, list[str]] = {}
    with suppress(RefusedError):
        rows = _query(clients("logs"), log_group, since) if log_group else []
        for row in sorted(rows, key=lambda row: row["message"]):
            by_run.setdefault(row["run_id"], []).append(_describe(row))
            if job := row.get("job"):
                by_run[row["run_id"]][-1] += _describe_memory(clients("cloudwatch"), job, since)
    return {run_id: "; ".join(parts) for run_id, parts in by_run.items()}


def _query(logs: Any, log_group: str, since: datetime) -> Sequence[Mapping[str, str]]:  # noqa: ANN401 -- as above
    times = {"startTime": int(since.timestamp()), "endTime": int(datetime.now(UTC).timestamp()) + 1}
    query = ask(lambda: logs.start_query(logGroupName=log_group, queryString=QUERY, **times))["queryId"]
    deadline_s = time.monotonic() + _WAIT_S
    while True:
        answer = ask(lambda: logs.get_query_results(queryId=query))
        if answer["status"] in _ENDED or time.monotonic() > deadline_s:
            rows = [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]
            return [row for row in rows if {"run_id", "message"} <= row.keys()]
        time.sleep(_POLL_S)


def _describe_memory(cloudwatch: Any, job: str, since: datetime) -> str:  # noqa: ANN401 -- as above
    """Describe the largest part of the memory of its instance that a transform job used; empty if it is not known."""
    pages = cloudwatch.get_paginator("list_metrics").paginate(**_JOBS)
    hosts = ask(lambda: [metric["Dimensions"] for page in pages for metric in page["Metrics"]])
    times = {"StartTime": since, "EndTime": datetime.now(UTC), "Period": 3600, "Statistics": ["Maximum"]}
    found = [
        point["Maximum"]
        for dimensions in hosts
        if any(dimension["Value"].partition("/")[0] == job for dimension in dimensions)
        for point in ask(partial(cloudwatch.get_metric_statistics, **_JOBS, **times, Dimensions=dimensions))[
            "Datapoints"
        ]
    ]
    return f", {max(found):.0f} % of the memory" if found else ""


def _describe(row: Mapping[str, str]) -> str:
    if row["message"] == "transform done":
        return f"inference in a transform job: {float(row['transform_s']):,.0f} s"
    step = {"classify done": "classification", "detect done": "inference on Lambda"}[row["message"]]
    seconds, megabytes = float(row["seconds"]), float(row["megabytes"])
    return f"{step} of {row['pictures']} pictures: {seconds:,.1f} s, {megabytes:,.0f} MB"
