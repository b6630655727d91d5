"""Run one built function under Lambda's runtime client and runtime interface emulator."""

import json
import os
import platform
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import slowness, wait_until
from stack import ROOT, TOOLS, Emulator, free_port

EVENTS = ROOT / "events"
SETTINGS = json.loads((EVENTS / "env.json").read_text())["Parameters"]


@dataclass(frozen=True)
class Function:
    """A running function: the URL that accepts its events, and the process of the runtime interface emulator."""

    address: str
    process: int


@contextmanager
def run_function(built: Path, aws: Emulator, name: str, log: Path) -> Iterator[Function]:
    """Run a built function as Lambda does, until the context ends."""
    machine = "arm64" if platform.machine() == "aarch64" else "x86_64"
    (shipped,) = TOOLS.glob(f"aws-sam-cli/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}")
    emulator = shutil.copy(shipped, log.parent)
    Path(emulator).chmod(0o755)  # the copy shipped by SAM is not executable
    port, runtime_port = free_port(), free_port()
    folder = built / name.capitalize()
    command = [emulator, "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    command += ["--runtime-api-address", f"127.0.0.1:{runtime_port}"]
    command += [TOOLS / "runtime" / "bin" / "python", "-m", "awslambdaric", "app.handler"]
    environment = os.environ | aws.environment | SETTINGS
    environment |= {
        "PYTHONPATH": f"{folder}:{built / 'CoreLayer' / 'python'}",
        "LAMBDA_TASK_ROOT": str(folder),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "POWERTOOLS_SERVICE_NAME": "mars-aurora",
        "POWERTOOLS_METRICS_NAMESPACE": "MarsAurora",
        "AWS_XRAY_SDK_ENABLED": "false",
    }
    with log.open("w") as stream:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=stream, stderr=stream)
    try:
        yield Function(f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations", process.pid)
    finally:
        process.terminate()
        process.wait(10)


def invoke(function: Function, event: dict[str, Any]) -> dict[str, Any]:
    """Send an event to a function; return its response."""
    request = urllib.request.Request(function.address, json.dumps(event).encode())  # noqa: S310 -- plain http to localhost

    def send() -> dict[str, Any]:
        try:
            with urllib.request.urlopen(request, timeout=90 * slowness()) as response:  # noqa: S310 -- as above
                return json.loads(response.read())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            return {}

    return wait_until(send, 10, "the runtime interface emulator did not start", 0.1)
