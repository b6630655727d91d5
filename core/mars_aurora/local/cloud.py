"""Runs in the cloud from the command line: upload, start, follow, fetch. The stack's outputs tell where.

Region, account and endpoint come from the AWS environment, so an emulator (AWS_ENDPOINT_URL) does as well.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, track

from mars_aurora.errors import MarsAuroraError, UsageError
from mars_aurora.local.inputs import find_inputs
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.storage import FolderStorage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

Parameters = ParamSpec("Parameters")
StackName = Annotated[str, typer.Option("--stack", help="Name of the deployed stack.")]
OutFolder = Annotated[Path, typer.Option("--out", help="Folder for the results: they go to OUT/runs/RUN_ID/.")]
RunName = Annotated[str, typer.Argument(metavar="RUN_ID", help="Name of the run, which is that of its batch.")]
_TRANSFERS_AT_ONCE = 8
_PAUSE_S = 2.0  # between looks at a running execution
_RECENT = 20


@dataclass(frozen=True)
class Stack:
    """A deployed stack: where its inputs and results lie, and what runs them."""

    s3: S3Client
    workflow: SFNClient
    machine: str
    inputs: str
    work: str
    detections: str


def connect(name: str) -> Stack:
    """Find a stack by name; raises UsageError where boto3 or the stack is missing."""
    try:
        import boto3
        from botocore.exceptions import ClientError
    except ModuleNotFoundError as error:
        raise UsageError("this command needs boto3: pip install 'mars-aurora[cloud]'") from error
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            raise UsageError(f"there is no stack {name!r} in this account and region") from error
        raise
    outputs = {item["OutputKey"]: item["OutputValue"] for item in found}
    try:
        keys = "StateMachineArn", "InputBucketName", "WorkBucketName", "DetectionsBucketName"
        places = [outputs[key] for key in keys]
    except KeyError as error:
        raise UsageError(f"the stack {name!r} is not one of mars-aurora's: it has no output {error}") from None
    return Stack(boto3.client("s3"), boto3.client("stepfunctions"), *places)


def told(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Let what AWS answers be told in one line, as everything else is."""

    @wraps(command)
    def run(*arguments: Parameters.args, **options: Parameters.kwargs) -> None:
        try:
            command(*arguments, **options)
        except Exception as error:
            if type(error).__module__.startswith(("botocore", "boto3")):
                raise MarsAuroraError(str(error)) from error
            raise

    return run


@told
def submit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="FITS files, searched at any depth.")],
    stack: StackName = "mars-aurora",
    batch: Annotated[str, typer.Option(help="Name of the batch and its run; else that of the folder.")] = "",
    out: OutFolder = Path("out"),
) -> None:
    """Upload a folder, run it in the cloud, fetch the results.

    Cut off, the same command goes on: what is uploaded is not uploaded again, what has a record is not done again.
    """
    run_id = name_batch(folder, batch)
    place = connect(stack)
    upload(place, folder, f"incoming/{run_id}/")
    conclude(place, start(place, run_id), run_id, out)


@told
def resume(run_id: RunName, stack: StackName = "mars-aurora", out: OutFolder = Path("out")) -> None:
    """Start an uploaded batch again: only what has no record is done; fetch the results."""
    place = connect(stack)
    conclude(place, start(place, run_id), run_id, out)


@told
def status(
    run_id: Annotated[str, typer.Argument(metavar="[RUN_ID]", help="Only this run's executions.")] = "",
    stack: StackName = "mars-aurora",
) -> None:
    """Show the latest executions, their runs and their counts."""
    place = connect(stack)
    listed = place.workflow.list_executions(stateMachineArn=place.machine, maxResults=_RECENT)["executions"]
    for item in listed:
        execution = place.workflow.describe_execution(executionArn=item["executionArn"])
        name = name_run(json.loads(execution["input"]))
        if run_id in {"", name}:
            counts = describe(json.loads(execution["output"])["counts"]) if execution.get("output") else ""
            phases = counts or "; ".join(f"{phase}: {describe(sums)}" for phase, sums in watch(place, execution))
            typer.echo(f"{item['startDate']:%Y-%m-%d %H:%M:%S}  {execution['status']:<9}  {name}  {phases}")


@told
def fetch(run_id: RunName, stack: StackName = "mars-aurora", out: OutFolder = Path("out")) -> None:
    """Fetch a run's results and images; what is there already is not fetched again."""
    download(connect(stack), run_id, out)


def name_batch(folder: Path, asked: str) -> str:
    """Name a batch as asked, else after its folder; raises UsageError where keys and executions could not bear it."""
    name = asked or re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", name):
        raise UsageError(f"{name!r} will not do as a name: letters, digits, dots, dashes, 60 at most; see --batch")
    return name


def upload(stack: Stack, folder: Path, prefix: str) -> None:
    """Upload every file that is not there yet in this size and at least as new, large ones in parts."""
    files = {name: path for name, path in find_inputs([folder]).paths.items() if path.is_file()}
    there = {key.removeprefix(prefix): facts for key, facts in list_objects(stack.s3, stack.inputs, prefix)}
    wanted = {name: path for name, path in files.items() if not is_same(path, there.get(name))}
    typer.echo(f"{len(files)} files, {len(files) - len(wanted)} of them there already")
    columns = TextColumn("uploading"), BarColumn(), DownloadColumn()
    with _bars(*columns) as bars, ThreadPoolExecutor(_TRANSFERS_AT_ONCE) as uploads:
        task = bars.add_task("", total=sum(path.stat().st_size for path in wanted.values()))

        def send(item: tuple[str, Path]) -> None:
            name, path = item
            stack.s3.upload_file(
                str(path), stack.inputs, prefix + name, Callback=lambda count: bars.advance(task, count)
            )

        list(uploads.map(send, wanted.items()))


