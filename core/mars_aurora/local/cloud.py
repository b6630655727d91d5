"""The commands that run the deployed stack: ``submit``, ``resume``, ``status``, ``stop`` and ``fetch``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from mars_aurora.errors import MarsAuroraError, UsageError
from mars_aurora.local import summary
from mars_aurora.local.cost import estimate_usage
from mars_aurora.local.executions import (
    describe_execution,
    find_request,
    list_executions,
    start,
    stop_execution,
    wait_for_execution,
)
from mars_aurora.local.inputs import InputFiles, find_fits
from mars_aurora.local.performance import find_performance
from mars_aurora.local.stack import Stack, connect, make_client
from mars_aurora.local.transfers import download, upload
from mars_aurora.run.costs import estimate
from mars_aurora.run.keys import RunKeys, is_run_id
from mars_aurora.run.manifest import FOLDER as MANIFESTS
from mars_aurora.run.manifest import is_manifest, read_manifest
from mars_aurora.run.starts import BATCHES, name_run
from mars_aurora.run.storage import FolderStorage

StackName = Annotated[str, typer.Option("--stack", help="Name of the deployed stack.")]
OutFolder = Annotated[Path, typer.Option("--out", help="Output folder; results are written to OUT/runs/RUN_ID/.")]
RunId = Annotated[
    str, typer.Argument(metavar="RUN_ID", help="Run identifier, or the path of the batch below incoming/.")
]

_UNKNOWN_BYTES = 10_000_000  # assumed of an object whose size is not known
_SHOWN = 20  # executions that `status` lists


def submit(  # noqa: PLR0913, PLR0917 -- one parameter per option
    inputs: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|MANIFEST",
            help="Folder of FITS files, searched recursively; or a manifest: a .csv or .jsonl file of keys.",
        ),
    ],
    stack_name: StackName = "mars-aurora",
    batch: Annotated[
        str, typer.Option(help="Name of the batch and its run; by default that of the folder or file.")
    ] = "",
    bucket: Annotated[
        str, typer.Option(help="Bucket of the objects of a manifest; by default that of the stack.")
    ] = "",
    out: OutFolder = Path("out"),
    max_cost: Annotated[
        float, typer.Option(metavar="USD", help="Refuse to start if the estimated cost of the run is higher.")
    ] = 20.0,
) -> None:
    """Upload a folder, or name objects by a manifest; run them in the cloud and download the results.

    Repeating the command resumes an interrupted run: files that are uploaded and inputs that have a record are skipped.
    """
    name = name_batch(inputs, batch)
    files = None if is_manifest(inputs.name) and inputs.is_file() else find_fits([inputs])
    stack = connect(stack_name)
    if files is None:
        request = prepare_manifest(stack, inputs, name, bucket or stack.input_bucket, max_cost)
    else:
        request = prepare_folder(stack, files, name, max_cost)
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
    """Show the latest executions with their runs and counts, and time and memory of classification and inference."""
    stack = connect(stack_name)
    found = list(list_executions(stack, find_run(run) if run else "", _SHOWN))
    first = min((execution["startDate"] for _, execution in found), default=None)
    performance = find_performance(make_client, stack.log_group, first) if first else {}
    for name, execution in found:
        counts = describe_execution(stack, execution)
        typer.echo(f"{execution['startDate']:%Y-%m-%d %H:%M:%S}  {execution['status']:<9}  {name}  {counts}")
        if name in performance:  # of all its executions
            typer.echo(f"{'':<32}{performance.pop(name)}")


def stop(run: RunId, stack_name: StackName = "mars-aurora") -> None:
    """Stop the executions of a run and their transform jobs; starting the run again continues it."""
    stack = connect(stack_name)
    stopped = 0
    for _, execution in list_executions(stack, find_run(run), running=True):
        jobs = stop_execution(stack, execution["executionArn"], make_client("sagemaker"))
        typer.echo(f"stopped {' and the transform job '.join([execution['name'], *jobs])}")
        stopped += 1
    if not stopped:
        raise UsageError(f"no execution of the run {find_run(run)!r} is running")


def fetch(
    run: RunId,
    stack_name: StackName = "mars-aurora",
    out: OutFolder = Path("out"),
    *,
    for_labeling: Annotated[
        bool, typer.Option("--for-labelling", "--for-labeling", help="Records and predictions too, for `label`.")
    ] = False,
    with_geometry: Annotated[bool, typer.Option("--with-geometry", help="Geometry too, for `plot`.")] = False,
) -> None:
    """Download the results and pictures of a run, except files that are already present."""
    download(connect(stack_name), find_run(run), out, for_labeling=for_labeling, with_geometry=with_geometry)


def prepare_folder(stack: Stack, files: InputFiles, batch: str, max_cost: float) -> dict[str, str]:
    """Upload the files of a folder, if their run does not cost too much; return the request of the run."""
    require_cost(stack, [path.stat().st_size for path in files.paths.values() if path.is_file()], max_cost)
    prefix = f"{BATCHES}{batch}/"
    upload(stack, files, prefix)
    return {"bucket": stack.input_bucket, "prefix": prefix, "run_id": name_run(prefix)}


def prepare_manifest(stack: Stack, path: Path, batch: str, bucket: str, max_cost: float) -> dict[str, str]:
    """Check and upload a manifest, if its run does not cost too much; return the request of the run.

    Raises UsageError if the file is not a manifest of objects in the bucket.
    """
    items = read_manifest(FolderStorage(path.absolute().parent), path.name, bucket)
    require_cost(stack, [item["size"] or _UNKNOWN_BYTES for item in items], max_cost)
    key = f"{MANIFESTS}{batch}/{path.name}"
    stack.s3.upload_file(str(path), stack.input_bucket, key)
    return {"bucket": bucket, "manifest": f"s3://{stack.input_bucket}/{key}", "run_id": batch}


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


def require_cost(stack: Stack, sizes: Sequence[int], limit_usd: float) -> None:
    """Print the estimated cost of a run and where it detects; raises UsageError if it costs more than the limit."""
    found = estimate(estimate_usage(stack, len(sizes), sum(sizes)))
    storage = sum(line.usd for line in found.monthly if line.part.startswith("Storage"))
    typer.echo(f"about {found.usd:.2f} USD for {len(sizes)} files, and {storage:.2f} USD a month for their storage")
    typer.echo(f"candidates are detected on {stack.detector_path or 'a path that the stack does not state'}")
    if found.usd > limit_usd:
        raise UsageError(f"the run costs about {found.usd:.2f} USD, above --max-cost {limit_usd:.2f}")


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
