"""What a run costs before it starts, and how it is stopped."""

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mars_aurora.errors import UsageError
from mars_aurora.local import cloud, executions
from mars_aurora.local.cost import cost, estimate_usage
from mars_aurora.local.stack import RefusedError, Stack
from mars_aurora.run.storage import S3Storage

PARAMETERS = {"TransformInstanceType": "ml.m5.large", "TransformInstanceCount": "2", "KeepWorkDays": "7"}


class Workflow:
    """A state machine with executions by name, each with its status and run id."""

    def __init__(self, executions: dict[str, tuple[str, str]]) -> None:
        self.executions = executions

    def list_executions(self, statusFilter: str = "", **_options: Any) -> dict[str, Any]:
        found = [name for name, (status, _) in self.executions.items() if statusFilter in {"", status}]
        return {"executions": [{"executionArn": name} for name in found]}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        status, run_id = self.executions[executionArn]
        request = {"bucket": "b", "prefix": f"incoming/{run_id}/"}
        return {"executionArn": executionArn, "name": executionArn, "status": status, "input": json.dumps(request)}

    def stop_execution(self, executionArn: str, **_reason: str) -> None:
        self.executions[executionArn] = ("ABORTED", self.executions[executionArn][1])


class SageMaker:
    """Transform jobs in progress, each with the execution that started it."""

    def __init__(self, jobs: dict[str, str], refusal: str = "") -> None:
        self.jobs, self.refusal = jobs, refusal

    def get_paginator(self, operation: str) -> "SageMaker":
        assert operation == "list_transform_jobs"
        return self

    def paginate(self, NameContains: str, StatusEquals: str) -> list[dict[str, Any]]:
        assert StatusEquals == "InProgress"
        jobs = [name for name in self.jobs if NameContains in name]
        return [
            {"TransformJobSummaries": [{"TransformJobName": name, "TransformJobArn": f"arn/{name}"} for name in jobs]}
        ]

    def list_tags(self, ResourceArn: str) -> dict[str, Any]:
        return {"Tags": [{"Key": "mars-aurora:execution", "Value": self.jobs[ResourceArn.removeprefix("arn/")]}]}

    def stop_transform_job(self, TransformJobName: str) -> None:
        del self.jobs[TransformJobName]
        if self.refusal:
            raise ClientError({"Error": {"Code": self.refusal, "Message": "no"}}, "StopTransformJob")


def make_stack(workflow: Any = None, path: str = "SageMaker", **parameters: str) -> Stack:
    return Stack(None, workflow, "machine", "inputs", "work", "detections", path, "", PARAMETERS | parameters)


def test_stop_ends_the_running_execution_of_the_run_and_its_transform_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow = Workflow({"new": ("RUNNING", "a"), "old": ("SUCCEEDED", "a"), "other": ("RUNNING", "b")})
    sagemaker = SageMaker({"mars-aurora-1": "new", "mars-aurora-2": "other"})
    monkeypatch.setattr(cloud, "connect", lambda _name: make_stack(workflow))
    monkeypatch.setattr(cloud, "make_client", lambda _service: sagemaker)
    cloud.stop("a")
    assert [status for status, _ in workflow.executions.values()] == ["ABORTED", "SUCCEEDED", "RUNNING"]
    assert list(sagemaker.jobs) == ["mars-aurora-2"]
    assert capsys.readouterr().out == "stopped new and the transform job mars-aurora-1\n"
    with pytest.raises(UsageError, match="no execution of the run 'a' is running"):
        cloud.stop("a")


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException"])
def test_job_that_has_been_stopped_meanwhile_is_no_error_and_a_missing_right_is(code: str) -> None:
    stack = make_stack(Workflow({"new": ("RUNNING", "a")}))
    expected = nullcontext() if code == "ValidationException" else pytest.raises(RefusedError, match=code)
    with expected:
        executions.stop_execution(stack, "new", SageMaker({"mars-aurora-1": "new"}, code))


def test_submit_states_cost_and_path_and_refuses_above_the_limit_before_any_upload(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.fits").write_bytes(bytes(1000))
    monkeypatch.setattr(cloud, "connect", lambda _name: make_stack())
    monkeypatch.setattr(cloud, "upload", lambda *_: pytest.fail("nothing must be uploaded"))
    with pytest.raises(UsageError, match=r"above --max-cost 0\.00"):
        cloud.submit(tmp_path, batch="x", max_cost=0.0)
    said = capsys.readouterr().out
    assert "USD for 3 files" in said
    assert "detected on SageMaker" in said


def test_estimate_uses_the_parameters_of_the_stack() -> None:
    usage = estimate_usage(make_stack(), 100, 500_000_000)
    assert (usage.files, usage.candidates, usage.megabytes) == (100, 30, 5.0)
    assert (usage.instance, usage.instances, usage.keep_days) == ("ml.m5.large", 2, 7)


@pytest.mark.parametrize(("path", "limit"), [("Lambda: no image", "0"), ("SageMaker", "30")])
def test_estimate_is_for_lambda_where_the_stack_detects_there(path: str, limit: str) -> None:
    assert estimate_usage(make_stack(path=path, DetectOnLambdaUpTo=limit), 100, 1).instance == ""


def test_cost_of_the_documentation_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    cost(10_000)
    page = (Path(__file__).parents[3] / "docs" / "deploy.md").read_text()
    assert capsys.readouterr().out.rstrip() in page


def test_manifest_is_checked_and_uploaded_and_names_its_bucket(
    buckets: dict[str, S3Storage], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = replace(make_stack(), s3=buckets["inputs"]._client)
    path = tmp_path / "m.csv"
    path.write_text("key,size\na.fits,5\nb.fits,\n")
    request = cloud.prepare_manifest(stack, path, "batch", "others", 20.0)
    assert request == {"bucket": "others", "manifest": "s3://inputs/manifests/batch/m.csv", "run_id": "batch"}
    assert buckets["inputs"].get("manifests/batch/m.csv") == path.read_bytes()
    assert "for 2 files" in capsys.readouterr().out
    path.write_text("bucket,key\nelsewhere,a.fits\n")
    with pytest.raises(UsageError, match="is in the bucket 'elsewhere'"):
        cloud.prepare_manifest(stack, path, "batch", "others", 20.0)


def test_cost_of_an_instance_without_a_price_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"no price of the instance 'ml.x1': choose one of ml\.c5\.xlarge"):
        cost(10, instance="ml.x1")
