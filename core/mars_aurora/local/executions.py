"""Executions of a deployed stack: start, follow, describe and stop them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from mars_aurora.errors import UsageError
from mars_aurora.local.progress import Bars
from mars_aurora.local.stack import RefusedError, Stack, ask
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import describe_counts
from mars_aurora.run.starts import REQUEST_FILE, name_prefix, read_start
from mars_aurora.run.storage import S3Storage

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

_POLL_INTERVAL_S = 2.0
_MOST_EXECUTIONS = 1000
EXECUTION_TAG = "mars-aurora:execution"  # of a transform job


def find_request(stack: Stack, run_id: str) -> dict[str, Any]:
    """Return the request of the last execution of a run; where it has expired, that of the batch of this name."""
    work = S3Storage(stack.s3, stack.work_bucket)
    try:
        written = json.loads(work.get(RunKeys(run_id).product(REQUEST_FILE)))
    except KeyError:
        return {"bucket": stack.input_bucket, "prefix": name_prefix(run_id), "run_id": run_id}
    names = ("bucket", "prefix", "manifest", "run_id", "min_objects", "keep_stages", "detect_on_lambda_up_to")
    return {name: written[name] for name in names if written.get(name, "") != ""}


def start(stack: Stack, request: Mapping[str, Any]) -> str:
    """Start the workflow and return the ARN of the execution, whose name has at most 80 characters."""
    name = f"{request['run_id'][:63]}-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}"
    answer = stack.workflow.start_execution(
        stateMachineArn=stack.state_machine_arn, name=name, input=json.dumps(request)
    )
    return answer["executionArn"]


def wait_for_execution(stack: Stack, execution_arn: str) -> DescribeExecutionOutputTypeDef:
    """Show the progress of each map run until the execution ends. Ctrl-C does not stop the execution."""
    typer.echo(f"running as {execution_arn.rpartition(':')[2]}")
    tasks: dict[str, Any] = {}
    columns = TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn()
    with Bars(Console(stderr=True), *columns) as bars:
        while True:
            execution = stack.workflow.describe_execution(executionArn=execution_arn)
            for phase, counts in count_map_items(stack, execution):
                if phase not in tasks:
                    tasks[phase] = bars.add_task(phase)
                done = counts["total"] - counts["pending"] - counts["running"]
                bars.update(tasks[phase], total=counts["total"], completed=done)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(_POLL_INTERVAL_S)


def count_map_items(stack: Stack, execution: DescribeExecutionOutputTypeDef) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield the label and the item counts of each map run of an execution, in order of their start.

    A second pass of a map has the number 2 after its label.
    """
    passes: Counter[str] = Counter()
    runs = stack.workflow.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
    for item in sorted(runs, key=lambda item: item["startDate"]):
        details = stack.workflow.describe_map_run(mapRunArn=item["mapRunArn"])
        label = item["mapRunArn"].rpartition("/")[2].partition(":")[0]
        passes[label] += 1
        name = label if passes[label] == 1 else f"{label} {passes[label]}"
        yield name, {**details["itemCounts"]}  # type: ignore[dict-item]  # -- all counts are int


def describe_run(request: Mapping[str, Any]) -> str:
    """Return the run id of the input of an execution, or that its request is invalid."""
    try:
        return read_start(request).run_id
    except UsageError:
        return "(invalid request)"


def describe_execution(stack: Stack, execution: DescribeExecutionOutputTypeDef) -> str:
    counts = describe_counts(json.loads(execution["output"])["counts"]) if execution.get("output") else ""
    return counts or "; ".join(
        f"{phase}: {describe_counts(items)}" for phase, items in count_map_items(stack, execution)
    )


def list_executions(
    stack: Stack, run_id: str, most: int = _MOST_EXECUTIONS, *, running: bool = False
) -> Iterator[tuple[str, DescribeExecutionOutputTypeDef]]:
    """Yield the run id and the description of the latest executions of a run, or of all runs if it is empty."""
    status: dict[str, Any] = {"statusFilter": "RUNNING"} if running else {}
    listed = stack.workflow.list_executions(stateMachineArn=stack.state_machine_arn, maxResults=most, **status)
    for item in listed["executions"]:
        execution = stack.workflow.describe_execution(executionArn=item["executionArn"])
        name = describe_run(json.loads(execution["input"]))
        if not run_id or name == run_id:
            yield name, execution


def stop_execution(stack: Stack, execution_arn: str, sagemaker: Any) -> list[str]:  # noqa: ANN401 -- without stubs
    """Stop an execution and its transform jobs; return the names of the jobs.

    Step Functions stops the job that it waits for, too, but does not promise it.
    """
    stack.workflow.stop_execution(executionArn=execution_arn, error="Stopped", cause="mars-aurora stop")
    stopped = []
    pages = sagemaker.get_paginator("list_transform_jobs").paginate(
        NameContains="mars-aurora-", StatusEquals="InProgress"
    )
    for job in [job for page in pages for job in page["TransformJobSummaries"]]:
        tags = sagemaker.list_tags(ResourceArn=job["TransformJobArn"])["Tags"]
        if {"Key": EXECUTION_TAG, "Value": execution_arn} in tags:
            _stop_job(sagemaker, job["TransformJobName"])
            stopped.append(job["TransformJobName"])
    return stopped


def _stop_job(sagemaker: Any, name: str) -> None:  # noqa: ANN401 -- without stubs
    """Stop a transform job, unless Step Functions has done it since it was listed."""
    try:
        ask(lambda: sagemaker.stop_transform_job(TransformJobName=name))
    except RefusedError as error:
        if str(error) != "ValidationException":
            raise
