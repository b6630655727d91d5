"""Test single states with TestState: arguments, transitions, retries."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.config import Config
from botocore.session import get_session
from botocore.validate import ParamValidator
from stack import Emulator

pytestmark = pytest.mark.deployed

SUBSTITUTES = {
    "MinObjects": "2",
    "KeepStages": "false",
    "MaxConcurrency": "40",
    "ReservedConcurrency": "0",
    "ToleratedFailurePercentage": "10",
    "ToleratedFailureCount": "5",
    "DetectOnLambdaUpTo": "5",
    "NoTransform": "",
    "TransformsAtOnce": "4",
    "TransformInstanceCount": "2",
    "TransformInstanceType": "ml.c5.xlarge",
    "WorkBucket": "work-bucket",
    "DetectionsBucket": "detections",
    "ModelName": "model",
    "StackToken": "0123abcd",
}
LAMBDA_TASKS = ["Open", "Preprocess", "Classify", "Tally", "Tally what is left", "Detect", "Measure", "Stitch"]
LAMBDA_TASKS += ["Catalogue", "Parquet", "Close"]
CAUGHT = {"Open": "Not started", "Close": "Did the run fail?"} | dict.fromkeys(
    ("Tally", "Tally what is left", "Catalogue", "Parquet"), "Close"
)
DETECTION = {"predictions": "0123abcd", "detect_on": "sagemaker", "detected": "on SageMaker: 3 candidates"}
REQUEST = {
    "run_id": "a",
    "bucket": "b",
    "prefix": "incoming/a/",
    "started_utc": "2026-11-28T12:00:00+00:00",
    "min_objects": 2,
    "again": "all",
    "key": "incoming/a/x/y.fits",
    "name": "x/y.fits",
    "etag": "0123",
    "detect_on_lambda_up_to": 7,
    "tolerated_failures": 5,
    "detection": DETECTION,
}
FAILURE = {"Error": "TransientError", "Cause": '{"errorMessage": "in words", "errorType": "TransientError"}'}


def walk(states: dict) -> Iterator[tuple[str, dict]]:
    for name, state in states.items():
        yield name, state
        yield from walk(state.get("ItemProcessor", {}).get("States", {}))


TEXT = (Path(__file__).parents[2] / "statemachine" / "detect_auroras.asl.json").read_text()
STATES = dict(walk(json.loads(re.sub(r"\$\{(\w+)\}", lambda m: SUBSTITUTES.get(m[1], m[1]), TEXT))["States"]))


@pytest.fixture(scope="module")
def workflow(aws: Emulator):
    return aws.client("stepfunctions", config=Config(inject_host_prefix=False))


def run_state(workflow, state: dict, given: dict, **options) -> dict:
    role = "arn:aws:iam::000000000000:role/any"
    definition, data = json.dumps(state), json.dumps(given)
    return workflow.test_state(definition=definition, roleArn=role, input=data, inspectionLevel="DEBUG", **options)


def fail(workflow, state: dict, error: str, attempts: int = 0) -> dict:
    mock = {"errorOutput": {"error": error, "cause": "as mocked"}}
    return run_state(workflow, state, REQUEST, mock=mock, stateConfiguration={"retrierRetryCount": attempts})


def without_catch(state: dict) -> dict:
    """Return a state without its Catch, which the emulator's TestState applies before Retry."""
    return {key: value for key, value in state.items() if key != "Catch"}


def evaluate(workflow, name: str, given: dict) -> dict:
    """Evaluate the arguments of a task, as the output of a Pass state."""
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": STATES[name]["Arguments"], "End": True}
    context = json.dumps(
        {"State": {"Name": name, "RetryCount": 3}, "Execution": {"Id": "arn:execution", "Name": "one"}}
    )
    response = run_state(workflow, state, given, context=context)
    assert response["status"] == "SUCCEEDED", response
    return json.loads(response["output"])


