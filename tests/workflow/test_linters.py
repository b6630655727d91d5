"""The validators of others, each of which sees what the rest miss."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "build" / "tools"
DEFINITION = "statemachine/detect_auroras.asl.json"
pytestmark = pytest.mark.slow


def run_tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    tool = TOOLS / name
    if not tool.exists():
        pytest.skip(f"{tool.name} is not installed: make tools")
    environment = os.environ | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
    return subprocess.run(
        [tool, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_sam_and_cfn_lint_find_the_template_valid() -> None:
    done = run_tool("bin/sam", "validate", "--lint")
    assert done.returncode == 0, done.stdout + done.stderr


def test_checkov_fails_nothing() -> None:
    done = run_tool("bin/checkov", "--file", "template.yaml", "--config-file", ".checkov.yaml")
    assert done.returncode == 0, done.stdout
    passed, failed = map(int, re.search(r"Passed checks: (\d+), Failed checks: (\d+)", done.stdout).groups())
    assert passed >= 50
    assert failed == 0


def test_every_skipped_check_says_why(template: dict) -> None:
    lines = [line for line in (ROOT / ".checkov.yaml").read_text().splitlines() if "CKV" in line]
    assert all(re.search(r"CKV_AWS_\d+ # .{20,}", line) for line in lines)
    skips = [
        skip
        for resource in template["Resources"].values()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    ]
    assert skips
    assert all(len(skip["comment"]) > 20 for skip in skips)


def test_asl_validator_finds_the_definition_valid() -> None:
    done = run_tool("asl/node_modules/.bin/asl-validator", "--json-path", DEFINITION)
    assert done.returncode == 0, done.stdout + done.stderr


def test_statelint_knows_no_more_than_that_labels_are_new_to_it() -> None:
    done = run_tool("bin/statelint", DEFINITION)
    complaints = [line.strip() for line in done.stdout.splitlines() if line.startswith(" ")]
    assert all(line.startswith('Field "Label" not allowed') for line in complaints), done.stdout
    assert len(complaints) == 2
