"""The template at work: files go up, the event starts the workflow, ledger and catalogue come out, as on a laptop."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stack import Stack

from mars_aurora_model.simulator.simulate import simulate
from mars_aurora_model.simulator.world import World

pytestmark = [pytest.mark.deployed, pytest.mark.slow]

COMMAND = Path(sys.executable).with_name("mars-aurora")


@pytest.fixture(scope="session")
def batch(tmp_path_factory: pytest.TempPathFactory, small_world: World) -> Path:
    """Sixty files: 48 simulated, one of them in a newer version too, the others bad, each in its own way."""
    folder = tmp_path_factory.mktemp("batch")
    simulate(folder, 48, 3, small_world)
    (folder / "truth.json").unlink()
    first, second, third, *_ = sorted(folder.iterdir())
    (folder / newer(first.name)).write_bytes(first.read_bytes())
    whole = second.read_bytes()
    flipped = bytearray(third.read_bytes())
    flipped[len(flipped) // 2] ^= 0xFF
    bad = {
        "empty.fits": b"",
        "empty.fits.gz": b"",
        "text.fits": b"no FITS at all\n",
        "picture.fits": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "cut_early.fits.gz": whole[:1000],
        "cut_late.fits.gz": whole[:-20],
        "flipped.fits.gz": bytes(flipped),
        "deep/er/page.FITS": b"<html></html>",
        "bare.fits": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800),
        "notes.txt": b"not FITS by name",
        "table.csv": b"a,b\n",
    }
    for name, content in bad.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    assert sum(path.is_file() for path in folder.rglob("*")) == 60
    return folder


def newer(name: str) -> str:
    head, _, tail = name.rpartition("_v")
    return f"{head}_v99{tail[2:]}"


@pytest.fixture(scope="session")
def local(batch: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `mars-aurora run` makes of the same files."""
    out = tmp_path_factory.mktemp("local")
    run_command("run", batch, "--out", out, "--run-id", "sixty", "--detector", "yolo")
    return out / "runs" / "sixty"


def run_command(*arguments: str | Path, stack: Stack | None = None) -> str:
    environment = os.environ | (stack.emulator.environment if stack else {})
    command = [COMMAND, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def upload(stack: Stack, folder: Path, prefix: str) -> None:
    s3, bucket = stack.emulator.client("s3"), stack.outputs["InputBucketName"]
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            s3.upload_file(str(path), bucket, prefix + path.relative_to(folder).as_posix())


def wait_for_run(stack: Stack, key: str, timeout_s: float = 300) -> dict:
    """Wait for the execution that the arrival of an object starts, and for its end."""
    workflow = stack.emulator.client("stepfunctions")
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for item in workflow.list_executions(stateMachineArn=stack.outputs["StateMachineArn"])["executions"]:
            execution = workflow.describe_execution(executionArn=item["executionArn"])
            started_by = json.loads(execution["input"]).get("detail", {}).get("object", {}).get("key")
            if started_by == key and execution["status"] != "RUNNING":
                assert execution["status"] == "SUCCEEDED", (execution.get("error"), execution.get("cause"))
                return json.loads(execution["output"])
        time.sleep(0.5)
    raise AssertionError(f"no execution for {key} ended within {timeout_s} s")


def read_results(stack: Stack, run_id: str) -> dict[str, bytes]:
    """Everything in the run's folder of the detections bucket, by its path in there."""
    s3, bucket, root = stack.emulator.client("s3"), stack.outputs["DetectionsBucketName"], f"runs/{run_id}/"
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=root)["Contents"]]
    return {key.removeprefix(root): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_marker_starts_a_run_that_ends_like_the_local_one(stack: Stack, batch: Path, local: Path) -> None:
    bucket = stack.outputs["InputBucketName"]
    upload(stack, batch, "incoming/sixty/")
    stack.emulator.client("s3").put_object(Bucket=bucket, Key="incoming/sixty/_READY")
    result = wait_for_run(stack, "incoming/sixty/_READY")

    cloud = read_results(stack, "sixty")
    assert cloud["ledger.csv"].decode() == (local / "ledger.csv").read_text()
    assert cloud["catalogue.csv"].decode() == (local / "catalogue.csv").read_text()
    differing = {name for name, data in cloud.items() if (local / name).read_bytes() != data}
    assert differing == {"report.html"}, "the run card tells how long the run took; all else is equal to the byte"
    assert b"inputs a second" in cloud["report.html"]
    images = sorted(path.relative_to(local).as_posix() for path in (local / "detections").rglob("*.png"))
    assert sorted(name for name in cloud if name.startswith("detections/")) == images
    assert result["listed"] == sum(result["counts"].values()) == 60
    assert result["counts"]["rejected"] >= 8
    assert result["counts"]["ignored"] == 2
    assert result["counts"]["superseded"] == 1
    assert result["counts"]["aurora"] == len(images) > 0


def test_single_file_below_live_is_a_run_of_its_own(stack: Stack, batch: Path) -> None:
    path = sorted(batch.glob("*.fits.gz"))[5]
    stack.emulator.client("s3").upload_file(str(path), stack.outputs["InputBucketName"], f"live/{path.name}")
    result = wait_for_run(stack, f"live/{path.name}")
    assert result["run_id"] == f"live-{path.name}"
    assert result["listed"] == 1
    assert f"{path.name}," in read_results(stack, result["run_id"])["ledger.csv"].decode()


def test_commands_submit_skip_what_is_there_resume_and_fetch(
    stack: Stack, batch: Path, local: Path, tmp_path: Path
) -> None:
    first = run_command(
        "submit", batch, "--stack", "rehearsal", "--batch", "sixty", "--out", tmp_path / "a", stack=stack
    )
    assert "60 files, 60 of them there already" in first
    assert (tmp_path / "a/runs/sixty/ledger.csv").read_bytes() == (local / "ledger.csv").read_bytes()
    shown = [
        sorted(path.name for path in (run / "images").rglob("*.png")) for run in (tmp_path / "a/runs/sixty", local)
    ]
    assert shown[0] == shown[1] != [], "the run card's pictures lie beside it"

    s3, work = stack.emulator.client("s3"), stack.outputs["WorkBucketName"]
    lost = s3.list_objects_v2(Bucket=work, Prefix="runs/sixty/predictions/")["Contents"][0]["Key"]
    s3.delete_object(Bucket=work, Key=lost)
    run_command("resume", "sixty", "--stack", "rehearsal", "--out", tmp_path / "b", stack=stack)
    assert (tmp_path / "b/runs/sixty/catalogue.csv").read_bytes() == (local / "catalogue.csv").read_bytes()

    assert run_command("status", "sixty", "--stack", "rehearsal", stack=stack).count("SUCCEEDED") >= 3
    assert "files of results" in run_command(
        "fetch", "sixty", "--stack", "rehearsal", "--out", tmp_path / "a", stack=stack
    )


def test_a_prefix_without_objects_is_an_error_that_says_so(stack: Stack) -> None:
    command = [COMMAND, "resume", "never", "--stack", "rehearsal"]
    done = subprocess.run(
        command, env=os.environ | stack.emulator.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "There is no object below" in done.stderr
    assert "incoming/never/" in done.stderr
