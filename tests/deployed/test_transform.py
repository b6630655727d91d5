"""The transform job of a run: both layouts of its outputs, its failures, and a deployment while it runs."""

import json
import time
from pathlib import Path
from uuid import uuid4

import pytest
from machine import slowness, wait_until
from stack import BUILT, Stack, deploy
from test_executions import list_work, put, read_ledger, start, wait

from mars_aurora.detect.detectors import DetectorName, describe_detector
from mars_aurora.local import cloud
from mars_aurora.run.keys import RunKeys

pytestmark = [pytest.mark.deployed, pytest.mark.slow]
FOLDER = describe_detector(DetectorName.YOLO).folder


def run(stack: Stack, auroras: list[Path], **request: object) -> tuple[str, dict]:
    """Run a new batch of two files with auroras; return its run id and the output of the execution."""
    run_id = f"transform-{uuid4().hex[:8]}"
    for path in auroras[:2]:
        put(stack, f"incoming/{run_id}/{path.name}", path.read_bytes())
    execution = wait(stack, start(stack, prefix=f"incoming/{run_id}/", **request))
    assert execution["status"] == "SUCCEEDED", execution
    return run_id, json.loads(execution["output"])


def deploy_other_archive(stack: Stack) -> None:
    """Deploy another archive with the same content."""
    archive = BUILT / "Publish" / "model.tar.gz"
    content = archive.read_bytes()
    archive.write_bytes(content + bytes(512))
    try:
        deploy(stack.emulator)
    finally:
        archive.write_bytes(content)


@pytest.mark.parametrize(
    ("control", "said"),
    [
        ({"layout": "nested"}, "on SageMaker: 2 candidates"),
        ({"missing": 1}, "on SageMaker: 2 candidates; 1 candidate left, and detected on Lambda"),
        (
            {"status": "Failed"},
            "; the transform job failed: States.TaskFailed: AlgorithmError: as asked; 1 candidate left",
        ),
        ({"status": "Stopped", "layout": "nested"}, "its status is Stopped; 1 candidate left"),
        ({"quota": 0}, "the account's quota does not allow the instance"),
    ],
)
def test_every_candidate_is_detected_however_the_job_ends(
    stack: Stack, auroras: list[Path], control: dict, said: str
) -> None:
    before, started = len(stack.emulator.transform_jobs()), time.monotonic()
    with stack.emulator.sagemaker(**control):
        run_id, output = run(stack, auroras)
    assert said in output["detected"]
    assert ("transform_error" in output) is bool({"status", "quota"} & set(control))
    assert {line[0] for line in read_ledger(stack, run_id).values()} == {"aurora"}
    keys = RunKeys(run_id)
    assert list_work(stack, keys.predictions) == sorted(keys.prediction(path.name, FOLDER) for path in auroras[:2])
    assert len(stack.emulator.transform_jobs()) - before == ("quota" not in control)
    if "quota" in control:
        assert time.monotonic() - started < 60 * slowness()


def test_few_candidates_are_detected_on_lambda_where_the_request_says_so(stack: Stack, auroras: list[Path]) -> None:
    before = len(stack.emulator.transform_jobs())
    _, output = run(stack, auroras, detect_on_lambda_up_to=2)
    assert output["detected"] == "on Lambda: 2 candidates, and up to 2 are detected there"
    assert len(stack.emulator.transform_jobs()) == before


def test_run_that_is_started_again_detects_only_what_is_new(stack: Stack, auroras: list[Path]) -> None:
    run_id, _ = run(stack, auroras)
    again = json.loads(wait(stack, start(stack, prefix=f"incoming/{run_id}/"))["output"])
    assert again["detected"] == "no detection: 2 candidates, all with a prediction by these weights"
    put(stack, f"incoming/{run_id}/{auroras[2].name}", auroras[2].read_bytes())
    third = json.loads(wait(stack, start(stack, prefix=f"incoming/{run_id}/"))["output"])
    assert third["detected"] == "on SageMaker: 1 candidate"


def test_run_goes_on_with_its_model_while_another_is_deployed(
    stack: Stack, auroras: list[Path], tmp_path: Path
) -> None:
    sagemaker, jobs = stack.emulator.client("sagemaker"), stack.emulator.transform_jobs
    before = len(jobs())
    for path in auroras[:2]:
        put(stack, f"incoming/deployed/{path.name}", path.read_bytes())
    with stack.emulator.sagemaker(wait_for=str(tmp_path / "deployed")):
        execution = start(stack, prefix="incoming/deployed/")
        while len(jobs()) == before:
            time.sleep(0.2)
        deploy_other_archive(stack)
        (tmp_path / "deployed").touch()
        assert wait(stack, execution)["status"] == "SUCCEEDED"
    assert {line[0] for line in read_ledger(stack, "deployed").values()} == {"aurora"}
    old = jobs()[before]["ModelName"]
    _, output = run(stack, auroras)
    new = jobs()[-1]["ModelName"]
    assert output["detected"] == "on SageMaker: 2 candidates"
    assert new != old
    assert {old, new} <= {item["ModelName"] for item in sagemaker.list_models()["Models"]}
    archives = list_work(stack, "models/")
    assert len(archives) == 2


def test_stop_ends_the_execution_and_its_transform_job(
    stack: Stack, auroras: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in stack.emulator.environment.items():
        monkeypatch.setenv(name, value)
    sagemaker, jobs = stack.emulator.client("sagemaker"), stack.emulator.transform_jobs
    before = len(jobs())
    put(stack, f"incoming/stopped/{auroras[0].name}", auroras[0].read_bytes())
    with stack.emulator.sagemaker(wait_for="/never"):
        execution = start(stack, prefix="incoming/stopped/")
        wait_until(lambda: len(jobs()) > before, 240, "no transform job started")
        cloud.stop("stopped", "rehearsal")
        ended = wait(stack, execution)
    assert (ended["status"], ended["error"]) == ("ABORTED", "Stopped")
    name = jobs()[-1]["TransformJobName"]
    assert name in capsys.readouterr().out
    found = sagemaker.list_transform_jobs(NameContains=name)["TransformJobSummaries"]
    assert found[0]["TransformJobStatus"] in {"Stopping", "Stopped"}
    again = wait(stack, start(stack, prefix="incoming/stopped/"))
    assert again["status"] == "SUCCEEDED", "its lock must be taken over"
