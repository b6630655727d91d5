"""Fixtures: the template and the state machine, parsed from the files that are deployed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


class TemplateLoader(yaml.SafeLoader):
    """YAML loader that expands CloudFormation's short tags: ``!Ref x`` becomes ``{"Ref": "x"}``."""


def construct_tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


TemplateLoader.add_multi_constructor("!", construct_tag)


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    return yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)  # noqa: S506 -- subclass of SafeLoader


@pytest.fixture(scope="session")
def resources(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return template["Resources"]


@pytest.fixture(scope="session")
def definition_text() -> str:
    return (ROOT / "statemachine" / "detect_auroras.asl.json").read_text()


@pytest.fixture(scope="session")
def states(definition_text: str) -> dict[str, dict[str, Any]]:
    """All states by name, including those inside Map states."""
    return dict(_walk(json.loads(definition_text)["States"]))


def _walk(states: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    inner = [item for state in states.values() for item in _walk(state.get("ItemProcessor", {}).get("States", {}))]
    return [*states.items(), *inner]


@pytest.fixture(scope="session")
def placeholders(definition_text: str) -> set[str]:
    return set(re.findall(r"\$\{(\w+)\}", definition_text))
