"""Versions of the functions, made by SAM's own translator: what the state machine invokes changes with the code."""

import json
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

PYTHON = Path(__file__).parents[2] / "build" / "tools" / "aws-sam-cli" / "bin" / "python"
TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform
loader = type("Loader", (), {"load": staticmethod(dict)})
json.dump([transform(template, {}, loader) for template in json.load(sys.stdin)], sys.stdout)
"""
Template = dict[str, Any]


def make_template(template: Template, *, layer: str = "1", preprocess: str = "1", cleaning: str = "true") -> Template:
    """Return the template as `sam deploy` sends it: the packages of the layer and the functions are objects in S3."""
    packaged = deepcopy(template) | {"Transform": "AWS::Serverless-2016-10-31"}
    packaged["Resources"] = {name: packaged["Resources"][name] for name in ("CoreLayer", "Preprocess", "Classify")}
    packaged["Resources"]["CoreLayer"]["Properties"]["ContentUri"] = f"s3://packages/layer-{layer}"
    packaged["Resources"]["Preprocess"]["Properties"]["CodeUri"] = f"s3://packages/preprocess-{preprocess}"
    packaged["Resources"]["Classify"]["Properties"]["CodeUri"] = "s3://packages/classify"
    del packaged["Outputs"]
    variables = packaged["Globals"]["Function"]["Environment"]["Variables"]
    variables["CLEANING"] = cleaning
    return packaged


def translate(*templates: Template) -> list[dict[str, str]]:
    """Return the version of each function in each template."""
    if not PYTHON.exists():
        pytest.skip("the tools are not installed: run make tools")
    environment = {"AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", TRANSLATE],
        input=json.dumps(templates),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [
        {
            item["Properties"]["FunctionName"]["Ref"]: name
            for name, item in translated["Resources"].items()
            if item["Type"] == "AWS::Lambda::Version"
        }
        for translated in json.loads(done.stdout)
    ]


def test_version_changes_with_layer_code_and_settings_and_not_without(template: Template) -> None:
    first, same, layer, code, settings = translate(
        make_template(template),
        make_template(template),
        make_template(template, layer="2"),
        make_template(template, preprocess="2"),
        make_template(template, cleaning="false"),
    )
    assert set(first) == {"Preprocess", "Classify"}
    assert same == first
    for changed in (layer, settings):
        assert all(changed[name] != first[name] for name in first)
    assert code["Preprocess"] != first["Preprocess"]
    assert code["Classify"] == first["Classify"]


def test_versions_of_before_an_update_are_kept_for_the_runs_that_use_them(template: Template) -> None:
    functions = [item for item in template["Resources"].values() if item["Type"] == "AWS::Serverless::Function"]
    kept = [
        item["Properties"]["Description"] for item in functions if "VersionDeletionPolicy" not in item["Properties"]
    ]
    assert len(kept) == len(functions) - 1, "only Publish, which no run uses, has none to keep"