@pytest.mark.parametrize(
    ("name", "given", "target"),
    [
        ("Is it FITS?", {"key": "incoming/a/x.FITS.gz"}, "Preprocess"),
        ("Is it FITS?", {"key": "incoming/a/x.fits"}, "Preprocess"),
        ("Is it FITS?", {"key": "incoming/a.fits/notes.txt"}, "Ignored"),
        ("Is it FITS?", {"key": "incoming/a/_READY"}, "Ignored"),
        ("Usable?", {"usable": True}, "Classify"),
        ("Usable?", {"usable": False}, "Rejected"),
        ("Enough objects?", {"outcome": "no_night"}, "Discarded"),
        ("Enough objects?", {"outcome": "candidate"}, "Candidate"),
        ("Where to detect?", {"detection": {"detect_on": "none"}}, "Measure each slice"),
        ("Where to detect?", {"detection": {"detect_on": "lambda"}}, "Detect on Lambda"),
        ("Where to detect?", {"detection": {"detect_on": "sagemaker"}}, "Detect on SageMaker"),
        ("Is anything left?", {"detection": {"detect_on": "none"}}, "Measure each slice"),
        ("Is anything left?", {"detection": {"detect_on": "lambda"}}, "Detect on Lambda"),
        ("Any observation sets?", {"sets": 0}, "Catalogue"),
        ("Any observation sets?", {"sets": 3}, "Stitch the observation sets"),
        ("Did the run fail?", {"closed": {"error": "", "cause": ""}}, "Announce the catalogue"),
        ("Did the run fail?", {"failure": FAILURE}, "Run failed"),
    ],
)
def test_choice_selects_next_state(workflow, name: str, given: dict, target: str) -> None:
    assert run_state(workflow, STATES[name], given)["nextState"] == target


@pytest.mark.parametrize("name", LAMBDA_TASKS)
def test_task_succeeds_with_the_response_of_its_function(workflow, name: str) -> None:
    response = run_state(workflow, STATES[name], REQUEST, mock={"result": json.dumps({"Payload": {}})})
    assert response["status"] == "SUCCEEDED"
    assert response.get("nextState") == STATES[name].get("Next")


@pytest.mark.parametrize("name", LAMBDA_TASKS)
@pytest.mark.parametrize("error", ["TransientError", "Lambda.TooManyRequestsException", "Lambda.ServiceException"])
def test_transient_errors_are_retried_with_growing_intervals_up_to_a_maximum(workflow, name: str, error: str) -> None:
    retrier = next(item for item in STATES[name]["Retry"] if error in item["ErrorEquals"])
    state = without_catch(STATES[name])
    responses = [fail(workflow, state, error, count) for count in range(3)]
    assert [response["status"] for response in responses] == ["RETRIABLE"] * 3
    seconds = [response["inspectionData"]["errorDetails"]["retryBackoffIntervalSeconds"] for response in responses]
    assert seconds == sorted(set(seconds))
    assert fail(workflow, state, error, retrier["MaxAttempts"])["status"] == "FAILED"


@pytest.mark.parametrize("name", LAMBDA_TASKS)
@pytest.mark.parametrize("error", ["UsageError", "UnbalancedLedgerError", "InputError", "MemoryError", "KeyError"])
def test_permanent_errors_are_not_retried(workflow, name: str, error: str) -> None:
    response = fail(workflow, STATES[name], error)
    assert (response["status"], response.get("nextState")) == (
        ("CAUGHT_ERROR", CAUGHT[name]) if name in CAUGHT else ("FAILED", None)
    )


def test_locked_run_is_waited_for(workflow) -> None:
    state = without_catch(STATES["Open"])
    responses = [fail(workflow, state, "BusyError", count) for count in (0, 1, 299)]
    assert [response["status"] for response in responses] == ["RETRIABLE"] * 3
    assert fail(workflow, state, "BusyError", 300)["status"] == "FAILED"


def test_open_receives_the_input_of_the_execution_and_the_parameters_of_the_stack(workflow) -> None:
    event = json.loads((Path(__file__).parents[2] / "events" / "start_batch.json").read_text())
    assert evaluate(workflow, "Open", event)["Payload"] == {
        "request": event,
        "execution_arn": "arn:execution",
        "min_objects": 2,
        "keep_stages": False,
        "max_concurrency": 40,
        "reserved_concurrency": 0,
        "detect_on_lambda_up_to": 5,
        "tolerated_failure_percentage": 10,
        "tolerated_failure_count": 5,
    }


@pytest.mark.parametrize(("cause", "said"), [(FAILURE["Cause"], "in words"), ("plain", "plain"), ("", "")])
def test_refused_request_fails_with_the_message_of_the_exception(workflow, cause: str, said: str) -> None:
    response = run_state(workflow, STATES["Not started"], {"Error": "UsageError", "Cause": cause})
    assert (response["status"], response["error"], response.get("cause", "")) == ("FAILED", "UsageError", said)


def test_failed_map_goes_on_to_close_with_its_failure() -> None:
    maps = [name for name, state in STATES.items() if state["Type"] == "Map"]
    assert len(maps) == 4
    for name in maps:
        assert STATES[name]["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Close"}]


@pytest.mark.parametrize("failure", [{}, FAILURE])
def test_close_receives_the_failure_if_there_is_one(workflow, failure: dict) -> None:
    given = REQUEST | ({"failure": failure} if failure else {})
    payload = evaluate(workflow, "Close", given)["Payload"]
    assert payload["failure"] == failure
    assert payload["execution_arn"] == "arn:execution"


