"""Storage in a folder or in S3."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeVar
from uuid import uuid4

from mars_aurora.errors import ChangedError, UsageError
from mars_aurora.run.aws import attempt, translate_errors

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

Answer = TypeVar("Answer")
Item = TypeVar("Item")

_TEMPORARY = re.compile(r"\.aside-[0-9a-f]{32}")  # a file being written; one may remain after a crash, never listed
_COPY_BYTES = 1 << 20
_READERS = 16  # threads
_AT_ONCE = 1024  # results in memory
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

    def map(self, function: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """Yield the results of a function that reads objects, for as many items at once as saves time."""
        ...

    def list(self, prefix: str) -> list[str]:
        """Return all keys that start with ``prefix``, sorted."""
        ...

    def get(self, key: str) -> bytes: ...

    def put(self, key: str, data: bytes) -> None: ...

    def put_file(self, key: str, path: Path) -> None:
        """Write the contents of a local file, which may be larger than memory."""
        ...

    def size(self, key: str) -> int | None:
        """Return the size of an object in bytes; None if there is none."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the size in bytes of each object whose key starts with ``prefix``."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object if it exists."""
        ...


class BulkStorage(Storage, Source, Protocol):
    """Storage for any number of objects of any size: large ones are read as local files."""

    def iterate(self, prefix: str) -> Iterator[str]:
        """Yield all keys that start with ``prefix``, in any order, without holding all of them."""
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

    def map(self, function: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """Yield the results of a function, one after the other: threads take longer than reading small files."""
        yield from map(function, items)

    def get(self, key: str) -> bytes:
        """Read a file. Raises KeyError if there is none."""
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise KeyError(key) from None

    def put(self, key: str, data: bytes) -> None:
        """Write a file. Raises OSError with its path."""
        self._write(key, lambda path: path.write_bytes(data))

    def put_file(self, key: str, path: Path) -> None:
        """Write a copy of a file. Raises OSError with its path."""
        self._write(key, lambda copy: shutil.copyfile(path, copy))

    def _write(self, key: str, write: Callable[[Path], object]) -> None:
        path = self._path(key)
        temporary = path.with_name(f".aside-{uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                write(temporary)
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

    def delete_unfinished(self, prefix: str) -> None:
        """Delete the temporary files of killed writers in a folder; no other process may write there."""
        for folder, _, names in os.walk(self._path(prefix)):
            for name in filter(_is_temporary, names):
                Path(folder, name).unlink(missing_ok=True)

    def list(self, prefix: str) -> list[str]:
        found = os.walk(self._path(prefix.rpartition("/")[0]))
        paths = (Path(folder, name) for folder, _, names in found for name in names if not _is_temporary(name))
        return sorted(
            key for key in (path.relative_to(self._root).as_posix() for path in paths) if key.startswith(prefix)
        )

    def iterate(self, prefix: str) -> Iterator[str]:
        yield from self.list(prefix)

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the size in bytes of each file whose key starts with ``prefix``."""
        found = ((key, self.size(key)) for key in self.list(prefix))
        return {key: size for key, size in found if size is not None}

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


