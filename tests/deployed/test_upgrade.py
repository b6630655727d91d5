"""A stack of the version before the transform job: it is updated, runs again, and is deleted with full buckets."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stack import ROOT, Emulator, Stack, build, deploy, run_sam
from test_executions import list_work, put, read_ledger, start, wait

pytestmark = [pytest.mark.deployed, pytest.mark.slow]
EARLIER = "c1cbafb6eda7c5c8285b23ce7d43bc0192db467d"  # the last version that detected on Lambda only
NAME, PREFIX = "upgraded", "incoming/upgraded/"


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The earlier version, built for this machine."""
    archived = subprocess.run(["git", "archive", EARLIER], cwd=ROOT, capture_output=True, check=False)
    if archived.returncode:
        pytest.skip("the repository has not its whole history")
    root = tmp_path_factory.mktemp("earlier")
    subprocess.run(["tar", "-x", "-C", root], input=archived.stdout, check=True)
    (root / ".venv").symlink_to(ROOT / ".venv")
    return build(root, root / "built")


@pytest.fixture(scope="module")
def before(aws: Emulator, stack: Stack, earlier: Path, auroras: list[Path]) -> tuple[Stack, dict[str, list[str]]]:
    """A stack of the earlier version with a run, and the ledger of that."""
    deployed = deploy(aws, NAME, earlier)
    for path in auroras[:2]:
        put(deployed, PREFIX + path.name, path.read_bytes())
    ended = wait(deployed, start(deployed, prefix=PREFIX))
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    return deployed, read_ledger(deployed, NAME)


@pytest.fixture(scope="module")
def upgraded(aws: Emulator, built: Path, before: tuple[Stack, dict[str, list[str]]]) -> Stack:
    return deploy(aws, NAME, built)


def test_updated_stack_keeps_its_buckets_and_detects_by_a_transform_job(
    before: tuple[Stack, dict[str, list[str]]], upgraded: Stack
) -> None:
    earlier, ledger = before
    buckets = ("InputBucketName", "WorkBucketName", "DetectionsBucketName")
    assert [upgraded.outputs[name] for name in buckets] == [earlier.outputs[name] for name in buckets]
    assert "DetectorPath" not in earlier.outputs
    assert upgraded.outputs["DetectorPath"] == "SageMaker"
    execution = wait(upgraded, start(upgraded, prefix=PREFIX))
    assert execution["status"] == "SUCCEEDED", execution
    assert json.loads(execution["output"])["detected"] == "on SageMaker: 2 candidates"
    assert read_ledger(upgraded, NAME) == ledger
    assert {outcome for outcome, _ in ledger.values()} == {"aurora"}


def test_stack_with_full_buckets_is_deleted_as_the_docs_say(upgraded: Stack, stack: Stack) -> None:
    emulator, sagemaker = upgraded.emulator, upgraded.emulator.client("sagemaker")
    models = {item["ModelName"] for item in sagemaker.list_models()["Models"]}
    emulator.client("cloudformation").delete_stack(StackName=NAME)
    assert wait_for_end(emulator) == "DELETE_FAILED", "as on AWS, buckets are not empty"
    text = (ROOT / "docs" / "deploy.md").read_text().partition("## Delete the stack")[2]
    (script,) = re.findall(r"<<'PYTHON'\n(.*?)\nPYTHON", text, re.DOTALL)
    subprocess.run([sys.executable, "-c", script, NAME], env=os.environ | emulator.environment, check=True)
    run_sam("delete", "--stack-name", NAME, "--no-prompts", environment=emulator.environment)
    assert wait_for_end(emulator) == "DELETE_COMPLETE"
    kept = {bucket["Name"] for bucket in emulator.client("s3").list_buckets()["Buckets"]}
    assert not kept & set(upgraded.outputs.values())
    assert stack.outputs["WorkBucketName"] in kept
    left = {item["ModelName"] for item in sagemaker.list_models()["Models"]}
    assert len(models - left) == 1
    assert list_work(stack, "models/")


def wait_for_end(emulator: Emulator) -> str:
    """Wait until the deletion of the stack ends; return its status."""
    cloudformation = emulator.client("cloudformation")
    for _ in range(300):
        listed = cloudformation.list_stacks()["StackSummaries"]
        status = next(item["StackStatus"] for item in listed if item["StackName"] == NAME)
        if status.startswith("DELETE_") and status != "DELETE_IN_PROGRESS":
            return status
        time.sleep(0.2)
    raise AssertionError(status)
