"""Runs of the deployed stack: uploads start the workflow, and its results equal those of a local run."""

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import geopandas
import pytest
from astropy.io import fits
from machine import slowness, wait_until
from pyarrow import parquet
from stack import COMMAND, Stack, run_command

from mars_aurora.catalogue.geographic import write_geoparquet
from mars_aurora.catalogue.tables import AURORAS, DETECTIONS, load_ecsv
from mars_aurora.run.provenance import Provenance

pytestmark = [pytest.mark.deployed, pytest.mark.slow]


def upload(stack: Stack, folder: Path, prefix: str) -> None:
    s3, bucket = stack.emulator.client("s3"), stack.outputs["InputBucketName"]
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            s3.upload_file(str(path), bucket, prefix + path.relative_to(folder).as_posix())


def wait_for_run(stack: Stack, key: str, timeout_s: float = 300) -> dict:
    """Wait until the execution that an uploaded object starts has ended; return its output."""
    execution = wait_until(lambda: find_ended(stack, key), timeout_s, f"no execution started by {key} ended")
    assert execution["status"] == "SUCCEEDED", (execution.get("error"), execution.get("cause"))
    return json.loads(execution["output"])


def find_ended(stack: Stack, key: str) -> dict:
    """Return the execution that an uploaded object started, if it has ended."""
    workflow = stack.emulator.client("stepfunctions")
    for item in workflow.list_executions(stateMachineArn=stack.outputs["StateMachineArn"])["executions"]:
        execution = workflow.describe_execution(executionArn=item["executionArn"])
        started_by = json.loads(execution["input"]).get("detail", {}).get("object", {}).get("key")
        if started_by == key and execution["status"] != "RUNNING":
            return execution
    return {}


def read_results(stack: Stack, run_id: str) -> dict[str, bytes]:
    """Contents of the run's folder in the detections bucket, by relative path."""
    s3, bucket, root = stack.emulator.client("s3"), stack.outputs["DetectionsBucketName"], f"runs/{run_id}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=root)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key.removeprefix(root): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def read_ledger(data: bytes) -> list[dict[str, str]]:
    """Return the lines of a ledger without the columns that only objects in S3 have."""
    return [
        {column: cell for column, cell in line.items() if column not in {"etag", "version_id"}}
        for line in csv.DictReader(data.decode().splitlines())
    ]


def test_marker_starts_a_run_with_the_results_of_a_local_run(stack: Stack, batch: Path, local: Path) -> None:
    bucket = stack.outputs["InputBucketName"]
    jobs = len(stack.emulator.transform_jobs())
    upload(stack, batch, "incoming/sixty/")
    stack.emulator.client("s3").put_object(Bucket=bucket, Key="incoming/sixty/_READY")
    result = wait_for_run(stack, "incoming/sixty/_READY")

    cloud = read_results(stack, "sixty")
    assert read_ledger(cloud["ledger.csv"]) == read_ledger((local / "ledger.csv").read_bytes())
    assert cloud["catalogue.csv"].decode() == (local / "catalogue.csv").read_text()
    exposures = (fits.getdata(source) for source in (io.BytesIO(cloud["exposure.fits"]), local / "exposure.fits"))
    assert len({cells.tobytes() for cells in exposures}) == 1
    require_equal_parquet(stack, cloud, local)
    differing = {name for name, data in cloud.items() if (local / name).read_bytes() != data} - {"ledger.csv"}
    same = {name for name in differing if name.endswith((".csv", ".png"))}
    assert same == set(), "only products that state the command and the date may differ"
    assert b"inputs/s" in cloud["report.html"]
    assert b'href="catalogue.parquet"' in cloud["report.html"]
    images = sorted(path.relative_to(local).as_posix() for path in (local / "detections").rglob("*.png"))
    assert sorted(name for name in cloud if name.startswith("detections/")) == images
    assert result["listed"] == sum(result["counts"].values()) == 60
    assert result["counts"]["rejected"] >= 8
    assert result["counts"]["ignored"] == 2
    assert result["counts"]["superseded"] == 1
    assert result["counts"]["aurora"] == len(images) > 0
    (job,) = stack.emulator.transform_jobs()[jobs:]
    assert job["MaxConcurrentTransforms"] == 4
    candidates = result["counts"]["aurora"] + result["counts"]["no_aurora"]
    assert result["detected"] == f"on SageMaker: {candidates} candidates"
    assert result["detected"].encode() in cloud["report.html"]


