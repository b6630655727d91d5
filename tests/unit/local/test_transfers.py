"""Uploads and downloads, on a simulated S3. The deployed stack is tested in tests/deployed."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from mars_aurora.errors import UsageError
from mars_aurora.local.inputs import find_inputs
from mars_aurora.local.stack import Stack
from mars_aurora.local.transfers import download, list_objects, upload
from mars_aurora.run.keys import RunKeys

KEYS = RunKeys("x")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        for bucket in ("inputs", "work", "detections"):
            s3.create_bucket(Bucket=bucket)
        yield Stack(s3, None, "machine", "inputs", "work", "detections")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.fits", "deep/b.fits.gz", "notes.txt"):
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        os.utime(path, (1e9, 1e9))
    (tmp_path / "files" / "_READY").touch()
    return tmp_path / "files"


def read_keys(stack: Stack, bucket: str) -> list[str]:
    return [key for key, _ in list_objects(stack.s3, bucket, "")]


def test_upload_sends_all_files_except_the_ready_marker(stack: Stack, folder: Path) -> None:
    upload(stack, find_inputs([folder]), "incoming/x/")
    assert read_keys(stack, "inputs") == ["incoming/x/a.fits", "incoming/x/deep/b.fits.gz", "incoming/x/notes.txt"]


def test_upload_names_the_folders_that_are_left_out(
    stack: Stack, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "again").symlink_to(folder / "deep")
    upload(stack, find_inputs([folder]), "incoming/x/")
    assert capsys.readouterr().err.startswith("again is left out: a link to a folder")
    assert len(read_keys(stack, "inputs")) == 3


def test_upload_repeats_only_changed_files(stack: Stack, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    upload(stack, find_inputs([folder]), "incoming/x/")
    (folder / "a.fits").write_bytes(b"another size")
    os.utime(folder / "notes.txt", (4e9, 4e9))
    upload(stack, find_inputs([folder]), "incoming/x/")
    assert "3 files, 1 of them already uploaded" in capsys.readouterr().out
    assert stack.s3.get_object(Bucket="inputs", Key="incoming/x/a.fits")["Body"].read() == b"another size"


def test_download_writes_results_and_pictures_of_the_run_in_their_folders(stack: Stack, tmp_path: Path) -> None:
    for key in ("runs/x/ledger.csv", "runs/x/detections/deep/b.fits.png", "runs/xy/ledger.csv"):
        stack.s3.put_object(Bucket="detections", Key=key, Body=key.encode())
    stack.s3.put_object(Bucket="work", Key="runs/x/images/c.fits.png", Body=b"c")
    stack.s3.put_object(Bucket="work", Key="runs/x/geometry/c.fits.npz", Body=b"c")
    download(stack, "x", tmp_path)
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["runs/x/detections/deep/b.fits.png", "runs/x/images/c.fits.png", "runs/x/ledger.csv"]


def test_download_repeats_only_changed_files(stack: Stack, tmp_path: Path) -> None:
    for name in ("ledger.csv", "report.html"):
        stack.s3.put_object(Bucket="detections", Key=f"runs/x/{name}", Body=b"first")
    download(stack, "x", tmp_path)
    (tmp_path / "runs/x/ledger.csv").write_bytes(b"of another size")
    (tmp_path / "runs/x/report.html").write_bytes(b"mine.")
    download(stack, "x", tmp_path)
    assert (tmp_path / "runs/x/ledger.csv").read_bytes() == b"first"
    assert (tmp_path / "runs/x/report.html").read_bytes() == b"mine."


def test_run_without_results_is_a_usage_error(stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no results of a run 'x'"):
        download(stack, "x", tmp_path)


LEDGER = b"name,outcome,reason\na.fits,aurora,\nb.fits,no_aurora,too_few_objects\nc.fits,discarded,\nd.fits,rejected,\n"


def fill(stack: Stack) -> None:
    """A run with all its objects in the work bucket, predictions by a detector included."""
    stack.s3.put_object(Bucket="detections", Key=KEYS.product("ledger.csv"), Body=LEDGER)
    paths = [path(name) for name in ("a.fits", "b.fits", "c.fits") for path in (KEYS.image, KEYS.record, KEYS.geometry)]
    for key in [*paths, *(KEYS.prediction(name, "0123") for name in ("a.fits", "b.fits"))]:
        stack.s3.put_object(Bucket="work", Key=key, Body=key.encode())


def test_what_labeling_and_plotting_need_is_downloaded_if_it_is_asked_for(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(stack)
    download(stack, "x", tmp_path, for_labeling=True, with_geometry=True)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {*read_keys(stack, "work"), *read_keys(stack, "detections")}
    assert "expired" not in capsys.readouterr().err


def test_expired_objects_are_reported(stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(stack)
    for key in (KEYS.image("a.fits"), KEYS.image("c.fits"), KEYS.prediction("b.fits", "0123"), KEYS.geometry("a.fits")):
        stack.s3.delete_object(Bucket="work", Key=key)
    download(stack, "x", tmp_path, for_labeling=True)
    assert capsys.readouterr().err.split("\n")[-3:-1] == [
        "2 pictures have expired: `mars-aurora resume x` makes them again",
        "1 predictions have expired: `mars-aurora resume x` makes them again",
    ]
