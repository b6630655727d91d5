"""Lambda handlers: import in an empty environment, few imports, no logic, consistent with the template."""

import ast
import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from mars_aurora.errors import UsageError
from mars_aurora.run import messages
from mars_aurora.run.ledger import count_outcomes
from mars_aurora.run.settings import Settings

ROOT = Path(__file__).parents[2]
FUNCTIONS = (
    "open",
    "preprocess",
    "classify",
    "tally",
    "detect",
    "measure",
    "stitch",
    "catalogue",
    "parquet",
    "close",
)  # of the state machine


def run_python(code: str, folder: str) -> str:
    """Run code in a new interpreter whose environment contains only the paths of the sources."""
    environment = {"PYTHONPATH": f"{ROOT / 'functions' / folder}:{ROOT / 'core'}", "PATH": "/usr/bin"}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", FUNCTIONS)
def test_handler_import_needs_no_environment_and_creates_no_client(name: str) -> None:
    loaded = run_python("import app, sys; print(callable(app.handler), 'boto3' in sys.modules)", name)
    assert loaded.split() == ["True", "False"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_handler_import_loads_no_heavy_dependency(name: str) -> None:
    heavy = "{'astropy', 'matplotlib', 'onnxruntime', 'pyarrow', 'shapely', 'jinja2', 'typer', 'rich', 'torch'}"
    assert run_python(f"import app, sys; print(sorted({heavy} & set(sys.modules)))", name).strip() == "[]"


def test_classify_does_not_load_astropy_or_matplotlib() -> None:
    code = "import app, sys; import mars_aurora.classify.count; print({'astropy', 'matplotlib'} & set(sys.modules))"
    assert run_python(code, "classify").strip() == "set()"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_handler_is_short_and_has_no_branches(name: str) -> None:
    source = (ROOT / "functions" / name / "app.py").read_text()
    assert len(source.splitlines()) <= 40
    branches = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.If | ast.Try | ast.While)]
    assert not branches
    assert re.search(rf" {name}(_run)?\(", source)


def test_template_environment_matches_settings(template: dict[str, Any]) -> None:
    names = template["Globals"]["Function"]["Environment"]["Variables"]
    own = {name for name in names if not name.startswith("POWERTOOLS_")}
    assert names["OPENBLAS_NUM_THREADS"] == "1"
    assert own - {"OPENBLAS_NUM_THREADS"} == {field.name.upper() for field in fields(Settings)}


def test_environment_of_the_fixtures_matches_settings() -> None:
    environment = json.loads((ROOT / "events" / "env.json").read_text())["Parameters"]
    assert Settings.from_env(environment)
    assert set(environment) == {field.name.upper() for field in fields(Settings)}


def test_template_detectors_match_the_code(template: dict[str, Any]) -> None:
    from mars_aurora.detect.detectors import DetectorName  # noqa: PLC0415 -- the other tests import nothing

    assert set(template["Parameters"]["Detector"]["AllowedValues"]) == set(DetectorName)


def test_settings_report_missing_and_invalid_variables() -> None:
    with pytest.raises(UsageError, match="lacks DETECTIONS_BUCKET, DETECTOR, CLEANING"):
        Settings.from_env({"WORK_BUCKET": "w"})
    with pytest.raises(UsageError, match="not one of threshold, yolo"):
        Settings.from_env({"WORK_BUCKET": "w", "DETECTIONS_BUCKET": "d", "DETECTOR": "eyes", "CLEANING": "true"})
    with pytest.raises(UsageError, match="CLEANING is 'no', not true or false"):
        Settings.from_env({"WORK_BUCKET": "w", "DETECTIONS_BUCKET": "d", "DETECTOR": "yolo", "CLEANING": "no"})


def test_settings_say_whether_files_are_cleaned() -> None:
    variables = {"WORK_BUCKET": "w", "DETECTIONS_BUCKET": "d", "DETECTOR": "yolo"}
    assert Settings.from_env(variables | {"CLEANING": "true"}).cleaning is True
    assert Settings.from_env(variables | {"CLEANING": "false"}).cleaning is False


def test_alarms_on_files_watch_metrics_of_the_catalogue_function(template: dict[str, Any]) -> None:
    alarms = [item["Properties"] for item in template["Resources"].values() if item["Type"] == "AWS::CloudWatch::Alarm"]
    own = {alarm["MetricName"] for alarm in alarms if alarm.get("Namespace") == "MarsAurora"}
    assert own == {"failed", "rejected_percent"}
    source = (ROOT / "functions" / "catalogue" / "app.py").read_text()
    assert 'add_metric("rejected_percent", MetricUnit.Percent' in source
    assert "in {**result.counts" in source
    assert "failed" in count_outcomes([])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_event_fixture_round_trips_through_its_message(name: str) -> None:
    message = getattr(messages, f"{name.capitalize()}Request")
    event = json.loads((ROOT / "events" / f"{name}.json").read_text())
    assert message.from_event(event).to_event() == event


def test_every_function_and_every_start_event_has_a_fixture() -> None:
    starts = {"start_batch", "start_single_file", "start_by_hand"}
    assert {path.stem for path in (ROOT / "events").glob("*.json")} == {*FUNCTIONS, "publish", *starts, "env"}
