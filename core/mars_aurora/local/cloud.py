"""The commands that run the deployed stack: ``submit``, ``resume``, ``status`` and ``fetch``."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from mars_aurora.errors import MarsAuroraError, UsageError
from mars_aurora.local import summary
from mars_aurora.local.inputs import find_fits
from mars_aurora.local.progress import Bars
from mars_aurora.local.stack import Stack, connect
from mars_aurora.local.transfers import download, upload
from mars_aurora.run.keys import RunKeys, is_run_id
from mars_aurora.run.ledger import describe_counts
from mars_aurora.run.starts import BATCHES, REQUEST_FILE, name_prefix, name_run, read_start
from mars_aurora.run.storage import S3Storage

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

StackName = Annotated[str, typer.Option("--stack", help="Name of the deployed stack.")]
OutFolder = Annotated[Path, typer.Option("--out", help="Output folder; results are written to OUT/runs/RUN_ID/.")]
RunId = Annotated[
    str, typer.Argument(metavar="RUN_ID", help="Run identifier, or the path of the batch below incoming/.")
]
_POLL_INTERVAL_S = 2.0
_MAX_EXECUTIONS = 20


def submit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of FITS files, searched recursively.")],
    stack_name: StackName = "mars-aurora",
    batch: Annotated[str, typer.Option(help="Name of the batch and its run; by default the name of the folder.")] = "",
    out: OutFolder = Path("out"),
) -> None:
    """Upload a folder, run it in the cloud and download the results.

    Repeating the command resumes an interrupted run: files that are uploaded and inputs that have a record are skipped.
    """
    prefix = f"{BATCHES}{name_batch(folder, batch)}/"
    inputs = find_fits([folder])
    stack = connect(stack_name)
    upload(stack, inputs, prefix)
    request = {"bucket": stack.input_bucket, "prefix": prefix, "run_id": name_run(prefix)}
    finish(stack, start(stack, request), request["run_id"], out)


def resume(
    run: RunId,
    stack_name: StackName = "mars-aurora",
    out: OutFolder = Path("out"),
    again: Annotated[
        Literal["rejected", "all"] | None,
        typer.Option(help="Process inputs again although their results are valid: those that were rejected, or all."),
    ] = None,
) -> None:
    """Run an uploaded batch again, processing only what is left or has changed, and download the results."""
    stack = connect(stack_name)
    request = find_request(stack, find_run(run)) | ({"again": again} if again else {})
    finish(stack, start(stack, request), request["run_id"], out)


def status(
    run: Annotated[str, typer.Argument(metavar="[RUN_ID]", help="Show only executions of this run or batch.")] = "",
    stack_name: StackName = "mars-aurora",
) -> None:
    """Show the latest executions with their runs and counts."""
    stack = connect(stack_name)
    listed = stack.workflow.list_executions(stateMachineArn=stack.state_machine_arn, maxResults=_MAX_EXECUTIONS)
    for item in listed["executions"]:
        execution = stack.workflow.describe_execution(executionArn=item["executionArn"])
        name = describe_run(json.loads(execution["input"]))
        if not run or name == find_run(run):
            counts = _describe_execution(stack, execution)
            typer.echo(f"{item['startDate']:%Y-%m-%d %H:%M:%S}  {execution['status']:<9}  {name}  {counts}")


def fetch(run: RunId, stack_name: StackName = "mars-aurora", out: OutFolder = Path("out")) -> None:
    """Download the results and pictures of a run, except files that are already present."""
    download(connect(stack_name), find_run(run), out)


def name_batch(folder: Path, batch: str) -> str:
    """Return ``batch``, or by default a name made from the folder's.

    Raises UsageError if the name is not allowed in keys and execution names.
    """
    name = batch or re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", name):
        raise UsageError(
            f"the batch name {name!r} is invalid: use --batch with 1 to 60 letters, digits, '.', '_' and '-', "
            "starting with a letter or digit"
        )
    return name


def find_run(run: str) -> str:
    """Return a run id as it is, and of the path of a batch the run id that the workflow gives it."""
    return run if is_run_id(run) else name_run(f"{BATCHES}{run.removesuffix('/')}/")


def find_request(stack: Stack, run_id: str) -> dict[str, Any]:
    """Return the request of the last execution of a run; where it has expired, that of the batch of this name."""
    work = S3Storage(stack.s3, stack.work_bucket)
    try:
        written = json.loads(work.get(RunKeys(run_id).product(REQUEST_FILE)))
    except KeyError:
        return {"bucket": stack.input_bucket, "prefix": name_prefix(run_id), "run_id": run_id}
    names = ("bucket", "prefix", "run_id", "min_objects", "keep_stages", "detect_on_lambda_up_to")
    return {name: written[name] for name in names if name in written}


def start(stack: Stack, request: Mapping[str, Any]) -> str:
    """Start the workflow and return the ARN of the execution, whose name has at most 80 characters."""
    name = f"{request['run_id'][:63]}-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}"
    answer = stack.workflow.start_execution(
        stateMachineArn=stack.state_machine_arn, name=name, input=json.dumps(request)
    )
    return answer["executionArn"]


def finish(stack: Stack, execution_arn: str, run_id: str, out: Path) -> None:
    """Wait for an execution and download its results.

    Raises MarsAuroraError if the execution did not succeed or if inputs failed.
    """
    execution = wait_for_execution(stack, execution_arn)
    if execution["status"] != "SUCCEEDED":
        cause = execution.get("cause", "no cause given")
        raise MarsAuroraError(f"the run {execution['status'].lower()}: {execution.get('error', '')}: {cause}")
    result = json.loads(execution["output"])
    download(stack, run_id, out)
    folder = out / RunKeys(run_id).root
    rows = summary.read_ledger(folder)
    typer.echo(summary.describe_run(folder, rows, result["auroras"]))
    if failed := result["counts"]["failed"]:
        raise MarsAuroraError(f"{failed} inputs failed: retry them with `mars-aurora resume {run_id}`")
    summary.require_usable(rows)


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
    """Yield the label and the item counts of each map run of an execution, in order of their start."""
    runs = stack.workflow.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
    for item in sorted(runs, key=lambda item: item["startDate"]):
        details = stack.workflow.describe_map_run(mapRunArn=item["mapRunArn"])
        yield item["mapRunArn"].rpartition("/")[2].partition(":")[0], {**details["itemCounts"]}  # type: ignore[dict-item]  # -- all counts are int


def describe_run(request: Mapping[str, Any]) -> str:
    """Return the run id of the input of an execution, or that its request is invalid."""
    try:
        return read_start(request).run_id
    except UsageError:
        return "(invalid request)"


def _describe_execution(stack: Stack, execution: DescribeExecutionOutputTypeDef) -> str:
    counts = describe_counts(json.loads(execution["output"])["counts"]) if execution.get("output") else ""
    return counts or "; ".join(
        f"{phase}: {describe_counts(items)}" for phase, items in count_map_items(stack, execution)
    )