class S3Storage:
    """Storage in an S3 bucket. Outages and broken answers that outlast `attempt` raise TransientError."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def _request(self, key: str, request: Callable[[], Answer]) -> Answer:
        def once() -> Answer:
            with translate_errors(self._describe(key)):
                return request()

        return attempt(once)

    def _describe(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def map(self, function: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """Yield the results of a function that reads objects, in threads: each takes a round trip."""
        waiting = iter(items)
        with ThreadPoolExecutor(_READERS) as readers:
            while some := list(islice(waiting, _AT_ONCE)):
                yield from readers.map(function, some)

    def get(self, key: str) -> bytes:
        """Read an object. Raises KeyError if there is none."""
        return self.get_tagged(key)[0]

    def get_tagged(self, key: str) -> tuple[bytes, str]:
        """Read an object and its ETag. Raises KeyError if there is none."""

        def read() -> tuple[bytes, str]:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            return answer["Body"].read(), answer["ETag"].strip('"')

        return self._request(key, read)

    def put(self, key: str, data: bytes) -> None:
        self._request(key, lambda: self._put(key, data, {}))

    def put_file(self, key: str, path: Path) -> None:
        """Write the contents of a file of at most 5 GB."""

        def send() -> None:
            with path.open("rb") as file:
                self._put(key, file, {})

        self._request(key, send)

    def put_if(self, key: str, data: bytes, etag: str = "") -> bool:
        """Write an object if it has that ETag, by default if there is none; return whether it was written."""
        condition = {"IfMatch": f'"{etag}"'} if etag else {"IfNoneMatch": "*"}
        try:
            self._request(key, lambda: self._put(key, data, condition))
        except (ChangedError, KeyError):
            return False
        return True

    def _put(self, key: str, data: bytes | BinaryIO, condition: Mapping[str, Any]) -> None:
        content_type = _CONTENT_TYPES.get(Path(key).suffix, "application/octet-stream")
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type, **condition)

    def size(self, key: str) -> int | None:
        """Return the size of an object in bytes; None if there is none."""
        try:
            return self.version(key).size
        except KeyError:
            return None

    def version(self, key: str) -> Version:
        """Return size, ETag and version of an object; raises KeyError if there is none."""
        head = self._request(key, lambda: self._client.head_object(Bucket=self._bucket, Key=key))
        return Version(head["ContentLength"], etag=head["ETag"].strip('"'), version_id=head.get("VersionId", ""))

    def delete(self, key: str) -> None:
        self._request(key, lambda: self._client.delete_object(Bucket=self._bucket, Key=key))

    def delete_if(self, key: str, etag: str) -> bool:
        """Remove an object if it has that ETag; return whether it was removed."""
        try:
            self._request(key, lambda: self._client.delete_object(Bucket=self._bucket, Key=key, IfMatch=f'"{etag}"'))
        except (ChangedError, KeyError):
            return False
        return True

    def list_versions(self, prefix: str) -> Sequence[tuple[str, Version]]:
        """Return key, size and ETag of each object whose key starts with ``prefix``, sorted by key."""
        found = {
            item["Key"]: Version(item["Size"], etag=item["ETag"].strip('"'))
            for page in self._list_pages(prefix)
            for item in page.get("Contents", [])
        }
        return sorted(found.items(), key=itemgetter(0))

    def iterate(self, prefix: str) -> Iterator[str]:
        """Yield all keys that start with ``prefix``, page by page."""
        for page in self._list_pages(prefix):
            yield from (item["Key"] for item in page.get("Contents", []))

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the size in bytes of each object whose key starts with ``prefix``."""
        return {item["Key"]: item["Size"] for page in self._list_pages(prefix) for item in page.get("Contents", [])}

    def _list_pages(self, prefix: str) -> Iterator[ListObjectsV2OutputTypeDef]:
        page = self._list_page(prefix)
        yield page
        while page["IsTruncated"]:
            page = self._list_page(prefix, ContinuationToken=page["NextContinuationToken"])
            yield page

    def _list_page(self, prefix: str, **after: Any) -> ListObjectsV2OutputTypeDef:  # noqa: ANN401 -- one request field
        return self._request(prefix, lambda: self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **after))

    def list(self, prefix: str) -> list[str]:
        return [key for key, _ in self.list_versions(prefix)]

    @contextmanager
    def local_file(self, key: str, version: Version) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "object"  # the last part of a key may be too long for a file name
            try:
                attempt(lambda: self._download(key, version, path))
            except KeyError as error:
                raise ChangedError(f"{self._describe(key)}: the object was removed during the run") from error
            yield path

    def _download(self, key: str, version: Version, path: Path) -> None:
        with translate_errors(self._describe(key)):
            answer = self._client.get_object(Bucket=self._bucket, Key=key, IfMatch=f'"{version.etag}"')
        with path.open("wb") as file:
            file.writelines(self._read_chunks(key, answer["Body"]))  # errors of writing are not those of reading

    def _read_chunks(self, key: str, body: StreamingBody) -> Iterator[bytes]:
        with translate_errors(self._describe(key)):
            yield from body.iter_chunks(_COPY_BYTES)
