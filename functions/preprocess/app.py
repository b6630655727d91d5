"""Read one FITS object and write its picture and geometry."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from mars_aurora.run.aws import connect
from mars_aurora.run.messages import PreprocessRequest
from mars_aurora.run.resources import measure_resources
from mars_aurora.run.settings import Settings
from mars_aurora.run.stamps import Reading
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.preprocess import preprocess

logger = Logger()
tracer = Tracer()
metrics = Metrics()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = PreprocessRequest.from_event(event)
    logger.append_keys(run_id=request.run_id, name=request.name)
    settings = Settings.from_env(os.environ)
    inputs, work = S3Storage(connect("s3"), request.bucket), S3Storage(connect("s3"), settings.work_bucket)
    reading = Reading(cleaning=settings.cleaning)
    result, used = measure_resources(lambda: preprocess(request, inputs, work, reading))
    metrics.add_metric("preprocess_ms", MetricUnit.Milliseconds, used.milliseconds)
    metrics.add_metric("preprocess_memory_MB", MetricUnit.Megabytes, used.memory_MB)
    logger.info("preprocess done", result=result.to_event(), **asdict(used))
    return result.to_event()