def require_equal_parquet(stack: Stack, cloud: dict[str, bytes], local: Path) -> None:
    """Compare GeoParquet byte by byte, but for what made it, and the data set but for the time of the run."""
    facts = json.loads(cloud["run.json"])
    for kind in (DETECTIONS, AURORAS):
        name = f"{kind.name}.parquet"
        assert facts["products_sha256"][name] == hashlib.sha256(cloud[name]).hexdigest()
        frame = geopandas.read_parquet(io.BytesIO(cloud[name]))
        rows = list(csv.DictReader(cloud[f"{kind.name}.csv"].decode().splitlines()))
        assert frame["aurora_id"].tolist() == [row["aurora_id"] for row in rows] != []
        assert frame.crs.ellipsoid.semi_major_metre == 3_396_190
        with tempfile.TemporaryDirectory() as folder:
            made_by, path = Provenance.from_dict(facts), Path(folder, name)
            table = load_ecsv(local / f"{kind.name}.ecsv", kind, made_by, Path(folder, "rows"))
            write_geoparquet(path, table)
            assert path.read_bytes() == cloud[name], name
    found, own = read_dataset(stack), local.parents[1]
    paths = {path.relative_to(own).as_posix(): path for path in own.glob("dataset/*/*/sixty.parquet")}
    assert {key for key in found if key.endswith("/sixty.parquet")} == set(paths)
    assert {key.split("/")[1] for key in paths} == {"detections", "observations"}
    for key, path in paths.items():
        tables = (parquet.read_table(source, partitioning=None) for source in (path, io.BytesIO(found[key])))
        one, other = (table.drop_columns("created_utc") for table in tables)
        assert one.equals(other, check_metadata=True), key


def read_dataset(stack: Stack) -> dict[str, bytes]:
    """Contents of the files of the data set in the detections bucket, by key."""
    s3, bucket = stack.emulator.client("s3"), stack.outputs["DetectionsBucketName"]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="dataset/")["Contents"]]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys if key.endswith(".parquet")}


def test_single_file_below_live_starts_its_own_run(stack: Stack, auroras: list[Path]) -> None:
    path, name = auroras[0], "X.FITS.GZ"
    stack.emulator.client("s3").upload_file(str(path), stack.outputs["InputBucketName"], f"live/{name}")
    result = wait_for_run(stack, f"live/{name}")
    assert any(key.endswith(f"/live-{name}.parquet") for key in read_dataset(stack))
    assert result["run_id"] == f"live-{name}"
    assert result["listed"] == 1
    assert result["detected"] == "on Lambda: the run is of a single file"
    assert f"{name},aurora," in read_results(stack, result["run_id"])["ledger.csv"].decode()


def test_submit_skips_uploaded_files_and_resume_and_fetch_return_results(
    stack: Stack, batch: Path, local: Path, tmp_path: Path
) -> None:
    first = run_command(
        "submit", batch, "--stack", "rehearsal", "--batch", "sixty", "--out", tmp_path / "a", stack=stack
    )
    assert "60 files, 60 of them already uploaded" in first
    ledgers = [(run / "ledger.csv").read_bytes() for run in (tmp_path / "a/runs/sixty", local)]
    assert read_ledger(ledgers[0]) == read_ledger(ledgers[1])
    shown = [
        sorted(path.name for path in (run / "images").rglob("*.png")) for run in (tmp_path / "a/runs/sixty", local)
    ]
    assert shown[0] == shown[1] != [], "the pictures shown in the report must be fetched"

    results = read_results(stack, "sixty")
    for name in ("catalogue.parquet", "auroras.parquet"):
        assert (tmp_path / "a/runs/sixty" / name).read_bytes() == results[name], "fetch must not make it again"

    s3, work = stack.emulator.client("s3"), stack.outputs["WorkBucketName"]
    before, stale = read_dataset(stack), "dataset/detections/month=1999-01/sixty.parquet"
    s3.put_object(Bucket=stack.outputs["DetectionsBucketName"], Key=stale, Body=b"of an earlier execution")
    lost = s3.list_objects_v2(Bucket=work, Prefix="runs/sixty/predictions/")["Contents"][0]["Key"]
    s3.delete_object(Bucket=work, Key=lost)
    run_command("resume", "sixty", "--stack", "rehearsal", "--out", tmp_path / "b", stack=stack)
    assert (tmp_path / "b/runs/sixty/catalogue.csv").read_bytes() == (local / "catalogue.csv").read_bytes()
    after = read_dataset(stack)
    assert after.keys() == before.keys()
    own = {key for key in after if key.endswith("/sixty.parquet")}
    assert {key for key in after if after[key] != before[key]} == own, "a repeated run replaces its files, no others"

    assert run_command("status", "sixty", "--stack", "rehearsal", stack=stack).count("SUCCEEDED") >= 3
    assert "result files" in run_command("fetch", "sixty", "--stack", "rehearsal", "--out", tmp_path / "a", stack=stack)


def test_run_in_the_cloud_is_labeled_and_plotted_after_it_is_fetched(stack: Stack, tmp_path: Path) -> None:
    options = ("--for-labelling", "--with-geometry", "--stack", "rehearsal", "--out", tmp_path)
    said = run_command("fetch", "sixty", *options, stack=stack)
    assert re.search(r"\d+ pictures, \d+ records, \d+ predictions, \d+ geometries", said)
    run = tmp_path / "runs" / "sixty"
    assert re.match(r"\d+ pictures", run_command("label", run, tmp_path / "set"))
    (boxes,) = (tmp_path / "set").rglob("instances_train.json")
    assert json.loads(boxes.read_text())["annotations"]
    assert "plots in" in run_command("plot", run)


def test_prefix_without_objects_fails_and_names_the_prefix(stack: Stack) -> None:
    command = [COMMAND, "resume", "never", "--stack", "rehearsal"]
    environment, timeout_s = os.environ | stack.emulator.environment, 60 * slowness()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 1
    assert "No object found below" in done.stderr
    assert "incoming/never/" in done.stderr
