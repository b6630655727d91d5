"""Files about the project agree with it: citation, continuous integration, contributing."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import yaml

import mars_aurora
from mars_aurora.local.help import PANELS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_citation_has_the_version_and_the_license_of_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == mars_aurora.__version__
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Source"]


def test_public_workflow_runs_the_commands_of_the_readme():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert commands == ["make test PYTHON=python", "make release-check PYTHON=python"]
    supported = [name.rpartition(" ")[2] for name in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", name)]
    assert jobs["test"]["strategy"]["matrix"]["python"] == [*supported, "3.14"]


def test_every_command_has_a_group_in_the_help():
    text = (ROOT / "pyproject.toml").read_text()
    commands = tomllib.loads(text)["project"]["entry-points"]["mars_aurora.commands"]
    assert set(commands) == set(PANELS)


def test_names_of_test_files_are_unique():
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_every_make_target_that_is_named_exists():
    targets = {
        name
        for path in (ROOT / "Makefile", *ROOT.glob("*.mk"))
        for name in re.findall(r"^([a-z-]+):", path.read_text(), re.MULTILINE)
    }
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "model" / "README.md"]
    texts = [path.read_text() for path in pages]
    named = {name for text in texts for name in re.findall(r"(?:^|`|\$ )make ([a-z-]+)", text, re.MULTILINE)}
    assert named - targets == set()
    assert {"setup", "run", "test", "docs", "release-check"} <= named
