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
    "ToleratedFailurePercentage": "10",
    "DetectOnLambdaUpTo": "5",
    "TransformInstanceCount": "2",
    "TransformInstanceType": "ml.c5.xlarge",
    "WorkBucket": "work-bucket",
    "DetectionsBucket": "detections",
    "ModelName": "model",
}
LAMBDA_TASKS = ["Preprocess", "Classify", "Tally", "Detect", "Catalogue"]
REQUEST = {"run_id": "a", "bucket": "b", "prefix": "incoming/a/", "folder": "incoming/a/", "key": "incoming/a/x/y.fits"}


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


def evaluate(workflow, name: str, given: dict) -> dict:
    """Evaluate the arguments of a task, as the output of a Pass state."""
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": STATES[name]["Arguments"], "End": True}
    context = json.dumps({"State": {"Name": name, "RetryCount": 3}})
    response = run_state(workflow, state, given, context=context)
    assert response["status"] == "SUCCEEDED", response
    return json.loads(response["output"])


def settle(workflow, given: dict) -> dict:
    """Pass the input of an execution through the states before the first map."""
    data, name = given, "Started by an upload?"
    while name != "Preprocess and classify each file":
        response = run_state(workflow, STATES[name], data)
        assert response["status"] == "SUCCEEDED", response
        data, name = json.loads(response["output"]), response["nextState"]
    return data


@pytest.mark.parametrize(
    ("event", "run_id", "min_objects"),
    [
        ("start_batch", "2022-03", 2),
        ("start_by_hand", "2022-03", 3),
        ("start_single_file", "live-emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04.fits.gz", 2),
    ],
)
def test_start_event_fixtures_give_their_run_id(workflow, event: str, run_id: str, min_objects: int) -> None:
    given = json.loads((Path(__file__).parents[2] / "events" / f"{event}.json").read_text())
    settled = settle(workflow, given)
    assert (settled["run_id"], settled["min_objects"]) == (run_id, min_objects)
    assert settled["keep_stages"] is (event == "start_by_hand")


@pytest.mark.parametrize(
    ("given", "prefix", "run_id"),
    [
        ({"bucket": "b", "prefix": "incoming/2022-03/"}, "incoming/2022-03/", "2022-03"),
        ({"bucket": "b", "prefix": "incoming/2022-03"}, "incoming/2022-03/", "2022-03"),
        ({"bucket": "b", "prefix": "incoming/a/b/", "run_id": "mine"}, "incoming/a/b/", "mine"),
        ({"detail": {"bucket": {"name": "b"}, "object": {"key": "incoming/a/b/_READY"}}}, "incoming/a/b/", "a-b"),
        (
            {"detail": {"bucket": {"name": "b"}, "object": {"key": "live/x.fits.gz"}}},
            "live/x.fits.gz",
            "live-x.fits.gz",
        ),
    ],
)
def test_uploads_and_requests_give_the_same_fields(workflow, given: dict, prefix: str, run_id: str) -> None:
    assert settle(workflow, given) == {
        "bucket": "b",
        "prefix": prefix,
        "folder": prefix[: prefix.rfind("/") + 1],
        "run_id": run_id,
        "min_objects": 2,
        "keep_stages": False,
        "children_at_once": 40,
        "tolerated_failure_percentage": 10,
    }


