"""Storage in a folder or in S3. No other module of the pipeline imports boto3."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from mars_aurora.errors import ChangedError, TransientError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TEMPORARY = re.compile(r"\.aside-[0-9a-f]{32}")  # a file being written; one may remain after a crash, never listed
_MISSING = {"404", "NoSuchKey", "NotFound"}
_PRECONDITION_FAILED = 412
_COPY_BYTES = 1 << 20
_TRANSIENT = {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException"}
_PNG = "image/png"
_CONTENT_TYPES = {".png": _PNG, ".json": "application/json", ".csv": "text/csv", ".html": "text/html; charset=utf-8"}


@dataclass(frozen=True)
class Version:
    """The state of an input when it was read: of a file its size and times, of an S3 object its size and ETag."""

    size: int
    mtime_ns: int = 0
    ctime_ns: int = 0
    etag: str = ""
    version_id: str = ""


class Source(Protocol):
    """Read-only storage of inputs, which are listed and read as local files."""

    def list(self, prefix: str) -> list[str]:
        """Return all keys that start with ``prefix``, sorted."""
        ...

    def version(self, key: str) -> Version:
        """Return the present version of an object; raises KeyError if there is none."""
        ...

    def local_file(self, key: str, version: Version) -> AbstractContextManager[Path]:
        """Yield a local path from which to read that version of the object, valid inside the ``with`` block.

        Raises ChangedError if the object is another version, before or after the block.
        """
        ...


class Storage(Protocol):
    """Storage of bytes by key. Writes are atomic; reading a missing key raises KeyError."""

    def list(self, prefix: str) -> list[str]:
        """Return all keys that start with ``prefix``, sorted."""
        ...

    def get(self, key: str) -> bytes: ...

    def put(self, key: str, data: bytes) -> None: ...

    def size(self, key: str) -> int | None:
        """Return the size of an object in bytes; None if there is none."""
        ...

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
        """Write a file. Raises OSError with its path."""
        path = self._path(key)
        temporary = path.with_name(f".aside-{uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(data)
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error

    def size(self, key: str) -> int | None:
        """Return the size of a file in bytes; None if there is none, or none that can be reached."""
        try:
            status = self._path(key).stat()
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def list(self, prefix: str) -> list[str]:
        found = os.walk(self._path(prefix.rpartition("/")[0]))
        paths = (Path(folder, name) for folder, _, names in found for name in names if not _is_temporary(name))
        return sorted(
            key for key in (path.relative_to(self._root).as_posix() for path in paths) if key.startswith(prefix)
        )

    def version(self, key: str) -> Version:
        """Return size and times of a file; raises KeyError if there is none."""
        return file_version(self._path(key))

    @contextmanager
    def local_file(self, key: str, version: Version) -> Iterator[Path]:
        with unchanged_file(self._path(key), version) as path:
            yield path


def _is_temporary(name: str) -> bool:
    return _TEMPORARY.fullmatch(name) is not None


def file_version(path: Path) -> Version:
    """Return size and times of a file; raises KeyError if there is none."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise KeyError(str(path)) from None
    return Version(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@contextmanager
def unchanged_file(path: Path, version: Version) -> Iterator[Path]:
    """Yield the path; raises ChangedError unless the file has that version before and after the ``with`` block."""
    _require_version(path, version)
    yield path
    _require_version(path, version)


def _require_version(path: Path, version: Version) -> None:
    try:
        present = file_version(path)
    except KeyError:
        raise ChangedError(f"{path}: the file was removed during the run") from None
    if present != version:
        raise ChangedError(f"{path}: the file changed during the run, from {version.size} to {present.size} bytes")


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
            if status == _PRECONDITION_FAILED:
                raise ChangedError(f"s3://{self._bucket}/{key}: the object was replaced during the run") from error
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

    def size(self, key: str) -> int | None:
        """Return the size of an object in bytes; None if there is none."""
        try:
            return self.version(key).size
        except KeyError:
            return None

    def version(self, key: str) -> Version:
        """Return size, ETag and version of an object; raises KeyError if there is none."""
        with self._translate_errors(key):
            head = self._client.head_object(Bucket=self._bucket, Key=key)
        return Version(head["ContentLength"], etag=head["ETag"].strip('"'), version_id=head.get("VersionId", ""))

    def delete(self, key: str) -> None:
        with self._translate_errors(key):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def list(self, prefix: str) -> list[str]:
        with self._translate_errors(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return sorted(item["Key"] for page in pages for item in page.get("Contents", []))

    @contextmanager
    def local_file(self, key: str, version: Version) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "object"  # the last part of a key may be too long for a file name
            with self._translate_errors(key), path.open("wb") as file:
                answer = self._client.get_object(Bucket=self._bucket, Key=key, IfMatch=f'"{version.etag}"')
                shutil.copyfileobj(answer["Body"], file, _COPY_BYTES)
            yield path
