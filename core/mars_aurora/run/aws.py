"""Clients of AWS, and the translation of their errors. No other module of the pipeline imports boto3.

An operation is repeated by `attempt` and not by botocore, which does not repeat what fails after the first byte of a
body, and limits the number of attempts, not their time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.client import HTTPException
from typing import Any, TypeVar

from mars_aurora.errors import ChangedError, TransientError

Result = TypeVar("Result")
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 3, 10
LAST_ATTEMPT_S = 12  # no attempt starts later; with its timeouts the last one ends before any function times out
_MAX_DELAY_S = 2.0
_MISSING = {"404", "NoSuchKey", "NotFound"}
_PRECONDITION_FAILED = 412
_TOO_MANY_REQUESTS = 429
_TRANSIENT = {
    "ConditionalRequestConflict",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}


@cache
def connect(service: str) -> Any:  # noqa: ANN401 -- the type depends on the service
    """Return the client of a service, created at first use from the AWS environment variables."""
    import boto3  # noqa: PLC0415 -- local runs do not need boto3
    from botocore.config import Config  # noqa: PLC0415 -- local runs do not need boto3

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=32,
    )
    return boto3.client(service, config=config)  # type: ignore[call-overload]  # -- one overload a service


def attempt(operation: Callable[[], Result]) -> Result:
    """Run an operation; repeat it after a TransientError, with growing random delays, until `LAST_ATTEMPT_S`."""
    started_s, delay_s = time.monotonic(), 0.05
    while True:
        try:
            return operation()
        except TransientError:
            delay_s = min(2 * delay_s, _MAX_DELAY_S)
            if time.monotonic() + delay_s > started_s + LAST_ATTEMPT_S:
                raise
            time.sleep(delay_s * random.uniform(0.5, 1))  # noqa: S311 -- not a secret


@contextmanager
def translate_errors(name: str) -> Iterator[None]:
    """Translate errors of requests and of reading their bodies; ``name`` is the object or resource.

    Raises
    ------
    KeyError
        If there is no such object.
    ChangedError
        If the object does not fulfill the condition of the request.
    TransientError
        After throttling, outages, broken connections, timeouts and answers that are cut short or damaged.
    """
    from botocore import exceptions as aws  # noqa: PLC0415 -- local runs do not need boto3
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 -- local runs do not need boto3
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 -- local runs do not need boto3

    try:
        yield
    except aws.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _MISSING:
            raise KeyError(name) from error
        if status == _PRECONDITION_FAILED:
            raise ChangedError(f"{name}: the object was replaced during the run") from error
        if status >= 500 or status == _TOO_MANY_REQUESTS or code in _TRANSIENT:
            raise TransientError(f"{name}: {error}") from error
        raise
    except (
        aws.ConnectionError,
        aws.HTTPClientError,
        aws.IncompleteReadError,
        aws.ResponseStreamingError,
        aws.FlexibleChecksumError,
        ResponseParserError,
        HTTPError,
        HTTPException,
        OSError,
    ) as error:
        raise TransientError(f"{name}: {type(error).__name__}: {error}") from error
