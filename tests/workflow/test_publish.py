"""The function that puts the model archive into the work bucket, as CloudFormation and its schedule call it."""

import importlib.util
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

SOURCE = Path(__file__).parents[2] / "functions" / "publish" / "app.py"
ROLE = "arn:aws:iam::123456789012:role/model"
IDS = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "ModelArchive"}
Load = Callable[[bytes], ModuleType]


def key(data: bytes) -> str:
    return f"models/{sha256(data).hexdigest()}.tar.gz"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("WORK_BUCKET", "bucket-of-runs")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket-of-runs")
        boto3.client("s3").put_object(Bucket="bucket-of-runs", Key="runs/a/run.json", Body=b"{}")
        yield


@pytest.fixture
def load(aws: None, tmp_path: Path) -> Load:
    """Load the function with an archive of this content."""

    def load_with(archive: bytes) -> ModuleType:
        (tmp_path / "app.py").write_bytes(SOURCE.read_bytes())
        (tmp_path / "model.tar.gz").write_bytes(archive)
        spec = importlib.util.spec_from_file_location("publish_app", tmp_path / "app.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load_with


@pytest.fixture
def answers() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The URL to which CloudFormation has answers sent, and the answers."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}/", received
    server.shutdown()
    server.server_close()


def stored() -> set[str]:
    return {item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket="bucket-of-runs").get("Contents", [])}


def create_model(name: str, url: str) -> None:
    container = {"Image": "image", "ModelDataUrl": url}
    boto3.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)


def models() -> set[str]:
    return {item["ModelName"] for item in boto3.client("sagemaker").list_models()["Models"]}


def test_created_resource_has_the_hash_in_key_and_id(load: Load, answers: tuple[str, list[dict[str, Any]]]) -> None:
    url, received = answers
    load(b"one").handler(IDS | {"RequestType": "Create", "ResponseURL": url}, None)
    assert received == [
        {
            **IDS,
            "Status": "SUCCESS",
            "PhysicalResourceId": key(b"one"),
            "Data": {"Url": f"s3://bucket-of-runs/{key(b'one')}"},
        }
    ]
    assert key(b"one") in stored()


def test_update_keeps_the_old_archive_and_its_model_for_a_day(
    load: Load, answers: tuple[str, list[dict[str, Any]]]
) -> None:
    url, received = answers
    load(b"one").handler(IDS | {"RequestType": "Create", "ResponseURL": url}, None)
    create_model("old", f"s3://bucket-of-runs/{key(b'one')}")
    create_model("foreign", "s3://other/model.tar.gz")
    updated = load(b"two")
    old = {"PhysicalResourceId": key(b"one"), "ResponseURL": url}
    updated.handler(IDS | old | {"RequestType": "Update"}, None)
    create_model("new", f"s3://bucket-of-runs/{key(b'two')}")
    updated.handler(IDS | old | {"RequestType": "Delete"}, None)
    assert [item["PhysicalResourceId"] for item in received] == [key(b"one"), key(b"two"), key(b"one")]
    assert updated.handler({}, None) == {"deleted": 0}
    assert {key(b"one"), key(b"two")} <= stored()
    assert models() == {"old", "new", "foreign"}

    assert updated.delete_replaced(datetime.now(UTC) + timedelta(seconds=5)) == 1
    assert stored() == {key(b"two"), "runs/a/run.json"}
    assert models() == {"new", "foreign"}


def test_nothing_is_deleted_where_the_current_archive_is_missing(load: Load) -> None:
    boto3.client("s3").put_object(Bucket="bucket-of-runs", Key=key(b"one"), Body=b"one")
    assert load(b"two").handler({}, None) == {"deleted": 0}
    assert key(b"one") in stored()


@pytest.mark.parametrize("emptied", [[], [b"one", b"two"]])
def test_deleted_stack_leaves_no_archive_and_no_model(
    load: Load, answers: tuple[str, list[dict[str, Any]]], emptied: list[bytes]
) -> None:
    url, _ = answers
    for archive in (b"one", b"two"):
        load(archive).handler(IDS | {"RequestType": "Create", "ResponseURL": url}, None)
        if archive in emptied:
            boto3.client("s3").delete_object(Bucket="bucket-of-runs", Key=key(archive))
    create_model("old", f"s3://bucket-of-runs/{key(b'one')}")
    create_model("foreign", "s3://other/models/model.tar.gz")
    event = IDS | {"RequestType": "Delete", "ResponseURL": url, "PhysicalResourceId": key(b"two")}
    load(b"two").handler(event, None)
    assert stored() == {"runs/a/run.json"}
    assert models() == {"foreign"}


def test_failure_is_reported_to_cloudformation(
    load: Load, answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, (received) = answers
    monkeypatch.setenv("WORK_BUCKET", "missing")
    load(b"one").handler(IDS | {"RequestType": "Create", "ResponseURL": url}, None)
    assert received[0]["Status"] == "FAILED"
    assert "NoSuchBucket" in received[0]["Reason"]
    assert received[0]["PhysicalResourceId"] == "none"


def test_function_imports_nothing_of_the_package_and_creates_no_client() -> None:
    source = SOURCE.read_text()
    assert "mars_aurora." not in source
    assert "\nimport boto3" not in source
