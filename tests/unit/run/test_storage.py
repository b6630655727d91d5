"""Behavior shared by folder and bucket storage, then behavior of only one of them."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from mars_aurora.errors import ChangedError, TransientError, UsageError
from mars_aurora.run import aws
from mars_aurora.run.storage import FolderStorage, S3Storage, Storage, Version

NAMES = [
    "plain.fits",
    "2022/03/x.fits.gz",
    "with space.fits",
    "a#b?c.fits",
    "a+b&c=d%20.fits",
    "Öl/火星.fits",
    "two\nlines.fits",
    "x.fits/inside.fits",
    "-rf.fits",
]


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "folder":
        yield FolderStorage(tmp_path / "created on first use")
        return
    with mock_aws():
        client = _client()
        client.create_bucket(Bucket="work-bucket")
        yield S3Storage(client, "work-bucket")


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def _client():
    return boto3.client("s3")


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_results_of_a_function_are_in_the_order_of_the_items(storage: Storage, monkeypatch, at_once: int):
    monkeypatch.setattr("mars_aurora.run.storage._AT_ONCE", at_once)
    for number in range(5):
        storage.put(f"{number}.json", str(number).encode())
    keys = (f"{number}.json" for number in (4, 0, 3, 1))
    assert list(storage.map(storage.get, keys)) == [b"4", b"0", b"3", b"1"]
    with pytest.raises(KeyError, match="missing"):
        list(storage.map(storage.get, ["1.json", "missing"]))


@pytest.mark.parametrize("name", NAMES)
def test_object_can_be_read_listed_and_found(storage: Storage, name: str):
    storage.put(f"runs/r/{name}", b"\0bytes")
    assert storage.get(f"runs/r/{name}") == b"\0bytes"
    assert storage.size(f"runs/r/{name}") is not None
    assert storage.list("runs/r/") == [f"runs/r/{name}"]
    with storage.local_file(f"runs/r/{name}", storage.version(f"runs/r/{name}")) as path:
        assert path.read_bytes() == b"\0bytes"


def test_second_put_replaces_the_first(storage: Storage):
    storage.put("key", b"a longer first")
    storage.put("key", b"second")
    assert storage.get("key") == b"second"
    assert storage.list("") == ["key"]


def test_missing_key_raises_key_error(storage: Storage):
    with pytest.raises(KeyError, match="nowhere/at all"):
        storage.get("nowhere/at all")
    assert storage.size("nowhere/at all") is None


def test_deleting_a_missing_key_is_not_an_error(storage: Storage):
    storage.put("key", b"")
    storage.delete("key")
    storage.delete("key")
    assert storage.size("key") is None
    assert storage.list("") == []


def test_prefix_need_not_end_at_a_slash(storage: Storage):
    for key in ("a/one.png", "a/two.png", "ab/three.png", "b.png"):
        storage.put(key, b"")
    assert storage.list("a/") == ["a/one.png", "a/two.png"]
    assert storage.list("a") == ["a/one.png", "a/two.png", "ab/three.png"]
    assert storage.list("a/t") == ["a/two.png"]
    assert storage.list("c/") == []
    assert len(storage.list("")) == 4


def test_parent_of_an_object_is_not_an_object(storage: Storage):
    storage.put("a/b.png", b"")
    assert storage.size("a") is None
    with pytest.raises(KeyError):
        storage.get("a")


def test_more_keys_than_fit_on_a_page_are_listed(storage: Storage):
    keys = sorted(f"many/{number}" for number in range(1001))
    for key in keys:
        storage.put(key, b"")
    assert storage.list("many/") == keys


@pytest.mark.parametrize("key", ["../outside", "runs/../../outside", "/etc/hostname"])
def test_key_outside_the_folder_is_a_usage_error(tmp_path: Path, key: str):
    (tmp_path / "outside").write_bytes(b"unchanged")
    storage = FolderStorage(tmp_path / "inside")
    for operation in (storage.get, storage.size, storage.delete, lambda key: storage.put(key, b"")):
        with pytest.raises(UsageError, match="is outside the folder"):
            operation(key)
    assert (tmp_path / "outside").read_bytes() == b"unchanged"


def test_folder_writes_are_atomic(tmp_path: Path):
    storage = FolderStorage(tmp_path)
    whole = [bytes([byte]) * 3_000_000 for byte in range(8)]
    storage.put("key", whole[0])
    writer = threading.Thread(target=lambda: [storage.put("key", data) for data in whole])
    writer.start()
    seen = []
    while writer.is_alive() or not seen:
        seen.append(storage.get("key") in whole)
        assert storage.list("") == ["key"]
    writer.join()
    assert all(seen)


def test_failed_put_keeps_the_old_file_and_leaves_no_other(tmp_path: Path):
    storage = FolderStorage(tmp_path)
    storage.put("key", b"old")
    with pytest.raises(TypeError):
        storage.put("key", "text is not bytes")
    assert storage.get("key") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_temporary_file_of_a_killed_writer_is_not_listed(tmp_path: Path):
    storage = FolderStorage(tmp_path)
    (tmp_path / f".aside-{'0' * 32}").write_bytes(b"half")
    storage.put(".aside-x.fits", b"an input whose name begins like that of a temporary file")
    assert storage.list("") == [".aside-x.fits"]


def test_temporary_files_of_killed_writers_are_deleted(tmp_path: Path):
    storage = FolderStorage(tmp_path)
    storage.put("runs/r/.aside-x.fits.png", b"finished")
    for folder in ("runs/r", "runs/other"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f".aside-{'0' * 32}").write_bytes(b"half")
    storage.delete_unfinished("runs/r/")
    assert [path.name for path in (tmp_path / "runs/r").iterdir()] == [".aside-x.fits.png"]
    assert list((tmp_path / "runs/other").iterdir())


def test_error_of_writing_names_the_file_and_leaves_no_other(tmp_path: Path):
    storage = FolderStorage(tmp_path)
    (tmp_path / "a.json").mkdir()
    with pytest.raises(IsADirectoryError, match=rf"Is a directory: '{tmp_path}/a.json'"):
        storage.put("a.json", b"data")
    storage.put("file", b"")
    with pytest.raises(OSError, match=f"'{tmp_path}/file/x'"):
        storage.put("file/x", b"data")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "file"]


def test_folder_in_place_of_a_file_is_not_a_file(tmp_path: Path):
    storage = FolderStorage(tmp_path)
    (tmp_path / "a.json").mkdir()
    assert storage.size("a.json") is None
    assert storage.list("") == []
    with pytest.raises(KeyError):
        storage.get("a.json")


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("SlowDown", 503, TransientError),
        ("InternalError", 500, TransientError),
        ("RequestTimeout", 400, TransientError),
        ("NoSuchKey", 404, KeyError),
        ("AccessDenied", 403, ClientError),
        ("ConditionalRequestConflict", 409, TransientError),
        ("TooManyRequestsException", 429, TransientError),
    ],
)
def test_s3_errors_are_translated_by_code_and_status(
    code: str, status: int, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(aws, "LAST_ATTEMPT_S", 0)
    client = _client()
    with Stubber(client) as stub:
        stub.add_client_error("get_object", code, http_status_code=status)
        with pytest.raises(expected):
            S3Storage(client, "work-bucket").get("key")


def test_unreachable_bucket_is_a_transient_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(aws, "LAST_ATTEMPT_S", 0)
    client = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:9",
        config=boto3.session.Config(retries={"total_max_attempts": 1}, connect_timeout=1),
    )
    with pytest.raises(TransientError, match="s3://work-bucket/key"):
        S3Storage(client, "work-bucket").get("key")


def test_s3_objects_have_a_content_type():
    with mock_aws():
        client = _client()
        client.create_bucket(Bucket="work-bucket")
        S3Storage(client, "work-bucket").put("runs/r/candidates/x.fits.png", b"")
        head = client.head_object(Bucket="work-bucket", Key="runs/r/candidates/x.fits.png")
        assert head["ContentType"] == "image/png"


def test_request_is_repeated_after_a_transient_error():
    client = _client()
    with Stubber(client) as stub:
        for code, status in (("SlowDown", 503), ("InternalError", 500)):
            stub.add_client_error("head_object", code, http_status_code=status)
        stub.add_response("head_object", {"ContentLength": 3, "ETag": '"0123"'})
        assert S3Storage(client, "work-bucket").version("key") == Version(3, etag="0123")
        stub.assert_no_pending_responses()


def test_conditional_writes_of_s3_depend_on_the_etag(buckets: dict[str, S3Storage]):
    storage = buckets["work"]
    assert storage.put_if("key", b"first")
    assert not storage.put_if("key", b"second")
    data, etag = storage.get_tagged("key")
    assert data == b"first"
    assert not storage.put_if("key", b"second", "0" * 32)
    assert storage.put_if("key", b"second", etag)
    assert not storage.delete_if("key", etag)
    assert storage.delete_if("key", storage.version("key").etag)
    assert not storage.put_if("key", b"third", etag)
    assert storage.list("") == []


def test_listed_objects_of_s3_have_size_and_etag(buckets: dict[str, S3Storage]):
    for key in ("b", "a/ü +.fits"):
        buckets["work"].put(key, key.encode())
    assert buckets["work"].list_versions("") == [(key, buckets["work"].version(key)) for key in ("a/ü +.fits", "b")]


@pytest.mark.parametrize(
    "change", [lambda storage: storage.put("key", b"another"), lambda storage: storage.delete("key")]
)
def test_object_of_s3_that_changed_since_it_was_listed_is_not_read(buckets: dict[str, S3Storage], change):
    storage = buckets["work"]
    storage.put("key", b"as listed")
    version = storage.version("key")
    change(storage)
    with (
        pytest.raises(ChangedError, match=r"/key: the object was (replaced|removed) during the run"),
        storage.local_file("key", version),
    ):
        pass


def test_timeouts_are_shorter_than_those_of_every_function():
    """A request that times out again and again ends before the function does."""
    template = (Path(__file__).parents[3] / "template.yaml").read_text()
    shortest_s = min(map(int, re.findall(r"^      Timeout: (\d+)$", template, re.MULTILINE)))
    assert shortest_s > aws.LAST_ATTEMPT_S + aws.CONNECT_TIMEOUT_S + aws.READ_TIMEOUT_S
    config = aws.connect.__wrapped__("s3").meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.retries["total_max_attempts"] == 1