@pytest.mark.parametrize(
    ("name", "given", "target"),
    [
        ("Is it FITS?", {"key": "incoming/a/x.FITS.gz"}, "Preprocess"),
        ("Is it FITS?", {"key": "incoming/a/x.fits"}, "Preprocess"),
        ("Is it FITS?", {"key": "incoming/a.fits/notes.txt"}, "Ignored"),
        ("Is it FITS?", {"key": "incoming/a/_READY"}, "Ignored"),
        ("Usable?", {"usable": True}, "Classify"),
        ("Usable?", {"usable": False}, "Rejected"),
        ("Enough objects?", {"objects": 1, "min_objects": 2}, "Discarded"),
        ("Enough objects?", {"objects": 2, "min_objects": 2}, "Candidate"),
        ("What is there to detect in?", {"listed": 0, "candidates": 0}, "Nothing listed"),
        ("What is there to detect in?", {"listed": 9, "candidates": 0}, "Catalogue"),
        ("What is there to detect in?", {"listed": 9, "candidates": 5}, "Detect on Lambda"),
        ("What is there to detect in?", {"listed": 9, "candidates": 6}, "Detect on SageMaker"),
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
    responses = [fail(workflow, STATES[name], error, count) for count in range(3)]
    assert [response["status"] for response in responses] == ["RETRIABLE"] * 3
    seconds = [response["inspectionData"]["errorDetails"]["retryBackoffIntervalSeconds"] for response in responses]
    assert seconds == sorted(set(seconds))
    assert fail(workflow, STATES[name], error, retrier["MaxAttempts"])["status"] == "FAILED"


@pytest.mark.parametrize("name", LAMBDA_TASKS)
@pytest.mark.parametrize("error", ["UsageError", "UnbalancedLedgerError", "InputError", "MemoryError", "KeyError"])
def test_permanent_errors_are_not_retried(workflow, name: str, error: str) -> None:
    assert fail(workflow, STATES[name], error)["status"] == "FAILED"


def test_transform_job_is_retried_if_throttled_and_a_failed_job_falls_back_to_lambda(workflow) -> None:
    state = STATES["Detect on SageMaker"]
    # The emulator's TestState applies Catch before Retry.
    retried = {key: value for key, value in state.items() if key != "Catch"}
    assert fail(workflow, retried, "SageMaker.AmazonSageMakerException")["status"] == "RETRIABLE"
    assert fail(workflow, retried, "States.TaskFailed")["status"] == "FAILED"
    for error in ("States.TaskFailed", "States.Timeout"):
        response = fail(workflow, state, error)
        assert (response["status"], response["nextState"]) == ("CAUGHT_ERROR", "Detect on Lambda")


def test_announcement_is_retried(workflow) -> None:
    assert fail(workflow, STATES["Announce the catalogue"], "EventBridge.FailedEntry")["status"] == "RETRIABLE"


def test_ledger_name_is_the_path_below_the_prefix(workflow) -> None:
    payload = evaluate(workflow, "Preprocess", REQUEST)["Payload"]
    assert payload == {"run_id": "a", "bucket": "b", "key": "incoming/a/x/y.fits", "name": "x/y.fits"}


def test_candidate_name_equals_its_ledger_name(workflow) -> None:
    given = {"run_id": "a", "key": "runs/a/candidates/x/y.fits.gz.png"}
    assert evaluate(workflow, "Detect", given)["Payload"] == {"run_id": "a", "name": "x/y.fits.gz"}


def test_transform_job_arguments_are_valid_for_sagemaker(workflow) -> None:
    first, second = (evaluate(workflow, "Detect on SageMaker", REQUEST) for _ in range(2))
    model = get_session().get_service_model("sagemaker").operation_model("CreateTransformJob")
    report = ParamValidator().validate(first, model.input_shape)
    assert not report.has_errors(), report.generate_report()
    assert first["MaxConcurrentTransforms"] * first["MaxPayloadInMB"] <= 100
    assert first["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] == "s3://work-bucket/runs/a/candidates/"
    assert first["TransformOutput"]["S3OutputPath"] == "s3://work-bucket/runs/a/predictions/"
    assert (first["TransformInput"]["SplitType"], first["TransformOutput"]["AssembleWith"]) == ("None", "None")
    assert "BatchStrategy" not in first
    assert "DataProcessing" not in first
    names = model.input_shape.members["TransformJobName"].metadata
    for name in (first["TransformJobName"], second["TransformJobName"]):
        assert len(name) <= names["max"]
        assert re.fullmatch(names["pattern"], name)
    assert first["TransformJobName"] != second["TransformJobName"]
