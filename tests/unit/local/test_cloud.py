"""What the commands that drive a stack decide by themselves; the stack itself is rehearsed in tests/deployed."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from mars_aurora.errors import MarsAuroraError, UsageError
from mars_aurora.local import cloud


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[cloud.Stack]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        for bucket in ("inputs", "work", "detections"):
            s3.create_bucket(Bucket=bucket)
        yield cloud.Stack(s3, None, "machine", "inputs", "work", "detections")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.fits", "deep/b.fits.gz", "notes.txt"):
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        os.utime(path, (1e9, 1e9))
    (tmp_path / "files" / "_READY").touch()
    return tmp_path / "files"


def read_keys(stack: cloud.Stack, bucket: str) -> list[str]:
    return [key for key, _ in cloud.list_objects(stack.s3, bucket, "")]


def test_upload_sends_everything_but_the_marker(stack: cloud.Stack, folder: Path) -> None:
    cloud.upload(stack, folder, "incoming/x/")
    assert read_keys(stack, "inputs") == ["incoming/x/a.fits", "incoming/x/deep/b.fits.gz", "incoming/x/notes.txt"]


def test_upload_sends_again_only_what_has_changed(
    stack: cloud.Stack, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.upload(stack, folder, "incoming/x/")
    (folder / "a.fits").write_bytes(b"another size")
    os.utime(folder / "notes.txt", (4e9, 4e9))
    cloud.upload(stack, folder, "incoming/x/")
    assert "3 files, 1 of them there already" in capsys.readouterr().out
    assert stack.s3.get_object(Bucket="inputs", Key="incoming/x/a.fits")["Body"].read() == b"another size"


def test_download_keeps_the_folders_of_the_run(stack: cloud.Stack, tmp_path: Path) -> None:
    for key in ("runs/x/ledger.csv", "runs/x/detections/deep/b.fits.png", "runs/xy/ledger.csv"):
        stack.s3.put_object(Bucket="detections", Key=key, Body=key.encode())
    stack.s3.put_object(Bucket="work", Key="runs/x/images/c.fits.png", Body=b"c")
    stack.s3.put_object(Bucket="work", Key="runs/x/geometry/c.fits.npz", Body=b"c")
    cloud.download(stack, "x", tmp_path)
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["runs/x/detections/deep/b.fits.png", "runs/x/images/c.fits.png", "runs/x/ledger.csv"]


def test_download_fetches_again_only_what_has_changed(stack: cloud.Stack, tmp_path: Path) -> None:
    for name in ("ledger.csv", "report.html"):
        stack.s3.put_object(Bucket="detections", Key=f"runs/x/{name}", Body=b"first")
    cloud.download(stack, "x", tmp_path)
    (tmp_path / "runs/x/ledger.csv").write_bytes(b"of another size")
    (tmp_path / "runs/x/report.html").write_bytes(b"mine.")
    cloud.download(stack, "x", tmp_path)
    assert (tmp_path / "runs/x/ledger.csv").read_bytes() == b"first"
    assert (tmp_path / "runs/x/report.html").read_bytes() == b"mine."


def test_a_run_without_results_is_told_by_name(stack: cloud.Stack, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no results of a run 'x'"):
        cloud.download(stack, "x", tmp_path)


@pytest.mark.parametrize(
    ("request_", "run_id"),
    [
        ({"bucket": "b", "prefix": "incoming/a/b/"}, "a-b"),
        ({"bucket": "b", "prefix": "incoming/a/", "run_id": "mine"}, "mine"),
        ({"detail": {"object": {"key": "incoming/a/_READY"}}}, "a"),
        ({"detail": {"object": {"key": "live/x.fits"}}}, "live-x.fits"),
    ],
)
def test_run_is_named_as_the_workflow_names_it(request_: dict, run_id: str) -> None:
    assert cloud.name_run(request_) == run_id


def test_answers_of_aws_become_one_line() -> None:
    @cloud.told
    def refuse() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

    with pytest.raises(MarsAuroraError, match="AccessDenied"):
        refuse()


@pytest.mark.parametrize(("folder", "asked", "name"), [("2022-03", "", "2022-03"), ("ü ö 7", "", "7"), ("a", "b", "b")])
def test_batch_is_named_after_its_folder_unless_asked(tmp_path: Path, folder: str, asked: str, name: str) -> None:
    assert cloud.name_batch(tmp_path / folder, asked) == name


@pytest.mark.parametrize("name", ["two words", "a/b", "-x", "x" * 61])
def test_a_name_that_keys_could_not_bear_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="will not do as a name"):
        cloud.name_batch(tmp_path, name)
