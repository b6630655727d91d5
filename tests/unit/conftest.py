"""Fixtures: buckets simulated in the process of the test."""

from collections.abc import Iterator
from threading import Lock

import boto3
import pytest
from moto import mock_aws
from moto.s3.responses import S3Response

from mars_aurora.run.storage import S3Storage


@pytest.fixture
def buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, S3Storage]]:
    """Storages in empty buckets, by name. Writes with a condition are atomic, as those of S3 are and moto's are not."""
    put, lock = S3Response.put_object, Lock()

    def put_alone(response: S3Response) -> object:
        with lock:
            return put(response)

    monkeypatch.setattr(S3Response, "put_object", put_alone)
    with mock_aws():
        client = boto3.client("s3", "us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106 -- simulated
        names = ("inputs", "others", "work", "detections")
        for name in names:
            client.create_bucket(Bucket=name)
        yield {name: S3Storage(client, name) for name in names}
