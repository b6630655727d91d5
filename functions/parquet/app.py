"""Write GeoParquet and the files of a run in the data set. It has no layer: pyarrow leaves no room for it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from mars_aurora.run.aws import connect
from mars_aurora.run.messages import ParquetRequest
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.parquet import parquet

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request, settings = ParquetRequest.from_event(event), Settings.from_env(os.environ)
    logger.append_keys(run_id=request.run_id)
    work, detections = (S3Storage(connect("s3"), name) for name in (settings.work_bucket, settings.detections_bucket))
    with ThreadPoolExecutor(8) as readers:
        result = parquet(request, work, detections, readers.map)
    logger.info("parquet done", result=result.to_event())
    return result.to_event()
