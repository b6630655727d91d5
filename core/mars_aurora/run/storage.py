"""Storage in a folder or in S3. No other module of the pipeline imports boto3."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from mars_aurora.errors import TransientError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TEMPORARY = ".aside-"  # prefix of files being written; one may remain after a crash and is never listed
_MISSING = {"404", "NoSuchKey", "NotFound"}
_TRANSIENT = {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException"}
_PNG = "image/png"
_CONTENT_TYPES = {".png": _PNG, ".json": "application/json", ".csv": "text/csv", ".html": "text/html; charset=utf-8"}


class Source(Protocol):
    """Read-only storage of inputs, which are listed and read as local files."""

    def list(self, prefix: str) -> list[str]:
        """Return all keys that start with ``prefix``, sorted."""
        ...

    def local_file(self, key: str) -> AbstractContextManager[Path]:
        """Yield a local path from which to read the object, valid inside the ``with`` block."""
        ...


class Storage(Source, Protocol):
    """Storage of bytes by key. Writes are atomic; reading a missing key raises KeyError."""

    def get(self, key: str) -> bytes: ...

    def put(self, key: str, data: bytes) -> None: ...

    def exists(self, key: str) -> bool: ...

    def delete(self, key: str) -> None:
        """Remove the object if it exists."""
        ...


class FolderStorage:
    """Storage in a folder. Each file is written under a temporary name and then renamed, so writes are atomic.

    A key that resolves to a path outside the folder raises UsageError.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def _path(self, key: str) -> Path:
        path = Path(os.path.normpath(self._root / key))
        if not path.is_relative_to(self._root):
            raise UsageError(f"the key {key!r} is outside the folder {self._root}")
        return path

    def get(self, key: str) -> bytes:
        """Read a file. Raises KeyError if there is none."""
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise KeyError(key) from None

    def put(self, key: str, data: bytes) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{_TEMPORARY}{uuid4().hex}")
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def list(self, prefix: str) -> list[str]:
        folder = self._path(prefix.rpartition("/")[0])
        found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(_TEMPORARY))
        keys = (path.relative_to(self._root).as_posix() for path in found)
        return sorted(key for key in keys if key.startswith(prefix))

    @contextmanager
    def local_file(self, key: str) -> Iterator[Path]:
        yield self._path(key)


@cache
def connect() -> S3Client:
    """Return the S3 client of this process, created at first use from the AWS environment variables."""
    import boto3  # noqa: PLC0415 -- local runs do not need boto3
    from botocore.config import Config  # noqa: PLC0415 -- local runs do not need boto3

    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=32))


class S3Storage:
    """Storage in an S3 bucket. Throttling and outages raise TransientError."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    @contextmanager
    def _translate_errors(self, key: str) -> Iterator[None]:
        from boto3.exceptions import RetriesExceededError  # noqa: PLC0415 -- local runs do not need boto3
        from botocore import exceptions as aws  # noqa: PLC0415 -- local runs do not need boto3

        try:
            yield
        except aws.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code in _MISSING:
                raise KeyError(key) from error
            if status >= 500 or code in _TRANSIENT:
                raise TransientError(f"s3://{self._bucket}/{key}: {error}") from error
            raise
        except (aws.ConnectionError, aws.HTTPClientError, aws.IncompleteReadError, RetriesExceededError) as error:
            raise TransientError(f"s3://{self._bucket}/{key}: {error}") from error

    def get(self, key: str) -> bytes:
        """Read an object. Raises KeyError if there is none."""
        with self._translate_errors(key):
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def put(self, key: str, data: bytes) -> None:
        content_type = _CONTENT_TYPES.get(Path(key).suffix, "application/octet-stream")
        with self._translate_errors(key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)

    def exists(self, key: str) -> bool:
        try:
            with self._translate_errors(key):
                self._client.head_object(Bucket=self._bucket, Key=key)
        except KeyError:
            return False
        return True

    def delete(self, key: str) -> None:
        with self._translate_errors(key):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def list(self, prefix: str) -> list[str]:
        with self._translate_errors(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return sorted(item["Key"] for page in pages for item in page.get("Contents", []))

    @contextmanager
    def local_file(self, key: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "object"  # the last part of a key may be too long for a file name
            with self._translate_errors(key):
                self._client.download_file(self._bucket, key, str(path))
            yield path
