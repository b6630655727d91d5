"""Stitch the pictures of observation sets of a run."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from mars_aurora.run.aws import connect
from mars_aurora.run.messages import StitchRequest
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.stitch import stitch

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = StitchRequest.from_event(event)
    logger.append_keys(run_id=request.run_id)
    settings = Settings.from_env(os.environ)
    work, detections = (S3Storage(connect("s3"), name) for name in (settings.work_bucket, settings.detections_bucket))
    result = stitch(request, work, detections)
    logger.info("stitch done", result=result.to_event())
    return result.to_event()
