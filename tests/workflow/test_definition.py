"""The state machine beside the template and the code: names, ARNs, error names, timeouts."""

import json
from typing import Any

import pytest

from mars_aurora import errors
from mars_aurora.run import messages
from mars_aurora.run.keys import is_fits

States = dict[str, dict[str, Any]]
STEP_FUNCTIONS = ("States.", "Lambda.", "SageMaker.", "EventBridge.", "Sandbox.")
REQUESTS = {
    "Preprocess": messages.PreprocessRequest,
    "Classify": messages.ClassifyRequest,
    "Tally": messages.TallyRequest,
    "Detect": messages.DetectRequest,
    "Catalogue": messages.CatalogueRequest,
}


def of_type(states: States, kind: str) -> States:
    return {name: state for name, state in states.items() if state["Type"] == kind}


def test_states_are_reached_and_lead_somewhere(definition_text: str) -> None:
    def check(machine: dict[str, Any]) -> None:
        states = machine["States"]
        targets = {machine["StartAt"]}
        for state in states.values():
            ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
            targets |= {way[key] for way in ways for key in ("Next", "Default") if key in way}
            if "ItemProcessor" in state:
                check(state["ItemProcessor"])
        assert targets == set(states)

    check(json.loads(definition_text))


def test_payloads_are_the_messages_of_the_code(states: States) -> None:
    for name, message in REQUESTS.items():
        arguments = states[name]["Arguments"]
        assert arguments["FunctionName"] == f"${{{name}Arn}}"
        known = set(message.__dataclass_fields__)
        assert set(arguments["Payload"]) == known


def test_resources_are_written_in_full(states: States) -> None:
    known = {
        "arn:aws:states:::lambda:invoke",
        "arn:aws:states:::sagemaker:createTransformJob.sync",
        "arn:aws:states:::events:putEvents",
    }
    assert {state["Resource"] for state in of_type(states, "Task").values()} == known
    for state in of_type(states, "Map").values():
        assert state["ItemReader"]["Resource"] == "arn:aws:states:::s3:listObjectsV2"
        assert state["ResultWriter"]["Resource"] == "arn:aws:states:::s3:putObject"
        assert state["ResultPath"] is None, "no later state may lean on the output of a map run"


def test_paths_carry_their_mark(states: States) -> None:
    """In JSONPath a value that begins with a dollar belongs to a key that ends in one, and the other way round."""
    for state in of_type(states, "Map").values():
        for block in (state["ItemReader"]["Parameters"], state["ItemSelector"], state["ResultWriter"]["Parameters"]):
            for key, value in block.items():
                assert key.endswith(".$") == value.startswith(("$.", "$$.", "States."))


def test_maps_are_distributed_with_express_children(states: States) -> None:
    for state in of_type(states, "Map").values():
        assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
        assert state["MaxConcurrencyPath"] == "$.children_at_once"
        assert state["ToleratedFailurePercentagePath"] == "$.tolerated_failure_percentage"
        assert len(state["Label"]) <= 40


def test_error_names_exist(states: States) -> None:
    for state in states.values():
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
            for name in rule["ErrorEquals"]:
                assert name.startswith(STEP_FUNCTIONS) or issubclass(getattr(errors, name), errors.MarsAuroraError)


def test_only_what_passes_is_tried_again_with_backoff_jitter_and_caps(states: States) -> None:
    for name, state in of_type(states, "Task").items():
        retried = [error for rule in state["Retry"] for error in rule["ErrorEquals"]]
        assert not {"States.ALL", "States.TaskFailed", "InputError", "UsageError"} & set(retried), name
        for rule in state["Retry"]:
            assert rule["JitterStrategy"] == "FULL"
            assert rule["MaxAttempts"] <= 12
            assert rule["MaxAttempts"] == 1 or rule["MaxDelaySeconds"] > rule["IntervalSeconds"]


@pytest.mark.parametrize("name", REQUESTS)
def test_timeouts_nest(states: States, resources: dict[str, Any], definition_text: str, name: str) -> None:
    """A function gives up before its state does, a child's states before the child, all before the machine."""
    function_s = resources[name]["Properties"]["Timeout"]
    state_s = states[name]["TimeoutSeconds"]
    assert function_s < state_s <= function_s + 10
    if name in {"Preprocess", "Classify", "Detect"}:
        assert 2 * state_s < 300, "an express child has five minutes"
    assert state_s < json.loads(definition_text)["TimeoutSeconds"]


def test_fits_by_name_means_the_same_here_and_in_the_code(states: States) -> None:
    assert "/\\.fits(\\.gz)?$/i" in states["Is it FITS?"]["Choices"][0]["Condition"]
    for name, expected in {"a.fits": True, "a.FITS.GZ": True, "a.fits.txt": False, "fits": False}.items():
        assert is_fits(name) is expected


def test_states_that_are_not_plain_say_why(states: States) -> None:
    assert all(state.get("Comment") for state in of_type(states, "Map").values())
    assert all(len(name) <= 80 for name in states)
