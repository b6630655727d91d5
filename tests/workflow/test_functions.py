"""The handlers as Lambda meets them: an empty environment, thin, light, told of by the template."""

import ast
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from mars_aurora.errors import UsageError
from mars_aurora.run import messages
from mars_aurora.run.settings import Settings

ROOT = Path(__file__).parents[2]
FUNCTIONS = ("preprocess", "classify", "tally", "detect", "catalogue")


def run_python(code: str, folder: str) -> str:
    """Run code in a fresh interpreter whose environment holds nothing but the way to the sources."""
    environment = {"PYTHONPATH": f"{ROOT / 'functions' / folder}:{ROOT / 'core'}", "PATH": "/usr/bin"}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", FUNCTIONS)
def test_handler_imports_in_an_empty_environment_and_makes_no_client(name: str) -> None:
    loaded = run_python("import app, sys; print(callable(app.handler), 'boto3' in sys.modules)", name)
    assert loaded.split() == ["True", "False"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_import_loads_nothing_that_another_function_needs(name: str) -> None:
    heavy = "{'astropy', 'matplotlib', 'onnxruntime', 'shapely', 'jinja2', 'typer', 'rich', 'torch'}"
    assert run_python(f"import app, sys; print(sorted({heavy} & set(sys.modules)))", name).strip() == "[]"


def test_classify_never_loads_astropy_or_plotting() -> None:
    code = "import app, sys; from mars_aurora.classify import count; print({'astropy', 'matplotlib'} & set(sys.modules))"
    assert run_python(code, "classify").strip() == "set()"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_handler_only_translates(name: str) -> None:
    source = (ROOT / "functions" / name / "app.py").read_text()
    assert len(source.splitlines()) <= 40
    branches = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.If | ast.Try | ast.While)]
    assert not branches
    assert f" {name}(" in source


def test_environment_of_the_template_is_the_settings(template: dict[str, Any]) -> None:
    names = template["Globals"]["Function"]["Environment"]["Variables"]
    own = {name for name in names if not name.startswith("POWERTOOLS_")}
    assert own == {field.name.upper() for field in fields(Settings)}


def test_detectors_of_the_template_are_those_of_the_code(template: dict[str, Any]) -> None:
    from mars_aurora.detect.detectors import DetectorName  # noqa: PLC0415

    assert set(template["Parameters"]["Detector"]["AllowedValues"]) == set(DetectorName)


def test_settings_name_what_is_missing() -> None:
    with pytest.raises(UsageError, match="lacks DETECTIONS_BUCKET, DETECTOR"):
        Settings.from_env({"WORK_BUCKET": "w"})
    with pytest.raises(UsageError, match="not one of threshold, yolo"):
        Settings.from_env({"WORK_BUCKET": "w", "DETECTIONS_BUCKET": "d", "DETECTOR": "eyes"})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_event_fixture_is_the_message_of_its_function(name: str) -> None:
    message = getattr(messages, f"{name.capitalize()}Request")
    event = json.loads((ROOT / "events" / f"{name}.json").read_text())
    assert message.from_event(event).to_event() == event


def test_every_function_and_every_way_to_start_has_a_fixture() -> None:
    starts = {"start_batch", "start_single_file", "start_by_hand"}
    assert {path.stem for path in (ROOT / "events").glob("*.json")} == {*FUNCTIONS, *starts, "env"}
