"""Upload inputs and download results, skipping files that are already present."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TextColumn

from mars_aurora.errors import UsageError
from mars_aurora.local.inputs import InputFiles
from mars_aurora.local.progress import Bars
from mars_aurora.local.stack import Stack
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.storage import FolderStorage, S3Storage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TRANSFERS_AT_ONCE = 8


def upload(stack: Stack, inputs: InputFiles, prefix: str) -> None:
    """Upload every file below ``prefix``, except those that `is_uploaded`; name what cannot be listed."""
    for record in inputs.records.values():
        typer.echo(f"{record.name} is left out: {record.detail}", err=True)
    files = {name: path for name, path in inputs.paths.items() if path.is_file()}
    objects = {key.removeprefix(prefix): item for key, item in list_objects(stack.s3, stack.input_bucket, prefix)}
    wanted = {name: path for name, path in files.items() if not is_uploaded(path, objects.get(name))}
    typer.echo(f"{len(files)} files, {len(files) - len(wanted)} of them already uploaded")
    columns = TextColumn("uploading"), BarColumn(), DownloadColumn()
    with Bars(Console(stderr=True), *columns) as bars, ThreadPoolExecutor(_TRANSFERS_AT_ONCE) as uploads:
        task = bars.add_task("", total=sum(path.stat().st_size for path in wanted.values()))

        def send(item: tuple[str, Path]) -> None:
            name, path = item
            stack.s3.upload_file(
                str(path), stack.input_bucket, prefix + name, Callback=lambda count: bars.advance(task, count)
            )

        list(uploads.map(send, wanted.items()))


def download(stack: Stack, run_id: str, out: Path) -> None:
    """Download the results of a run and the pictures that its report shows, except files that are `is_downloaded`.

    Pictures that have expired in the work bucket are omitted. Raises UsageError if the run has no results.
    """
    keys, folder = RunKeys(run_id), FolderStorage(out)
    results = list(list_objects(stack.s3, stack.detections_bucket, keys.root))
    if not results:
        raise UsageError(f"there are no results of a run {run_id!r}: `mars-aurora status` lists the runs")
    pictures = list(list_objects(stack.s3, stack.work_bucket, keys.images))

    def get(bucket: str, key: str) -> None:
        folder.put(key, S3Storage(stack.s3, bucket).get(key))

    columns = TextColumn("downloading"), BarColumn(), MofNCompleteColumn()
    with Bars(Console(stderr=True), *columns) as bars, ThreadPoolExecutor(_TRANSFERS_AT_ONCE) as transfers:
        wanted = [
            transfers.submit(get, bucket, key)
            for bucket, listed in ((stack.detections_bucket, results), (stack.work_bucket, pictures))
            for key, item in listed
            if not is_downloaded(out / key, item)
        ]
        task = bars.add_task("", total=len(wanted))
        for transfer in wanted:
            transfer.result()
            bars.advance(task)
    typer.echo(f"{len(results)} result files and {len(pictures)} pictures in {out / keys.root}")


def list_objects(s3: S3Client, bucket: str, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the key and the listing entry of each object whose key starts with ``prefix``."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from ((item["Key"], dict(item)) for item in page.get("Contents", []))


def is_uploaded(path: Path, item: dict[str, Any] | None) -> bool:
    """Return whether there is an object of the same size as the file and no older than it."""
    if item is None:
        return False
    status = path.stat()
    return bool(item["Size"] == status.st_size and item["LastModified"].timestamp() >= status.st_mtime)


def is_downloaded(path: Path, item: dict[str, Any]) -> bool:
    """Return whether there is a file of the same size as the object and no older than it."""
    if not path.is_file():
        return False
    status = path.stat()
    return bool(item["Size"] == status.st_size and status.st_mtime >= item["LastModified"].timestamp())
