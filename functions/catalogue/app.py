"""Write the ledger and the catalogue of a run."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from mars_aurora.run.aws import connect
from mars_aurora.run.messages import CatalogueRequest
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.catalogue import catalogue

logger = Logger()
tracer = Tracer()
metrics = Metrics()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request, settings = CatalogueRequest.from_event(event), Settings.from_env(os.environ)
    logger.append_keys(run_id=request.run_id)
    work, detections = (S3Storage(connect("s3"), name) for name in (settings.work_bucket, settings.detections_bucket))
    command = request.execution_arn
    made_by = describe_provenance(settings.detector, request.min_objects, command, cleaning=settings.cleaning)
    with ThreadPoolExecutor(8) as readers:
        result = catalogue(request, work, detections, made_by, readers.map)
    for name, count in {**result.counts, "listed": result.listed}.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.add_metric("rejected_percent", MetricUnit.Percent, 100 * result.counts["rejected"] / max(1, result.listed))
    logger.info("catalogue done", result=result.to_event())
    return result.to_event()
