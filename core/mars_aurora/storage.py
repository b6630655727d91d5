"""Where bytes come from and go to: a folder or S3. The one module of the pipeline that knows boto3."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mars_aurora.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PNG = "image/png"
_CONTENT_TYPES = {".png": _PNG, ".json": "application/json", ".csv": "text/csv", ".html": "text/html; charset=utf-8"}


class Storage(Protocol):
    """Keys to bytes. A put is whole or not at all; getting a missing key raises KeyError."""

    def get(self, key: str) -> bytes: ...

    def put(self, key: str, data: bytes) -> None: ...

    def exists(self, key: str) -> bool: ...

    def delete(self, key: str) -> None:
        """Remove the object; no error if there is none."""
        ...

    def list(self, prefix: str) -> list[str]:
        """List all keys that start with ``prefix``, sorted."""
        ...

    def local_file(self, key: str) -> AbstractContextManager[Path]:
        """Yield a local path of the object, to read only, valid inside the ``with``."""
        ...


class FolderStorage:
    """Keys below a folder. Files appear by rename, so none is ever half-written."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def _path(self, key: str) -> Path:
        path = Path(os.path.normpath(self._root / key))
        if not path.is_relative_to(self._root):
            raise KeyError(key)
        return path

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise KeyError(key) from None

    def put(self, key: str, data: bytes) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".aside-")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
            os.chmod(aside, 0o644)
            os.replace(aside, path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def list(self, prefix: str) -> list[str]:
        folder = self._path(prefix.rpartition("/")[0])
        keys = (path.relative_to(self._root).as_posix() for path in folder.rglob("*") if path.is_file())
        return sorted(key for key in keys if key.startswith(prefix) and not Path(key).name.startswith(".aside-"))

    @contextmanager
    def local_file(self, key: str) -> Iterator[Path]:
        yield self._path(key)


class S3Storage:
    """Keys of one bucket. Throttling and outages surface as TransientError."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- not needed by the local path

        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code in {"404", "NoSuchKey", "NotFound"}:
                raise KeyError(key) from error
            if status >= 500 or code in {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException"}:
                raise TransientError(f"s3://{self._bucket}/{key}: {error}") from error
            raise
        except BotoCoreError as error:
            raise TransientError(f"s3://{self._bucket}/{key}: {error}") from error

    def get(self, key: str) -> bytes:
        with self._translated(key):
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def put(self, key: str, data: bytes) -> None:
        content_type = _CONTENT_TYPES.get(Path(key).suffix, "application/octet-stream")
        with self._translated(key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)

    def exists(self, key: str) -> bool:
        try:
            with self._translated(key):
                self._client.head_object(Bucket=self._bucket, Key=key)
        except KeyError:
            return False
        return True

    def delete(self, key: str) -> None:
        with self._translated(key):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def list(self, prefix: str) -> list[str]:
        with self._translated(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return sorted(item["Key"] for page in pages for item in page.get("Contents", []))

    @contextmanager
    def local_file(self, key: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(key).name
            with self._translated(key):
                self._client.download_file(self._bucket, key, str(path))
            yield path
