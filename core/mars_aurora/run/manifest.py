"""Manifests: files that name the inputs of a run, instead of a prefix.

A manifest is CSV whose first line names the columns, JSON lines, or the manifest.json of an S3 Inventory in CSV. Of the
fields, ``key`` is needed, and ``bucket``, ``etag`` and ``size`` are used. The name of an input is its key.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import unquote_plus

from mars_aurora.errors import UsageError

FOLDER = "manifests/"  # of the input bucket
LIMIT_BYTES = 1 << 28  # of one file, unpacked: some two million inputs
_INVENTORY = "manifest.json"
_GZIP = b"\x1f\x8b"
_SUFFIXES = (".csv", ".jsonl", ".ndjson")


class Reader(Protocol):
    """Storage that reads an object by key, and raises KeyError if there is none."""

    def get(self, key: str) -> bytes: ...


def require_manifest(uri: str) -> tuple[str, str]:
    """Return bucket and key of a manifest; raises UsageError unless it is below ``manifests/`` and of a known kind."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not (uri.startswith("s3://") and bucket and key.startswith(FOLDER)):
        raise UsageError(f"the manifest {uri!r} must be below s3://BUCKET/{FOLDER}")
    if not is_manifest(key):
        raise UsageError(
            f"the manifest {uri!r} must end in .csv, .jsonl or .ndjson, or be {_INVENTORY} of an inventory"
        )
    return bucket, key


def is_manifest(name: str) -> bool:
    """Return whether a name is that of a manifest."""
    return name.removesuffix(".gz").endswith(_SUFFIXES) or name.rpartition("/")[2] == _INVENTORY


def read_manifest(storage: Reader, key: str, bucket: str) -> Iterator[dict[str, Any]]:
    """Yield key, name, ETag and size of each input; the last two are empty and 0 where the manifest has none.

    Raises UsageError, naming the line, if it cannot be read, an object is not in ``bucket``, or a key is listed twice.
    """
    seen: set[str] = set()
    for place, fields in _read_lines(storage, key):
        item = _read_item(place, fields, bucket)
        if item["key"] in seen:
            raise UsageError(f"{place}: {item['key']!r} is listed twice")
        seen.add(item["key"])
        yield item


def _read_item(place: str, fields: Mapping[str, Any], bucket: str) -> dict[str, Any]:
    key, other = fields.get("key"), fields.get("bucket") or bucket
    if not key or not isinstance(key, str):
        raise UsageError(f"{place}: there is no key")
    if other != bucket:
        raise UsageError(f"{place}: {key!r} is in the bucket {other!r}, and the request is of {bucket!r}")
    try:
        size = int(fields.get("size") or 0)
    except (TypeError, ValueError):
        raise UsageError(f"{place}: the size of {key!r} is {fields['size']!r}") from None
    return {"key": key, "name": key, "etag": str(fields.get("etag") or "").strip('"'), "size": size}


def _read_lines(storage: Reader, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the place of each entry in words, and its fields."""
    if key.rpartition("/")[2] == _INVENTORY:
        yield from _read_inventory(storage, key)
    elif key.removesuffix(".gz").endswith(".csv"):
        rows = csv.reader(_read_text(storage, key))
        columns = [column.strip().lower() for column in next(rows, [])]
        if "key" not in columns:
            raise UsageError(f"line 1 of {key} names no column 'key': {','.join(columns)!r}")
        yield from _number(key, (dict(zip(columns, row, strict=False)) for row in rows if row), 2)
    else:
        yield from _number(key, map(_parse_json, filter(str.strip, _read_text(storage, key))), 1)


def _read_inventory(storage: Reader, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the current objects of an inventory, whose keys are encoded; its files are beside the manifest's folder."""
    try:
        described = json.loads(storage.get(key))
        kind, columns = described["fileFormat"], described["fileSchema"].lower().replace(" ", "").split(",")
        parts = [part["key"] for part in described["files"]]
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise UsageError(f"{key} is not the manifest of an S3 Inventory: {error!r}") from error
    if kind != "CSV":
        raise UsageError(f"the inventory {key} is in the format {kind}: only CSV is read")
    for part in parts:
        rows = (dict(zip(columns, row, strict=False)) for row in csv.reader(_read_text(storage, part)))
        current = (row for row in rows if row.get("islatest") != "false" and row.get("isdeletemarker") != "true")
        yield from _number(part, ({**row, "key": unquote_plus(row.get("key", ""))} for row in current), 1)


def _number(key: str, entries: Iterable[Any], first: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, entry in enumerate(entries, first):
        if not isinstance(entry, Mapping):
            raise UsageError(f"entry {number} of {key} is not a JSON object")
        yield f"entry {number} of {key}", {str(name).lower(): value for name, value in entry.items()}


def _parse_json(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _read_text(storage: Reader, key: str) -> Iterator[str]:
    """Yield the lines of an object, which may be packed by gzip."""
    try:
        data = storage.get(key)
        if data.startswith(_GZIP):
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(LIMIT_BYTES + 1)
        if len(data) > LIMIT_BYTES:
            raise UsageError(f"{key} is larger than {LIMIT_BYTES} bytes unpacked: split it")
        text = data.decode("utf-8-sig")
    except KeyError:
        raise UsageError(f"there is no manifest {key}") from None
    except (OSError, EOFError, ValueError) as error:
        raise UsageError(f"{key} cannot be read: {error}") from error
    yield from text.splitlines(keepends=True)
