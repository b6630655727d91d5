"""Consistency of the state machine with the template and the code: names, ARNs, error names, timeouts."""

import json
from typing import Any

import pytest

from mars_aurora import errors
from mars_aurora.run import messages
from mars_aurora.run.keys import FITS_NAME, HOUSEKEEPING_NAME, RunKeys
from mars_aurora.run.listing import LISTED, SETS, SLICES, UNDETECTED, UNPROCESSED
from mars_aurora.steps.settle import FILES

States = dict[str, dict[str, Any]]
THROTTLED = ["Lambda.TooManyRequestsException"]
STEP_FUNCTIONS = ("States.", "Lambda.", "SageMaker.", "EventBridge.", "Sandbox.")
REQUESTS = {
    "Open": messages.OpenRequest,
    "Preprocess": messages.PreprocessRequest,
    "Classify": messages.ClassifyRequest,
    "Tally": messages.TallyRequest,
    "Detect": messages.DetectRequest,
    "Measure": messages.MeasureRequest,
    "Stitch": messages.StitchRequest,
    "Catalogue": messages.CatalogueRequest,
    "Parquet": messages.ParquetRequest,
    "Close": messages.CloseRequest,
}


def of_type(states: States, kind: str) -> States:
    return {name: state for name, state in states.items() if state["Type"] == kind}


def test_every_state_is_reachable_and_every_target_exists(definition_text: str) -> None:
    def check(machine: dict[str, Any]) -> None:
        states = machine["States"]
        targets = {machine["StartAt"]}
        for state in states.values():
            transitions = [state, *state.get("Choices", []), *state.get("Catch", [])]
            targets |= {item[key] for item in transitions for key in ("Next", "Default") if key in item}
            if "ItemProcessor" in state:
                check(state["ItemProcessor"])
        assert targets == set(states)

    check(json.loads(definition_text))


def test_payload_fields_match_request_messages(states: States) -> None:
    for name, message in REQUESTS.items():
        arguments = states[name]["Arguments"]
        assert arguments["FunctionName"] == f"${{{name}Arn}}"
        assert set(arguments["Payload"]) == set(message.__dataclass_fields__)


def test_tally_after_a_transform_job_differs_by_how_the_job_ended(states: States) -> None:
    before, after = (states[name]["Arguments"] for name in ("Tally", "Tally what is left"))
    ended = {name: after["Payload"][name] for name in ("transform", "detected")}
    assert before["Payload"] | ended == after["Payload"]
    assert (before["Payload"]["transform"], before["Payload"]["detected"]) == ({}, "{% '' %}")
    assert before["FunctionName"] == after["FunctionName"]


def test_refused_transform_job_is_not_waited_for(states: States) -> None:
    """A quota of 0 is not retried; all other refusals are, within a minute."""
    (rule,) = states["Detect on SageMaker"]["Retry"]
    assert rule["ErrorEquals"] == ["SageMaker.AmazonSageMakerException"]
    delays = [min(rule["IntervalSeconds"] * 2**n, rule["MaxDelaySeconds"]) for n in range(rule["MaxAttempts"])]
    assert sum(delays) < 60


def test_transform_job_goes_on_to_lambda_with_what_it_left(states: States) -> None:
    state = states["Detect on SageMaker"]
    assert state["Next"] == state["Catch"][0]["Next"] == "Tally what is left"
    assert state["Catch"][0]["ErrorEquals"] == ["States.TaskFailed", "States.Timeout"]


