"""Products in storage: written from a temporary file, and read back."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mars_aurora.catalogue.verify import verify_product
from mars_aurora.errors import ProductError
from mars_aurora.run.storage import BulkStorage, Storage


class Written(NamedTuple):
    """A product that was written: its key, its number of rows as `verify_product` counts them, and its SHA-256."""

    key: str
    rows: int
    sha256: str


def store(key: str, write: Callable[[Path], int], storage: Storage) -> Written:
    """Write a product to storage by a function that returns the number of its rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, key.rpartition("/")[2])
        rows = write(path)
        digest = _hash_file(path)
        storage.put_file(key, path)
    return Written(key, rows, digest)


def verify_stored(written: Written, storage: BulkStorage) -> None:
    """Read a product back from storage; raises ProductError naming it."""
    try:
        with storage.local_file(written.key, storage.version(written.key)) as path:
            if _hash_file(path) != written.sha256:
                raise ProductError(f"{written.key}: what was read back is not what was written")
            verify_product(written.key, path, written.rows)
    except KeyError:
        raise ProductError(f"{written.key}: it was removed while the run wrote its products") from None


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
