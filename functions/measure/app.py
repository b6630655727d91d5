"""Measure the detected auroras of one slice of the inputs of a run."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from mars_aurora.run.aws import connect
from mars_aurora.run.messages import MeasureRequest
from mars_aurora.run.resources import measure_resources
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.measure import measure

logger = Logger()
tracer = Tracer()
metrics = Metrics()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request, settings = MeasureRequest.from_event(event), Settings.from_env(os.environ)
    logger.append_keys(run_id=request.run_id)
    work, detections = (S3Storage(connect("s3"), name) for name in (settings.work_bucket, settings.detections_bucket))
    with ThreadPoolExecutor(8) as readers:  # both S3 requests and numpy release the interpreter lock
        result, used = measure_resources(lambda: measure(request, work, detections, readers.map))
    metrics.add_metric("measure_ms", MetricUnit.Milliseconds, used.milliseconds)
    metrics.add_metric("measure_memory_MB", MetricUnit.Megabytes, used.memory_MB)
    logger.info("measure done", result=result.to_event(), **asdict(used))
    return result.to_event()
