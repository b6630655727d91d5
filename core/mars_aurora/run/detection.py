"""Where the candidates of a run in the cloud are detected: by a transform job on SageMaker, or on Lambda."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any

from mars_aurora.run.keys import is_fits
from mars_aurora.run.messages import TallyRequest

_CAUSE_LENGTH = 300
_MEANINGS = {
    "SageMaker.ResourceLimitExceededException": "the account's quota does not allow the instance",
    "States.Timeout": "the job took longer than its time limit",
}


class Detection(StrEnum):
    """Where the candidates without a prediction are detected; ``none``: there are none."""

    NONE = "none"
    SAGEMAKER = "sagemaker"
    LAMBDA = "lambda"


def choose_path(request: TallyRequest, candidates: int, undetected: int) -> tuple[Detection, str]:
    """Choose where the candidates without a prediction are detected; say in words where all are detected, and why.

    A transform job is the default. After one, which may have failed, the rest is detected on Lambda.
    """
    if request.transform:
        return _after_transform(request, undetected)
    if not undetected:
        done = f": {_count(candidates)}, all with a prediction by these weights" if candidates else ": no candidates"
        return Detection.NONE, f"no detection{done}"
    if request.no_transform:
        return Detection.LAMBDA, f"on Lambda: {request.no_transform}"
    if is_fits(request.prefix):
        return Detection.LAMBDA, "on Lambda: the run is of a single file"
    if undetected <= request.detect_on_lambda_up_to:
        limit = request.detect_on_lambda_up_to
        return Detection.LAMBDA, f"on Lambda: {_count(undetected)}, and up to {limit} are detected there"
    return Detection.SAGEMAKER, f"on SageMaker: {_count(undetected)}"


def _after_transform(request: TallyRequest, undetected: int) -> tuple[Detection, str]:
    path = Detection.LAMBDA if undetected else Detection.NONE
    failed = (
        f"; the transform job failed: {explain_transform(request.transform)}" if "Error" in request.transform else ""
    )
    rest = f"; {_count(undetected)} left, and detected on Lambda" if undetected else ""
    return path, f"{request.detected}{failed}{rest}"


def _count(candidates: int) -> str:
    return f"{candidates} candidate{'' if candidates == 1 else 's'}"


def explain_transform(failure: Mapping[str, Any]) -> str:
    """Return why a transform job failed; the cause of a job that was started is its description as JSON."""
    error, cause = str(failure.get("Error", "")), str(failure.get("Cause", ""))
    with suppress(ValueError, TypeError, AttributeError, KeyError):
        described = json.loads(cause)
        cause = described.get("FailureReason") or f"its status is {described['TransformJobStatus']}"
    said = " ".join([_MEANINGS.get(error, ""), f"({error})" if error in _MEANINGS else error]).strip()
    return f"{said}: {cause[:_CAUSE_LENGTH]}" if cause else said
