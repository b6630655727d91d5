"""Fixtures: buckets simulated in the process of the test."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from mars_aurora.run.storage import S3Storage


@pytest.fixture
def buckets() -> Iterator[dict[str, S3Storage]]:
    """Storages in empty buckets, by name."""
    with mock_aws():
        client = boto3.client("s3", "us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106 -- simulated
        names = ("inputs", "others", "work", "detections")
        for name in names:
            client.create_bucket(Bucket=name)
        yield {name: S3Storage(client, name) for name in names}