def test_resource_arns_are_the_expected_integrations(states: States) -> None:
    integrations = {
        "arn:aws:states:::lambda:invoke",
        "arn:aws:states:::sagemaker:createTransformJob.sync",
        "arn:aws:states:::events:putEvents",
    }
    assert {state["Resource"] for state in of_type(states, "Task").values()} == integrations
    for state in of_type(states, "Map").values():
        assert state["ItemReader"]["Resource"] == "arn:aws:states:::s3:getObject"
        assert state["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
        writer = state["ResultWriter"]
        assert writer["Resource"] == "arn:aws:states:::s3:putObject"
        assert writer["WriterConfig"] == {"OutputType": "JSONL", "Transformation": "COMPACT"}
        assert writer["Parameters"]["Prefix.$"].startswith("States.Format('runs/{}/map/{}/"), "a folder an execution"
        assert state["ResultPath"] is None, "later states must not depend on the output of a map run"


def test_jsonpath_values_have_keys_ending_in_dollar(states: States) -> None:
    """In a JSONPath state a value is a path if and only if its key ends in ``.$``."""
    for state in of_type(states, "Map").values():
        blocks = [state["ItemReader"]["Parameters"], state.get("ItemSelector", {}), state["ResultWriter"]["Parameters"]]
        for block in [*blocks, state.get("ItemBatcher", {}).get("BatchInput", {})]:
            for key, value in block.items():
                assert key.endswith(".$") == value.startswith(("$.", "$$.", "States."))


def test_maps_are_distributed_with_express_children(states: States) -> None:
    for state in of_type(states, "Map").values():
        assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
        assert state["MaxConcurrencyPath"] == "$.children_at_once"
        tolerated = state.get("ToleratedFailureCountPath", state.get("ToleratedFailureCount"))
        assert tolerated in {"$.tolerated_failures", "$.tolerated_slices", 0}
        assert not {"ToleratedFailurePercentage", "ToleratedFailurePercentagePath"} & set(state), "either would fail it"
        assert len(state["Label"]) <= 40


def test_error_names_are_known_to_step_functions_or_the_code(states: States) -> None:
    for state in states.values():
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
            for name in rule["ErrorEquals"]:
                assert name.startswith(STEP_FUNCTIONS) or issubclass(getattr(errors, name), errors.MarsAuroraError)


def test_only_transient_errors_are_retried_with_backoff_jitter_and_caps(states: States) -> None:
    for name, state in of_type(states, "Task").items():
        retried = [error for rule in state["Retry"] for error in rule["ErrorEquals"]]
        assert not {"States.ALL", "States.TaskFailed", "InputError", "UsageError"} & set(retried), name
        for rule in state["Retry"]:
            assert rule["JitterStrategy"] == "FULL"
            assert rule["MaxAttempts"] <= 12 or rule["ErrorEquals"] in (["BusyError"], THROTTLED)
            assert rule["MaxAttempts"] == 1 or rule["MaxDelaySeconds"] > rule["IntervalSeconds"]


@pytest.mark.parametrize("name", REQUESTS)
def test_timeouts_are_nested(states: States, resources: dict[str, Any], definition_text: str, name: str) -> None:
    """A function times out before its state, the states of a child before the child, all before the state machine."""
    function_s = resources[name]["Properties"]["Timeout"]
    state_s = states[name]["TimeoutSeconds"]
    assert function_s < state_s <= function_s + 10
    if name in {"Preprocess", "Classify", "Detect", "Measure", "Stitch"}:
        assert 2 * state_s < 300, "an EXPRESS child execution is limited to five minutes"
    assert state_s < json.loads(definition_text)["TimeoutSeconds"]


def test_run_waits_half_a_day_for_another_execution(states: States) -> None:
    rule = states["Open"]["Retry"][0]
    assert rule["ErrorEquals"] == ["BusyError"]
    mean_delay_s = rule["MaxDelaySeconds"] / 2  # full jitter
    assert 11 < rule["MaxAttempts"] * mean_delay_s / 3600 < 13


def test_every_failure_of_an_opened_run_writes_the_ledger_and_unlocks_the_run(definition_text: str) -> None:
    states = json.loads(definition_text)["States"]
    for name, state in states.items():
        if state["Type"] in {"Task", "Map"} and name not in {"Open", "Close", "Announce the catalogue"}:
            last = state["Catch"][-1]
            assert (last["ErrorEquals"], last["Next"]) == (["States.ALL"], "Close"), name
            assert "failure" in last.get("Output", last.get("ResultPath")), name
    (catcher,) = states["Close"]["Catch"]
    assert (catcher["ErrorEquals"], catcher["Next"]) == (["States.ALL"], states["Close"]["Next"])


def test_maps_read_the_lists_that_the_steps_write(states: States) -> None:
    maps = {
        "Preprocess and classify each file": ("{}", ""),
        "Detect on Lambda": (UNDETECTED, "y"),
        "Measure each slice": (SLICES, "y"),
        "Stitch the observation sets": (SETS, "y"),
    }
    assert set(maps) == set(of_type(states, "Map"))
    for name, (phase, execution) in maps.items():
        parameters = states[name]["ItemReader"]["Parameters"]
        key = RunKeys("x").items(phase, execution).replace("/x/", "/{}/").replace("/y/", "/{}/")
        values = "$.run_id, $$.Execution.Name" if execution else "$.run_id, $.items"
        assert parameters["Bucket"] == "${WorkBucket}"
        assert parameters["Key.$"] == f"States.Format('{key}', {values})"


def test_second_pass_is_over_the_inputs_whose_children_failed(states: States) -> None:
    assert f"{{'items': '{LISTED}'}}" in states["Open"]["Output"]
    assert "'unprocessed': $states.result.Payload.unprocessed" in states["Tally"]["Output"]
    (choice,) = states["Second pass?"]["Choices"]
    assert choice["Next"] == "Preprocess and classify each file"
    assert f"$states.input.items = '{LISTED}'" in choice["Condition"], "a third pass must not follow"
    assert f"{{'items': '{UNPROCESSED}'}}" in choice["Output"]


def test_throttled_children_try_as_long_as_they_live(states: States) -> None:
    for name in ("Preprocess", "Classify", "Detect", "Measure", "Stitch"):
        (rule,) = (rule for rule in states[name]["Retry"] if rule["ErrorEquals"] == THROTTLED)
        delays = (
            min(rule["IntervalSeconds"] * rule["BackoffRate"] ** n, rule["MaxDelaySeconds"])
            for n in range(rule["MaxAttempts"])
        )
        assert sum(delays) / 2 > 300, "with full jitter the mean is half"


def test_results_are_written_where_the_tally_looks_for_them(states: States) -> None:
    parameters = states["Preprocess and classify each file"]["ResultWriter"]["Parameters"]
    folder = RunKeys("x").results("y", FILES).replace("/x/", "/{}/").replace("/y/", "/{}/").rstrip("/")
    assert parameters["Prefix.$"] == f"States.Format('{folder}', $.run_id, $$.Execution.Name)"


def test_every_end_of_a_child_returns_its_record_or_its_name(states: States) -> None:
    child = states["Preprocess and classify each file"]["ItemProcessor"]["States"]
    assert child["Classify"]["Output"] == "{% $states.result.Payload.record %}"
    assert child["Rejected"]["Output"] == "{% $states.input.record %}"
    assert child["Ignored"]["Output"] == "{% {'name': $states.input.name} %}"
    ends = {name for name, state in child.items() if state["Type"] == "Succeed" or state.get("End")}
    assert ends == {"Candidate", "Discarded", "Rejected", "Ignored"}


def test_batches_of_sets_are_small(states: States) -> None:
    batcher = states["Stitch the observation sets"]["ItemBatcher"]
    assert batcher["MaxInputBytesPerBatch"] < 32 * 1024
    name_bytes, swaths = 210, 60
    assert name_bytes * swaths < batcher["MaxInputBytesPerBatch"], "an item larger than a batch fails the map"


def test_fits_file_names_are_matched_as_in_the_code(states: States) -> None:
    """No name has the endings of FITS and of housekeeping, so that the state machine tests the start of names only."""
    condition = states["Is it FITS?"]["Choices"][0]["Condition"]
    starts = HOUSEKEEPING_NAME.pattern.split("|(\\A")[0]
    for pattern in (FITS_NAME.pattern, starts):
        in_javascript = pattern.replace("\\Z", "$").replace("\\A", "^").replace("/", "\\/")
        assert f"/{in_javascript}/i" in condition


def test_map_states_have_comments_and_state_names_are_short(states: States) -> None:
    assert all(state.get("Comment") for state in of_type(states, "Map").values())
    assert all(len(name) <= 80 for name in states)
