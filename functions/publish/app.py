"""Put the model archive of this function into the work bucket: a custom resource of CloudFormation.

A model or an archive that an update has replaced is kept for a day, because runs that started before use it. A daily
invocation deletes it. The function has no layer, so it imports nothing of the package.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import urllib.request
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ARCHIVE = Path(__file__).with_name("model.tar.gz")
FOLDER = "models/"
KEPT = timedelta(days=1)
logger = logging.getLogger(__name__)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if "RequestType" not in event:
        return {"deleted": delete_replaced(datetime.now(UTC) - KEPT)}
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"PhysicalResourceId": event.get("PhysicalResourceId", "none"), "Status": "SUCCESS"}
    try:
        answer |= process(event)
    except Exception as error:  # an unanswered request would block the stack until its timeout
        logger.exception("%s failed", event["RequestType"])
        answer |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"}
    send(event["ResponseURL"], answer)
    return answer


def process(event: dict[str, Any]) -> dict[str, Any]:
    """Carry out a request of CloudFormation; return the additional fields of the answer."""
    key = name_key()
    if event["RequestType"] != "Delete":
        connect("s3").upload_file(str(ARCHIVE), bucket(), key)
        return {"PhysicalResourceId": key, "Data": {"Url": f"s3://{bucket()}/{key}"}}
    if event["PhysicalResourceId"] == key:  # the stack is deleted; otherwise an update has replaced the archive
        delete_models()
        delete_archives(list_archives())
    return {}


def delete_replaced(before: datetime) -> int:
    """Delete all but the current archive, and their models, if it was put before a time; return how many archives."""
    current, put = name_key(), list_archives()
    if set(put) <= {current} or put.get(current, before) >= before:
        return 0
    delete_models(but=f"s3://{bucket()}/{current}")
    return delete_archives(put.keys() - {current})


def list_archives() -> dict[str, datetime]:
    """Return the time at which each archive was put, by key."""
    pages = connect("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket(), Prefix=FOLDER)
    return {item["Key"]: item["LastModified"] for page in pages for item in page.get("Contents", [])}


def delete_archives(keys: Collection[str]) -> int:
    """Delete objects; return how many."""
    s3 = connect("s3")
    for key in keys:
        s3.delete_object(Bucket=bucket(), Key=key)
    return len(keys)


def delete_models(but: str = "") -> None:
    """Delete the models whose archives are, or were, in the bucket, except those of one archive."""
    sagemaker = connect("sagemaker")
    pages = sagemaker.get_paginator("list_models").paginate()
    for name in [item["ModelName"] for page in pages for item in page["Models"]]:
        url = sagemaker.describe_model(ModelName=name).get("PrimaryContainer", {}).get("ModelDataUrl", "")
        if url.startswith(f"s3://{bucket()}/{FOLDER}") and url != but:
            sagemaker.delete_model(ModelName=name)


def name_key() -> str:
    with ARCHIVE.open("rb") as file:
        return f"{FOLDER}{hashlib.file_digest(file, 'sha256').hexdigest()}.tar.gz"


def bucket() -> str:
    return os.environ["WORK_BUCKET"]


def connect(service: str) -> Any:  # noqa: ANN401 -- the type depends on the service
    import boto3  # noqa: PLC0415 -- importing the module creates no client

    return boto3.client(service)  # type: ignore[call-overload]  # -- one overload a service


def send(url: str, answer: dict[str, Any]) -> None:
    body = json.dumps(answer).encode()
    request = urllib.request.Request(url, body, {"Content-Type": ""}, method="PUT")  # noqa: S310 -- of CloudFormation
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310 -- as above
        pass
