"""Run the emulator as a process; build the template for this machine and deploy it on the emulator."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from machine import require_disk, slowness, temporary_folder, wait_until
from model import find_clean_python

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("mars-aurora")
TOOLS = ROOT / "build" / "tools"
BUILT = ROOT / "build" / ("rehearsal" + os.environ.get("PYTEST_XDIST_WORKER", ""))  # one folder per pytest worker


@dataclass(frozen=True)
class Emulator:
    """A running emulator.

    ``environment`` points the AWS SDK of other processes to it; ``folder`` is that of the double of SageMaker.
    """

    environment: dict[str, str]
    folder: Path

    @contextmanager
    def sagemaker(self, **control: Any) -> Iterator[None]:
        """Control the double of SageMaker, see `sagemaker_double.DEFAULTS`."""
        path = self.folder / "control.json"
        path.write_text(json.dumps(control))
        try:
            yield
        finally:
            path.unlink()

    def transform_jobs(self) -> list[dict[str, Any]]:
        """Return the accepted requests of transform jobs."""
        path = self.folder / "jobs.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def largest_payloads(self) -> dict[str, int]:
        """Return the size in bytes of the largest payload of each state so far."""
        return dict(json.loads((self.folder / "payloads.json").read_text()))

    def client(self, service: str, config: Config | None = None) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
            config=config,
        )


@dataclass(frozen=True)
class Stack:
    """A deployed stack and its outputs."""

    emulator: Emulator
    outputs: dict[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def build(root: Path = ROOT, built: Path = BUILT) -> Path:
    """Build layer and functions as `sam build` does, for this machine."""
    require_disk(ROOT)
    run_sam("build", "--build-dir", str(built), root=root, environment={"MARS_AURORA_PLATFORM": "host"})
    return built


def deploy(emulator: Emulator, name: str = "rehearsal", built: Path = BUILT) -> Stack:
    """Create or update a stack."""
    template = ("--template-file", str(built / "template.yaml"))
    run_sam("deploy", "--stack-name", name, *template, environment=emulator.environment)
    found = emulator.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    return Stack(emulator, {item["OutputKey"]: item["OutputValue"] for item in found})


def run_sam(command: str, *options: str, environment: dict[str, str], root: Path = ROOT) -> None:
    own = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
    arguments = [
        TOOLS / "bin" / "sam",
        command,
        "--config-file",
        root / "samconfig.toml",
        "--config-env",
        "rehearsal",
        *options,
    ]
    done = subprocess.run(
        arguments, cwd=root, env=os.environ | own | environment, capture_output=True, text=True, check=False
    )
    said = [line for line in done.stdout.splitlines() + done.stderr.splitlines() if "Uploading" not in line]
    assert done.returncode == 0, "\n".join(said)[-6000:]


@contextmanager
def run_emulator(log: Path) -> Iterator[Emulator]:
    """Run MiniStack on a free local port until the context ends, with its temporary files in a folder of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [TOOLS / "ministack" / "bin" / "python", Path(__file__).with_name("emulator.py")]
    command += [str(port), log.parent, *find_clean_python()]
    with temporary_folder() as folder, log.open("w") as stream:
        require_disk(folder)
        environment = os.environ | {"TMPDIR": str(folder)}
        process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream, start_new_session=True)
        try:
            wait_until(lambda: answers(url, process, log), 30, "the emulator did not start", 0.1)
            secrets = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "rehearsal")
            yield Emulator({"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1", **secrets}, log.parent)
        finally:
            stop_group(process)


def answers(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()[-3000:]
    try:
        with urllib.request.urlopen(f"{url}/_ministack/health", timeout=5):  # noqa: S310 -- plain http to localhost
            return True
    except OSError:
        return False


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """End a process; then kill what it has started and left, which is in its session."""
    process.terminate()
    try:
        process.wait(30 * slowness())
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def run_command(*arguments: str | Path, stack: Stack | None = None, timeout_s: float = 300) -> str:
    environment = os.environ | (stack.emulator.environment if stack else {})
    command = [COMMAND, *map(str, arguments)]
    limit_s = timeout_s * slowness()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit_s, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
