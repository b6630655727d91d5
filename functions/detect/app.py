"""Run the detector on one candidate of a run."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from mars_aurora.detect.detectors import describe_detector, load_detector
from mars_aurora.run.aws import connect
from mars_aurora.run.messages import DetectRequest
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.detect import detect

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = DetectRequest.from_event(event)
    settings = Settings.from_env(os.environ)
    detector = load_detector(settings.detector)
    result = detect(
        request, S3Storage(connect("s3"), settings.work_bucket), detector, describe_detector(settings.detector)
    )
    logger.info("detect done", result=result.to_event())
    return result.to_event()
