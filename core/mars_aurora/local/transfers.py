"""Upload inputs and download results, skipping files that are already present."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TextColumn

from mars_aurora.errors import UsageError
from mars_aurora.local.inputs import InputFiles
from mars_aurora.local.progress import Bars
from mars_aurora.local.stack import Stack
from mars_aurora.run.keys import LEDGER, RunKeys
from mars_aurora.run.ledger import PICTURED, Outcome
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


def download(stack: Stack, run_id: str, out: Path, *, for_labeling: bool = False, with_geometry: bool = False) -> None:
    """Download the results of a run and the pictures that its report shows, except files that are `is_downloaded`.

    Products that runs in the cloud do not have are made, see `complete_products`.

    Objects that have expired in the work bucket are reported. Raises UsageError if the run has no results.

    Parameters
    ----------
    stack, run_id, out
        Where the run is, and the folder for the results.
    for_labeling : bool
        Whether to download records and predictions, which the command ``label`` needs.
    with_geometry : bool
        Whether to download the geometry, which the command ``plot`` needs.
    """
    from mars_aurora.local.completing import complete_products

    keys, folder = RunKeys(run_id), FolderStorage(out)
    results = list(list_objects(stack.s3, stack.detections_bucket, keys.root))
    if not results:
        raise UsageError(f"there are no results of a run {run_id!r}: `mars-aurora status` lists the runs")
    kinds = {"pictures": keys.images}
    kinds |= {"records": keys.records, "predictions": keys.predictions} if for_labeling else {}
    kinds |= {"geometries": keys.geometries} if with_geometry else {}
    work = {kind: list(list_objects(stack.s3, stack.work_bucket, prefix)) for kind, prefix in kinds.items()}
    listed = [(stack.detections_bucket, *found) for found in results]
    listed += [(stack.work_bucket, *found) for kind in work.values() for found in kind]

    def get(bucket: str, key: str) -> None:
        folder.put(key, S3Storage(stack.s3, bucket).get(key))

    columns = TextColumn("downloading"), BarColumn(), MofNCompleteColumn()
    with Bars(Console(stderr=True), *columns) as bars, ThreadPoolExecutor(_TRANSFERS_AT_ONCE) as transfers:
        pending = [
            transfers.submit(get, bucket, key) for bucket, key, item in listed if not is_downloaded(out / key, item)
        ]
        task = bars.add_task("", total=len(pending))
        for transfer in pending:
            transfer.result()
            bars.advance(task)
    if completed := complete_products(out, keys):
        typer.echo(f"{', '.join(completed)} {'is' if len(completed) == 1 else 'are'} made from the tables")
    counts = "".join(f", {len(found)} {kind}" for kind, found in work.items())
    typer.echo(f"{len(results)} result files{counts} in {out / keys.root}")
    for kind, count in count_expired(folder, keys, {kind: [key for key, _ in work[kind]] for kind in work}).items():
        typer.echo(f"{count} {kind} have expired: `mars-aurora resume {run_id}` makes them again", err=True)


def count_expired(results: FolderStorage, keys: RunKeys, present: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Count by kind the objects of a run that its ledger implies, and that are not among those in the work bucket."""
    try:
        ledger = results.get(keys.product(LEDGER)).decode()
    except KeyError:
        return {}
    rows = list(csv.DictReader(StringIO(ledger, newline="")))
    read = [row["name"] for row in rows if row["outcome"] in PICTURED]
    detected = [row["name"] for row in rows if row["outcome"] in {Outcome.AURORA, Outcome.NO_AURORA}]
    expected = {
        "pictures": map(keys.image, read),
        "records": map(keys.record, read),
        "geometries": map(keys.geometry, read),
        "predictions": (keys.prediction(name, "") for name in detected),
    }
    counts = {kind: len(_names(expected[kind], kind) - _names(found, kind)) for kind, found in present.items()}
    return {kind: count for kind, count in counts.items() if count}


def _names(found: Iterable[str], kind: str) -> set[str]:
    """Return keys without what they do not imply: a prediction is in a folder named after its detector."""
    return {PurePath(key).name if kind == "predictions" else key for key in found}


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
