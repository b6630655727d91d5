"""A bucket in memory, with all that the steps of the workflow use."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mars_aurora.run.storage import Version


class MemoryStorage:
    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = objects or {}

    def map(self, function, items):
        return map(function, items)

    def get(self, key: str) -> bytes:
        return self.objects[key]

    def get_tagged(self, key: str) -> tuple[bytes, str]:
        return self.objects[key], self.version(key).etag

    def put_file(self, key: str, path: Path) -> None:
        self.put(key, path.read_bytes())

    def put(self, key: str, data: bytes) -> None:
        self.objects[key] = data

    def put_if(self, key: str, data: bytes, etag: str = "") -> bool:
        if key in self.objects and self.version(key).etag != etag:
            return False
        self.objects[key] = data
        return True

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def delete_if(self, key: str, etag: str) -> bool:
        return self.version(key).etag == etag and self.objects.pop(key, None) is not None

    def list(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))

    def iterate(self, prefix: str) -> Iterator[str]:
        return iter(self.list(prefix))

    def list_versions(self, prefix: str) -> Sequence[tuple[str, Version]]:
        return [(key, self.version(key)) for key in self.list(prefix)]

    def size(self, key: str) -> int | None:
        return len(self.objects[key]) if key in self.objects else None

    def sizes(self, prefix: str) -> dict[str, int]:
        return {key: len(self.objects[key]) for key in self.list(prefix)}

    def version(self, key: str) -> Version:
        return Version(len(self.objects[key]), etag=hashlib.sha256(self.objects[key]).hexdigest()[:32])

    @contextmanager
    def local_file(self, key: str, _version: Version) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "object"
            path.write_bytes(self.objects[key])
            yield path
