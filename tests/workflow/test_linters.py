"""External validators of the template and the state machine; each finds errors that the others miss."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from machine import slowness

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "build" / "tools"
DEFINITION = "statemachine/detect_auroras.asl.json"
pytestmark = pytest.mark.slow


def run_tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    tool = TOOLS / name
    if not tool.exists():
        pytest.skip(f"{tool.name} is not installed: run make tools")
    environment = os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
    return subprocess.run(
        [tool, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300 * slowness(),
        check=False,
    )


def test_sam_validate_accepts_the_template() -> None:
    done = run_tool("bin/sam", "validate", "--lint")
    assert done.returncode == 0, done.stdout + done.stderr


def test_checkov_reports_no_failed_check() -> None:
    done = run_tool("bin/checkov", "--file", "template.yaml", "--config-file", ".checkov.yaml")
    assert done.returncode == 0, done.stdout
    passed, failed = map(int, re.search(r"Passed checks: (\d+), Failed checks: (\d+)", done.stdout).groups())
    assert passed >= 50
    assert failed == 0


def test_every_skipped_check_has_a_reason(template: dict) -> None:
    lines = [line for line in (ROOT / ".checkov.yaml").read_text().splitlines() if "CKV" in line]
    assert all(re.search(r"CKV_AWS_\d+ # .{20,}", line) for line in lines)
    skips = [
        skip
        for resource in template["Resources"].values()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    ]
    assert skips
    assert all(len(skip["comment"]) > 20 for skip in skips)


def test_asl_validator_accepts_the_definition() -> None:
    done = run_tool("asl/node_modules/.bin/asl-validator", "--json-path", DEFINITION)
    assert done.returncode == 0, done.stdout + done.stderr


def test_statelint_reports_only_the_fields_that_it_does_not_know() -> None:
    done = run_tool("bin/statelint", DEFINITION)
    complaints = [line.split()[1] for line in done.stdout.splitlines() if line.startswith(" ")]
    assert sorted(complaints) == ['"InputType"'] * 4 + ['"Label"'] * 4 + ['"WriterConfig"'] * 4, done.stdout
