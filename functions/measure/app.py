"""Measure the detected auroras of one slice of the inputs of a run."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from mars_aurora.run.aws import connect
from mars_aurora.run.messages import MeasureRequest
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.measure import measure

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = MeasureRequest.from_event(event)
    settings = Settings.from_env(os.environ)
    work, detections = (S3Storage(connect("s3"), name) for name in (settings.work_bucket, settings.detections_bucket))
    with ThreadPoolExecutor(8) as readers:  # both S3 requests and numpy release the interpreter lock
        result = measure(request, work, detections, readers.map)
    logger.info("measure done", result=result.to_event())
    return result.to_event()
