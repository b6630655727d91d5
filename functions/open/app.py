"""Open a run: check the request, lock the run, list its inputs."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from mars_aurora.run.account import Account
from mars_aurora.run.aws import connect
from mars_aurora.run.messages import OpenRequest
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.open import open_run

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = OpenRequest.from_event(event)
    settings = Settings.from_env(os.environ)
    account = Account(connect("stepfunctions"), connect("lambda"))
    result = open_run(request, settings, account, partial(S3Storage, connect("s3")))
    logger.append_keys(run_id=result.run_id)
    logger.info("open done", result=result.to_event())
    return result.to_event()
