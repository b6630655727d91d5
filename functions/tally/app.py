"""Compare the listed inputs with the records of a run."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from mars_aurora.run.account import Account
from mars_aurora.run.aws import connect
from mars_aurora.run.messages import TallyRequest
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.tally import tally

logger = Logger()
tracer = Tracer()
metrics = Metrics()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = TallyRequest.from_event(event)
    logger.append_keys(run_id=request.run_id)
    settings = Settings.from_env(os.environ)
    inputs, work = S3Storage(connect("s3"), request.bucket), S3Storage(connect("s3"), settings.work_bucket)
    account = Account(connect("stepfunctions"), connect("lambda"))
    result = tally(request, inputs, work, settings, account.count_items)
    metrics.add_metric("candidates", MetricUnit.Count, result.candidates)
    for seconds in request.transform_seconds:
        metrics.add_metric("transform_seconds", MetricUnit.Seconds, seconds)
        logger.info("transform done", transform_seconds=seconds, transform_job=request.transform["job"])
    logger.info("tally done", result=result.to_event())
    return result.to_event()