def is_same(path: Path, facts: dict[str, Any] | None) -> bool:
    """Tell whether a file and an object agree: the same size, and the object no older."""
    about = path.stat()
    return facts is not None and facts["Size"] == about.st_size and facts["LastModified"].timestamp() >= about.st_mtime


def list_objects(s3: S3Client, bucket: str, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from ((item["Key"], dict(item)) for item in page.get("Contents", []))


def start(stack: Stack, run_id: str) -> str:
    """Start the workflow over a batch; give the execution's ARN."""
    request = {"bucket": stack.inputs, "prefix": f"incoming/{run_id}/", "run_id": run_id}
    name = f"{run_id}-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}"
    answer = stack.workflow.start_execution(stateMachineArn=stack.machine, name=name, input=json.dumps(request))
    return answer["executionArn"]


def conclude(stack: Stack, execution_arn: str, run_id: str, out: Path) -> None:
    """Follow an execution to its end; fetch what came of it, or tell why nothing did and exit with 1."""
    execution = follow(stack, execution_arn)
    if execution["status"] != "SUCCEEDED":
        cause = execution.get("cause", "no cause is given")
        raise MarsAuroraError(f"the run {execution['status'].lower()}: {execution.get('error', '')}: {cause}")
    result = json.loads(execution["output"])
    typer.echo(f"{result['listed']} inputs: {describe(result['counts'])}")
    typer.echo(f"{result['auroras']} auroras measured")
    download(stack, run_id, out)
    if result["counts"]["failed"]:
        raise MarsAuroraError(
            f"{result['counts']['failed']} inputs failed: mars-aurora resume {run_id} tries them again"
        )


def follow(stack: Stack, execution_arn: str) -> DescribeExecutionOutputTypeDef:
    """Show the counts of each map run as they grow until the execution ends; Ctrl-C leaves it running."""
    typer.echo(f"running as {execution_arn.rpartition(':')[2]}")
    tasks: dict[str, Any] = {}
    with _bars(TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn()) as bars:
        while True:
            execution = stack.workflow.describe_execution(executionArn=execution_arn)
            for phase, counts in watch(stack, execution):
                if phase not in tasks:
                    tasks[phase] = bars.add_task(phase)
                done = counts["total"] - counts["pending"] - counts["running"]
                bars.update(tasks[phase], total=counts["total"], completed=done)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(_PAUSE_S)


def watch(stack: Stack, execution: DescribeExecutionOutputTypeDef) -> Iterator[tuple[str, dict[str, int]]]:
    """Give the counts of each map run of an execution, by its label, in the order they began."""
    runs = stack.workflow.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
    for item in sorted(runs, key=lambda item: item["startDate"]):
        about = stack.workflow.describe_map_run(mapRunArn=item["mapRunArn"])
        yield item["mapRunArn"].rpartition("/")[2].partition(":")[0], {**about["itemCounts"]}  # type: ignore[dict-item]


def download(stack: Stack, run_id: str, out: Path) -> None:
    """Fetch a run's results into the folder, and the images that its run card shows, as far as they are still kept.

    Raises UsageError where there are no results.
    """
    keys, folder = RunKeys(run_id), FolderStorage(out)
    results = list(list_objects(stack.s3, stack.detections, keys.root))
    if not results:
        raise UsageError(f"there are no results of a run {run_id!r}")
    images = list(list_objects(stack.s3, stack.work, keys.images))

    def get(bucket: str, key: str) -> None:
        folder.put(key, stack.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    with ThreadPoolExecutor(_TRANSFERS_AT_ONCE) as transfers:
        wanted = [
            transfers.submit(get, bucket, key)
            for bucket, listed in ((stack.detections, results), (stack.work, images))
            for key, facts in listed
            if not is_fetched(out / key, facts)
        ]
        for transfer in track(wanted, "fetching", console=Console(stderr=True), transient=True):
            transfer.result()
    typer.echo(f"{len(results)} files of results and {len(images)} images in {out / keys.root}")


def is_fetched(path: Path, facts: dict[str, Any]) -> bool:
    if not path.is_file():
        return False
    about = path.stat()
    return bool(facts["Size"] == about.st_size and about.st_mtime >= facts["LastModified"].timestamp())


def name_run(request: dict[str, Any]) -> str:
    """Name the run that an execution's input asks for, as the workflow does."""
    if "run_id" in request:
        return str(request["run_id"])
    prefix = request["detail"]["object"]["key"].removesuffix("_READY") if "detail" in request else request["prefix"]
    return str(prefix).removeprefix("incoming/").removesuffix("/").replace("/", "-")


def describe(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in counts.items() if count)


@contextmanager
def _bars(*columns: Any) -> Iterator[Progress]:  # noqa: ANN401 -- rich's columns, or format strings
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        yield bars
