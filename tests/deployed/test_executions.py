"""Executions of the deployed state machine: refused requests, two at once, failures, odd keys."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fault_proxy import run_proxy
from machine import wait_until
from stack import Stack

from mars_aurora.run.keys import RunKeys
from mars_aurora.run.starts import name_run

pytestmark = [pytest.mark.deployed, pytest.mark.slow]


def start(stack: Stack, **request: Any) -> str:
    workflow = stack.emulator.client("stepfunctions")
    given = json.dumps({"bucket": stack.outputs["InputBucketName"]} | request)
    return workflow.start_execution(stateMachineArn=stack.outputs["StateMachineArn"], name=str(uuid4()), input=given)[
        "executionArn"
    ]


def wait(stack: Stack, execution_arn: str, timeout_s: float = 240) -> dict[str, Any]:
    workflow = stack.emulator.client("stepfunctions")

    def find_ended() -> dict[str, Any]:
        execution = workflow.describe_execution(executionArn=execution_arn)
        return execution if execution["status"] != "RUNNING" else {}

    return wait_until(find_ended, timeout_s, f"{execution_arn} did not end")


def put(stack: Stack, key: str, data: bytes, **options: str) -> None:
    stack.emulator.client("s3").put_object(Bucket=stack.outputs["InputBucketName"], Key=key, Body=data, **options)


def read_ledger(stack: Stack, run_id: str) -> dict[str, list[str]]:
    """Return outcome and reason of each input."""
    s3, key = stack.emulator.client("s3"), RunKeys(run_id).product("ledger.csv")
    text = s3.get_object(Bucket=stack.outputs["DetectionsBucketName"], Key=key)["Body"].read().decode()
    return {line.split(",")[0]: line.split(",")[1:3] for line in text.splitlines()[1:]}


def list_work(stack: Stack, key: str) -> list[str]:
    found = stack.emulator.client("s3").list_objects_v2(Bucket=stack.outputs["WorkBucketName"], Prefix=key)
    return [item["Key"] for item in found.get("Contents", [])]


def read_work(stack: Stack, key: str) -> bytes:
    return stack.emulator.client("s3").get_object(Bucket=stack.outputs["WorkBucketName"], Key=key)["Body"].read()


def find_entry(stack: Stack, execution_arn: str, state: str) -> datetime:
    """Return when an execution entered a state."""
    workflow = stack.emulator.client("stepfunctions")
    pages = workflow.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    events = (event for page in pages for event in page["events"])
    return next(
        event["timestamp"] for event in events if event.get("stateEnteredEventDetails", {}).get("name") == state
    )


@pytest.mark.parametrize(
    ("request_", "cause"),
    [
        ({"prefix": "incoming/x/", "min_objects": "2"}, "min_objects must be int, not '2'"),
        ({"prefix": ""}, "prefix is empty: name the folder of a batch"),
        ({"bucket": "", "prefix": "incoming/x/"}, "bucket is empty"),
        ({"prefix": "incoming/never/"}, "No object found below s3://"),
    ],
)
def test_invalid_request_fails_with_the_reason_in_words(stack: Stack, request_: dict, cause: str) -> None:
    execution = wait(stack, start(stack, **request_))
    assert (execution["status"], execution["error"]) == ("FAILED", "UsageError")
    assert cause in execution["cause"]
    assert "Traceback" not in execution["cause"]


def test_two_executions_at_once_end_with_the_auroras_of_both(stack: Stack, auroras: list[Path]) -> None:
    one, other, *_ = auroras
    put(stack, f"incoming/twice/{one.name}", one.read_bytes())
    first = start(stack, prefix="incoming/twice/")
    while not list_work(stack, RunKeys("twice").items("listed")):
        time.sleep(0.1)
    put(stack, f"incoming/twice/{other.name}", other.read_bytes())
    second = start(stack, prefix="incoming/twice/")
    ends = [wait(stack, execution) for execution in (first, second)]
    assert [end["status"] for end in ends] == ["SUCCEEDED"] * 2, ends
    opened = json.loads(read_work(stack, RunKeys("twice").product("run.json")))
    assert opened["execution"] == second
    assert datetime.fromisoformat(opened["started_utc"]) >= find_entry(stack, first, "Close"), "the second must wait"
    ledger = read_ledger(stack, "twice")
    assert {name: line[0] for name, line in ledger.items()} == {one.name: "aurora", other.name: "aurora"}
    detections = stack.emulator.client("s3").list_objects_v2(
        Bucket=stack.outputs["DetectionsBucketName"], Prefix="runs/twice/detections/"
    )
    assert detections["KeyCount"] == 2
    assert list_work(stack, RunKeys("twice").lock) == []


def test_batch_with_an_odd_name_has_a_legal_run_and_takes_over_the_lock_of_an_ended_execution(
    stack: Stack, auroras: list[Path]
) -> None:
    prefix = "incoming/_a b+c/ü%20/"
    run_id = name_run(prefix)
    ended = json.dumps({"holder": start(stack, prefix="")}).encode()
    lock = {"Bucket": stack.outputs["WorkBucketName"], "Key": RunKeys(run_id).lock}
    stack.emulator.client("s3").put_object(**lock, Body=ended)
    put(stack, f"{prefix}a b+ü.fits.gz", auroras[0].read_bytes())
    put(stack, f"{prefix}x_READY", b"")
    put(stack, f"{prefix}_READY", b"")
    wait_for_ledger(stack, run_id)
    ledger = read_ledger(stack, run_id)
    assert ledger == {"a b+ü.fits.gz": ["aurora", ""], "x_READY": ["ignored", "not_fits_name"]}


def wait_for_ledger(stack: Stack, run_id: str, timeout_s: float = 120) -> None:
    """Wait until the execution of a run has written its results and is unlocked."""
    s3, results, keys = stack.emulator.client("s3"), stack.outputs["DetectionsBucketName"], RunKeys(run_id)

    def has_ended() -> bool:
        written = s3.list_objects_v2(Bucket=results, Prefix=keys.product("run.json")).get("KeyCount")
        return bool(written) and not list_work(stack, keys.lock)

    wait_until(has_ended, timeout_s, f"the run {run_id} did not end")


@contextmanager
def configured(stack: Stack, pattern: str, **variables: str) -> Iterator[None]:
    """Let functions of the stack have other variables: not their versions, which cannot be changed."""
    functions, workflow = stack.emulator.client("lambda"), stack.emulator.client("stepfunctions")
    machine = {"stateMachineArn": stack.outputs["StateMachineArn"]}
    definition = workflow.describe_state_machine(**machine)["definition"]
    unpublished, count = re.subn(rf"(:function:rehearsal-{pattern}-[^:\"]+):\d+", r"\1", definition)
    assert count, "the state machine must name versions"
    names = {found[1] for found in re.finditer(rf":function:(rehearsal-{pattern}-[^:\"]+)", unpublished)}
    before = {name: functions.get_function_configuration(FunctionName=name)["Environment"] for name in names}
    for name, environment in before.items():
        changed = {"Variables": environment["Variables"] | variables}
        functions.update_function_configuration(FunctionName=name, Environment=changed)
    workflow.update_state_machine(**machine, definition=unpublished)
    try:
        yield
    finally:
        for name, environment in before.items():
            functions.update_function_configuration(FunctionName=name, Environment=environment)
        workflow.update_state_machine(**machine, definition=definition)


def broken(stack: Stack, function: str) -> AbstractContextManager[None]:
    """Let a function of the stack write to a bucket that does not exist."""
    return configured(stack, function, WORK_BUCKET="no-such-bucket")


def test_run_whose_every_input_fails_has_a_ledger_and_can_be_started_again(stack: Stack, auroras: list[Path]) -> None:
    put(stack, "incoming/outage/x.fits.gz", auroras[0].read_bytes())
    with broken(stack, "Preprocess"):
        execution = wait(stack, start(stack, prefix="incoming/outage/"))
    assert (execution["status"], execution["error"]) == ("FAILED", "TooManyFilesFailed")
    assert "1 failed" in execution["cause"]
    assert read_ledger(stack, "outage") == {"x.fits.gz": ["failed", "no_record"]}
    assert list_work(stack, RunKeys("outage").lock) == []
    assert wait(stack, start(stack, prefix="incoming/outage/"))["status"] == "SUCCEEDED"
    assert read_ledger(stack, "outage")["x.fits.gz"][0] == "aurora"


def test_one_failure_of_six_does_not_fail_the_run(stack: Stack) -> None:
    for number in range(5):
        put(stack, f"incoming/six/{number}.fits", b"not FITS")
    put(stack, "incoming/six/archived.fits", b"not FITS", StorageClass="GLACIER")
    execution = wait(stack, start(stack, prefix="incoming/six/"))
    assert execution["status"] == "SUCCEEDED", execution
    assert json.loads(execution["output"])["counts"]["failed"] == 1
    assert read_ledger(stack, "six")["archived.fits"] == ["failed", "no_record"]


def find_map_runs(stack: Stack, execution_arn: str) -> list[dict[str, Any]]:
    workflow = stack.emulator.client("stepfunctions")
    runs = workflow.list_map_runs(executionArn=execution_arn)["mapRuns"]
    files = [item["mapRunArn"] for item in runs if "/EachFile:" in item["mapRunArn"]]
    return [workflow.describe_map_run(mapRunArn=arn) for arn in files]


def test_input_whose_child_failed_is_processed_in_a_second_pass(stack: Stack, auroras: list[Path]) -> None:
    key = "incoming/passes/x.fits.gz"
    put(stack, "incoming/passes/bad.fits", b"not FITS")
    put(stack, key, auroras[0].read_bytes())
    with (
        run_proxy(stack.emulator.environment["AWS_ENDPOINT_URL"], archived=[key]) as proxy,
        configured(stack, "Preprocess", AWS_ENDPOINT_URL_S3=proxy.url),
    ):
        execution = wait(stack, start(stack, prefix="incoming/passes/"))
    assert execution["status"] == "SUCCEEDED", execution
    counts = [run["itemCounts"] for run in find_map_runs(stack, execution["executionArn"])]
    assert sorted((count["total"], count["failed"]) for count in counts) == [(1, 0), (2, 1)]
    assert read_ledger(stack, "passes")["x.fits.gz"][0] == "aurora"


def test_run_in_which_a_step_dies_has_a_ledger_and_can_be_started_again(stack: Stack, auroras: list[Path]) -> None:
    put(stack, "incoming/dies/x.fits.gz", auroras[0].read_bytes())
    with broken(stack, "Tally"):
        execution = wait(stack, start(stack, prefix="incoming/dies/"))
    assert execution["status"] == "FAILED"
    assert "NoSuchBucket" in execution["cause"]
    assert read_ledger(stack, "dies") == {"x.fits.gz": ["failed", "run_failed"]}
    assert list_work(stack, RunKeys("dies").lock) == []
    assert wait(stack, start(stack, prefix="incoming/dies/"))["status"] == "SUCCEEDED"
    assert read_ledger(stack, "dies")["x.fits.gz"][0] == "aurora"