def test_run_failed_with_what_close_says(workflow) -> None:
    closed = {"error": "TooManyFilesFailed", "cause": "more inputs failed"}
    response = run_state(workflow, STATES["Run failed"], {"failure": FAILURE, "closed": closed})
    assert (response["error"], response["cause"]) == ("TooManyFilesFailed", "more inputs failed")


@pytest.mark.parametrize("given", [REQUEST, REQUEST | {"failure": FAILURE}])
def test_failure_to_close_is_part_of_the_cause(workflow, given: dict) -> None:
    (catcher,) = STATES["Close"]["Catch"]
    output = catcher["Output"].replace("$states.errorOutput", "$states.input.caught")  # TestState does not apply it
    caught = {"caught": {"Error": "States.Timeout", "Cause": "too long"}}
    response = run_state(
        workflow, {"Type": "Pass", "QueryLanguage": "JSONata", "Output": output, "End": True}, given | caught
    )
    closed = json.loads(response["output"])["closed"]
    assert closed["error"] == "LedgerNotWritten"
    assert "States.Timeout" in closed["cause"]
    assert ("TransientError" in closed["cause"]) is ("failure" in given)


def test_transform_job_is_retried_if_throttled_and_a_failed_or_refused_job_is_not(workflow) -> None:
    state = STATES["Detect on SageMaker"]
    retried = without_catch(state)
    assert fail(workflow, retried, "SageMaker.AmazonSageMakerException")["status"] == "RETRIABLE"
    for error in ("States.TaskFailed", "States.Timeout", "SageMaker.ResourceLimitExceededException"):
        assert fail(workflow, retried, error)["status"] == "FAILED"
        response = fail(workflow, state, error)
        assert (response["status"], response["nextState"]) == ("CAUGHT_ERROR", "Tally what is left")


def test_tally_receives_how_the_transform_job_ended(workflow) -> None:
    assert evaluate(workflow, "Tally", REQUEST)["Payload"]["transform"] == {}
    for ended in ({"Status": "Completed"}, FAILURE):
        payload = evaluate(workflow, "Tally what is left", REQUEST | {"transform": ended})["Payload"]
        assert payload["transform"] == ended
        assert payload["detect_on_lambda_up_to"] == 7


def test_children_return_their_record_or_their_name(workflow) -> None:
    given = REQUEST | {"usable": False, "record": {"name": "x/y.fits", "outcome": "rejected"}}
    assert json.loads(run_state(workflow, STATES["Rejected"], given)["output"]) == given["record"]
    assert json.loads(run_state(workflow, STATES["Ignored"], REQUEST)["output"]) == {"name": "x/y.fits"}
    output = STATES["Classify"]["Output"].replace("$states.result", "$states.input")  # not applied to mocked results
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": output, "End": True}
    response = run_state(workflow, state, {"Payload": {"name": "x/y.fits", "record": given["record"]}})
    assert json.loads(response["output"]) == given["record"]


def test_announcement_is_retried(workflow) -> None:
    assert fail(workflow, STATES["Announce the catalogue"], "EventBridge.FailedEntry")["status"] == "RETRIABLE"


def test_preprocess_receives_name_and_version_of_the_listed_input(workflow) -> None:
    fields = ("run_id", "bucket", "key", "name", "etag", "again")
    assert evaluate(workflow, "Preprocess", REQUEST)["Payload"] == {field: REQUEST[field] for field in fields}


def test_transform_job_arguments_are_valid_for_sagemaker(workflow) -> None:
    first, second = (evaluate(workflow, "Detect on SageMaker", REQUEST) for _ in range(2))
    model = get_session().get_service_model("sagemaker").operation_model("CreateTransformJob")
    report = ParamValidator().validate(first, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    assert first["MaxConcurrentTransforms"] * first["MaxPayloadInMB"] <= 100
    source = {"S3DataType": "ManifestFile", "S3Uri": "s3://work-bucket/runs/a/map/transform.json"}
    assert first["TransformInput"]["DataSource"]["S3DataSource"] == source
    assert first["TransformOutput"]["S3OutputPath"] == "s3://work-bucket/runs/a/predictions/0123abcd/"
    assert (first["TransformInput"]["SplitType"], first["TransformOutput"]["AssembleWith"]) == ("None", "None")
    assert "BatchStrategy" not in first
    assert "DataProcessing" not in first
    names = model.input_shape.members["TransformJobName"].metadata
    for name in (first["TransformJobName"], second["TransformJobName"]):
        assert len(name) <= names["max"]
        assert re.fullmatch(names["pattern"], name)
    assert first["TransformJobName"] != second["TransformJobName"]
