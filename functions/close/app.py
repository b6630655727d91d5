"""Close a run: write the ledger if the run failed, and unlock the run."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from mars_aurora.run.aws import connect
from mars_aurora.run.messages import CloseRequest
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.close import close_run

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = CloseRequest.from_event(event)
    logger.append_keys(run_id=request.run_id)
    settings = Settings.from_env(os.environ)
    inputs, work = S3Storage(connect("s3"), request.bucket), S3Storage(connect("s3"), settings.work_bucket)
    result = close_run(request, inputs, work, S3Storage(connect("s3"), settings.detections_bucket))
    logger.info("close done", result=result.to_event())
    return result.to_event()
