"""Finding the deployed stack."""

import boto3
import pytest
from botocore.exceptions import ClientError

from mars_aurora.errors import UsageError
from mars_aurora.local.stack import connect

OUTPUTS = {
    "StateMachineArn": "machine",
    "InputBucketName": "inputs",
    "WorkBucketName": "work",
    "DetectionsBucketName": "detections",
}


class FakeClient:
    """A CloudFormation client that knows one stack."""

    def __init__(self, outputs: dict[str, str]) -> None:
        self.outputs = outputs

    def describe_stacks(self, StackName: str) -> dict:
        if StackName != "mars-aurora":
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
        return {"Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": self.outputs[key]} for key in self.outputs]}]}


def _use(monkeypatch: pytest.MonkeyPatch, outputs: dict[str, str]) -> None:
    monkeypatch.setattr(boto3, "client", lambda _service: FakeClient(outputs))


def test_stack_has_the_resources_of_the_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, OUTPUTS)
    stack = connect("mars-aurora")
    assert stack.state_machine_arn == "machine"
    assert (stack.input_bucket, stack.work_bucket, stack.detections_bucket) == ("inputs", "work", "detections")


def test_unknown_stack_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, OUTPUTS)
    with pytest.raises(UsageError, match="there is no stack 'other'"):
        connect("other")


def test_stack_of_another_application_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, {"StateMachineArn": "machine"})
    with pytest.raises(UsageError, match="has no output 'InputBucketName'"):
        connect("mars-aurora")
