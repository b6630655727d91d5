"""The commands of the README, run in a fresh clone without an environment."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from machine import slowness

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^\$ (make \w+)", README, re.MULTILINE)


def test_readme_has_one_command_to_run_and_one_to_test():
    assert COMMANDS == ["make run", "make test"]


def test_ci_runs_the_test_command_of_the_readme():
    assert COMMANDS[1] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_all_mars_aurora_commands_are_in_the_readme():
    command = Path(sys.executable).with_name("mars-aurora")
    listed = subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^\W*│\s(\w+)\s", listed, re.MULTILINE)
    assert commands
    assert [name for name in commands if f"mars-aurora {name}" not in README] == []


@pytest.mark.slow
def test_run_command_works_in_a_fresh_clone(tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", f"file://{ROOT}", clone], check=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL_ENV", "UV_PROJECT"))}
    done = subprocess.run(
        COMMANDS[0].split(),
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900 * slowness(),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    run = clone / "out" / "demo" / "runs" / "demo"
    with (run / "ledger.csv").open() as stream:
        outcomes = [row["outcome"] for row in csv.DictReader(stream)]
    assert outcomes.count("aurora") >= 5
    assert outcomes.count("failed") == 0
    with (run / "catalogue.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) >= outcomes.count("aurora")
    shown = _read_table("| name | lat_deg |")
    assert shown["name"] == rows[0]["name"]
    numbers = {name: float(value) for name, value in shown.items() if name != "name"}
    assert numbers == pytest.approx({name: float(rows[0][name]) for name in numbers}, rel=0.1, abs=0.1)


def _read_table(start: str) -> dict[str, str]:
    """Return the first row of a table of the README by column."""
    heads, _, row = README[README.index(start) :].splitlines()[:3]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in (heads, row))
    return dict(zip(*cells, strict=True))
