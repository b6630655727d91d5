"""The deployed stack: its buckets and its state machine, read from the outputs of CloudFormation.

Region, account and endpoint come from the AWS environment variables, including AWS_ENDPOINT_URL for an emulator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from mars_aurora.errors import MarsAuroraError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

Answer = TypeVar("Answer")
_OUTPUTS = {
    "state_machine_arn": "StateMachineArn",
    "input_bucket": "InputBucketName",
    "work_bucket": "WorkBucketName",
    "detections_bucket": "DetectionsBucketName",
}


@dataclass(frozen=True)
class Stack:
    """Clients, resources and parameters of a deployed stack.

    ``detector_path`` says where the candidates of a batch are detected; it starts with ``SageMaker`` or ``Lambda``.
    ``log_group`` has the logs of the functions.
    """

    s3: S3Client
    workflow: SFNClient
    state_machine_arn: str
    input_bucket: str
    work_bucket: str
    detections_bucket: str
    detector_path: str = ""
    log_group: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


def connect(name: str) -> Stack:
    """Find a deployed stack by name.

    Raises UsageError if boto3 is not installed, or if there is no mars-aurora stack of that name.
    """
    try:
        import boto3
        from botocore.exceptions import ClientError
    except ModuleNotFoundError as error:
        raise UsageError("this command needs boto3: pip install 'mars-aurora[cloud]'") from error
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            raise UsageError(f"there is no stack {name!r} in this account and region: see --stack") from error
        raise
    outputs = {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])}
    parameters = {item["ParameterKey"]: item["ParameterValue"] for item in found.get("Parameters", [])}
    try:
        resources = {field: outputs[key] for field, key in _OUTPUTS.items()}
    except KeyError as error:
        raise UsageError(f"the stack {name!r} has no output {error}: it is not a mars-aurora stack") from None
    return Stack(
        boto3.client("s3"),
        boto3.client("stepfunctions"),
        **resources,
        detector_path=outputs.get("DetectorPath", ""),
        log_group=outputs.get("FunctionLogsName", ""),
        parameters=parameters,
    )


class RefusedError(MarsAuroraError):
    """AWS refused a request, or could not be reached."""


def make_client(service: str) -> Any:  # noqa: ANN401 -- the type depends on the service
    """Return the client of a service."""
    import boto3

    return boto3.client(service)  # type: ignore[call-overload]  # -- one overload a service


def ask(request: Callable[[], Answer]) -> Answer:
    """Return the answer to a request; raises RefusedError with the code of the error of AWS."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return request()
    except ClientError as error:
        raise RefusedError(error.response["Error"]["Code"]) from error
    except BotoCoreError as error:
        raise RefusedError(str(error)) from error
