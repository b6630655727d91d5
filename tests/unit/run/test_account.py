"""What the AWS account tells."""

import pytest
from botocore.stub import Stubber

from mars_aurora.errors import TransientError
from mars_aurora.run import aws
from mars_aurora.run.account import Account

ARN = "arn:aws:states:us-east-1:123456789012:execution:machine:x"


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> dict:
    for name, value in {"ACCESS_KEY_ID": "none", "SECRET_ACCESS_KEY": "none", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr(aws, "LAST_ATTEMPT_S", 0)
    return {name: aws.connect.__wrapped__(name) for name in ("stepfunctions", "lambda")}


@pytest.mark.parametrize(
    ("status", "running"),
    [("RUNNING", True), ("PENDING_REDRIVE", True), ("SUCCEEDED", False), ("ABORTED", False), ("TIMED_OUT", False)],
)
def test_execution_runs_until_it_has_ended(clients: dict, status: str, running: bool) -> None:  # noqa: FBT001 -- a test parameter
    answer = {"executionArn": ARN, "stateMachineArn": ARN, "status": status, "startDate": 0}
    with Stubber(clients["stepfunctions"]) as stub:
        stub.add_response("describe_execution", answer, {"executionArn": ARN})
        assert Account(*clients.values()).is_running(ARN) is running


def test_forgotten_execution_does_not_run(clients: dict) -> None:
    with Stubber(clients["stepfunctions"]) as stub:
        stub.add_client_error("describe_execution", "ExecutionDoesNotExist", http_status_code=400)
        assert not Account(*clients.values()).is_running(ARN)


def test_throttling_is_a_transient_error(clients: dict) -> None:
    with Stubber(clients["stepfunctions"]) as stub:
        stub.add_client_error("describe_execution", "ThrottlingException", http_status_code=400)
        with pytest.raises(TransientError, match="execution:machine:x"):
            Account(*clients.values()).is_running(ARN)


def test_concurrency_is_what_is_not_reserved(clients: dict) -> None:
    with Stubber(clients["lambda"]) as stub:
        limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 700}
        stub.add_response("get_account_settings", {"AccountLimit": limits})
        assert Account(*clients.values()).concurrency() == 700
