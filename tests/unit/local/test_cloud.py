"""The commands that run the deployed stack. The stack itself is tested in tests/deployed."""

import json
from pathlib import Path

import pytest

from mars_aurora.errors import UsageError
from mars_aurora.local import cloud, executions
from mars_aurora.local.stack import Stack
from mars_aurora.run.starts import name_run
from mars_aurora.run.storage import S3Storage


@pytest.mark.parametrize(
    ("request_", "run_id"),
    [
        ({"bucket": "b", "prefix": "incoming/a/", "run_id": "mine"}, "mine"),
        ({"detail": {"bucket": {"name": "b"}, "object": {"key": "incoming/a/_READY"}}}, "a"),
        ({"bucket": "b", "prefix": "incoming/p/q/"}, name_run("incoming/p/q/")),
        ({"bucket": "b", "prefix": ""}, "(invalid request)"),
        ({"Comment": "started in the console"}, "(invalid request)"),
    ],
)
def test_execution_is_shown_with_the_run_id_of_the_workflow(request_: dict, run_id: str) -> None:
    assert executions.describe_run(request_) == run_id


@pytest.mark.parametrize(
    ("given", "prefix"), [("p/q", "incoming/p/q/"), ("p/q/", "incoming/p/q/"), ("a b", "incoming/a b/")]
)
def test_run_is_found_by_the_path_of_its_batch(given: str, prefix: str) -> None:
    assert cloud.find_run(given) == name_run(prefix)


@pytest.mark.parametrize("run_id", ["2022-03", "p-q--0123456789"])
def test_run_is_found_by_its_id(run_id: str) -> None:
    assert cloud.find_run(run_id) == run_id


def test_run_is_resumed_with_the_request_that_started_it(buckets: dict[str, S3Storage]) -> None:
    written = {"bucket": "others", "prefix": "x/", "run_id": "r", "min_objects": 3, "keep_stages": True}
    buckets["work"].put("runs/r/run.json", json.dumps(written | {"again": "all", "version": "1"}).encode())
    stack = Stack(buckets["work"]._client, None, "machine", "inputs", "work", "detections")
    assert executions.find_request(stack, "r") == written


@pytest.mark.parametrize(("run_id", "prefix"), [("a", "incoming/a/"), ("live-x.fits", "live/x.fits")])
def test_run_whose_request_has_expired_is_that_of_the_batch_of_its_name(
    buckets: dict[str, S3Storage], run_id: str, prefix: str
) -> None:
    stack = Stack(buckets["work"]._client, None, "machine", "inputs", "work", "detections")
    assert executions.find_request(stack, run_id) == {"bucket": "inputs", "prefix": prefix, "run_id": run_id}


def test_execution_name_is_legal_for_the_longest_run_id() -> None:
    class Workflow:
        def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, str]:  # noqa: A002 -- as in boto3
            assert json.loads(input)["run_id"] == "x" * 80
            assert len(name) <= 80
            return {"executionArn": f"{stateMachineArn}:{name}"}

    stack = Stack(None, Workflow(), "machine", "inputs", "work", "detections")
    executions.start(stack, {"bucket": "inputs", "prefix": "incoming/a/", "run_id": "x" * 80})


def test_folder_is_checked_before_aws_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "connect", lambda _name: pytest.fail("AWS was called"))
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageError, match=r"no FITS files in .* among 1 files"):
        cloud.submit(tmp_path)


@pytest.mark.parametrize(("folder", "batch", "name"), [("2022-03", "", "2022-03"), ("ü ö 7", "", "7"), ("a", "b", "b")])
def test_batch_is_named_after_its_folder_by_default(tmp_path: Path, folder: str, batch: str, name: str) -> None:
    assert cloud.name_batch(tmp_path / folder, batch) == name


@pytest.mark.parametrize("name", ["two words", "a/b", "-x", "x" * 61])
def test_invalid_batch_name_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"the batch name .* is invalid"):
        cloud.name_batch(tmp_path, name)
