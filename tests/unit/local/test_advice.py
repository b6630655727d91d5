"""Each expected error has a line that says what to do next."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from mars_aurora.errors import MarsAuroraError, ProductError, UsageError
from mars_aurora.local.advice import describe_error


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (NoRegionError(), "set AWS_DEFAULT_REGION to the region of the stack"),
        (NoCredentialsError(), "run `aws configure` or `aws sso login`, or set AWS_PROFILE"),
        (_refusal("ExpiredToken"), "log in again"),
        (_refusal("InvalidClientTokenId"), "`aws sts get-caller-identity` shows"),
        (_refusal("AccessDenied"), "`mars-aurora doctor` names the rights"),
        (EndpointConnectionError(endpoint_url="https://s3"), "check the network and the region"),
        (ProductError("catalogue.csv: 2 rows"), "repeat the command"),
        (PermissionError(13, "Permission denied", "/root/x"), "change its permissions, or use another folder"),
    ],
)
def test_failure_is_described_with_what_to_do_next(error, advice):
    line, code = describe_error(error)
    assert code == 1
    assert advice in line
    assert str(error).rstrip(".") in line


@pytest.mark.parametrize("error", [MarsAuroraError("the run failed"), OSError(5, "Input/output error")])
def test_failure_without_advice_is_described_by_itself(error):
    assert describe_error(error) == (str(error), 1)


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("matplotlib.axes", "this command needs matplotlib: pip install 'mars-aurora[plots]'"),
        ("resource", "this command needs Linux or macOS; on Windows, use the Windows Subsystem for Linux (WSL)"),
    ],
)
def test_missing_module_of_an_extra_or_of_the_system_is_a_usage_error(module, line):
    assert describe_error(ModuleNotFoundError("no module", name=module)) == (line, 2)


def test_usage_error_is_described_by_itself():
    assert describe_error(UsageError("wrong folder")) == ("wrong folder", 2)


@pytest.mark.parametrize("error", [ValueError("a bug"), ModuleNotFoundError("no module", name="mars_aurora.gone")])
def test_unexpected_error_is_not_described(error):
    assert describe_error(error) is None
