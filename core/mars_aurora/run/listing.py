"""The inputs of a run as they were listed when it was opened: what the map processes, and the ledger accounts for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import NO_RECORD, NOT_COUNTED, Outcome, Record
from mars_aurora.run.records import is_input, name_input
from mars_aurora.run.storage import BulkStorage, S3Storage, Storage

LISTED, UNPROCESSED = "listed", "unprocessed"  # the inputs, and those whose children failed
CANDIDATES, UNDETECTED = "candidates", "undetected"  # that are not superseded, and those without a prediction
SLICES, SETS = "slices", "sets"  # of the inputs, and observation sets of two or more swaths

_UNPROCESSED = {NO_RECORD, NOT_COUNTED}


def list_items(inputs: S3Storage, prefix: str) -> list[dict[str, Any]]:
    """Return key, name, ETag and size of each input of a batch."""
    return [
        {"key": key, "name": name, "etag": version.etag, "size": version.size}
        for key, version in inputs.list_versions(prefix)
        if is_input(name := name_input(key, prefix))
    ]


class ItemFile:
    """The list that a map of the workflow processes, written item by item in a ``with`` statement."""

    def __init__(self, work: Storage, keys: RunKeys, phase: str, execution: str = "") -> None:
        self._work, self._key = work, keys.items(phase, execution)
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name, "items")
        self._file = self._path.open("w", encoding="utf-8", newline="\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._folder:
            self._file.close()
            if kind is None:
                self._work.put_file(self._key, self._path)

    def add(self, item: Mapping[str, Any]) -> None:
        self._file.write(f"{json.dumps(item)}\n")


def write_items(
    work: Storage, keys: RunKeys, phase: str, items: Iterable[Mapping[str, Any]], execution: str = ""
) -> int:
    """Write the list that a map of the workflow processes; return the number of its items, which are not held."""
    count = 0
    with ItemFile(work, keys, phase, execution) as file:
        for count, item in enumerate(items, 1):  # noqa: B007 -- used after the loop
            file.add(item)
    return count


def read_items(work: BulkStorage, keys: RunKeys, phase: str, execution: str = "") -> Iterator[dict[str, Any]]:
    """Yield the items of a list that `write_items` wrote. Raises KeyError if there is none."""
    key = keys.items(phase, execution)
    with work.local_file(key, work.version(key)) as path, path.open(encoding="utf-8", newline="\n") as lines:
        yield from map(json.loads, lines)


def is_unprocessed(record: Record) -> bool:
    """Return whether the child of an input failed."""
    return record.reason in _UNPROCESSED


def write_unprocessed(names: Container[str], work: BulkStorage, keys: RunKeys) -> int:
    """List the inputs whose children failed for a second pass of the map; return their number."""
    items = [item for item in read_items(work, keys, LISTED) if item["name"] in names] if names else []
    write_items(work, keys, UNPROCESSED, items)
    return len(items)


def is_of_listing(record: Record, etags: Mapping[str, str]) -> bool:
    """Return whether a record is that of an input as it was listed.

    Its ETag is empty if it could not be read, that of the listing in a manifest without ETags.
    """
    etag = record.origin.version.etag
    return record.name in etags and (etag == "" or etags[record.name] in {"", etag})


def note_change(record: Record, *, added: bool, removed: bool) -> Record:
    """Say in a record that its input was added or removed during the run; a rejection keeps its reason."""
    if added and record.reason == NO_RECORD:
        detail = "the input was added after the run had listed its inputs: start the run again"
        return replace(record, reason="added_during_run", detail=detail)
    if removed and (record.outcome is Outcome.FAILED or not record.reason):
        was_read = "" if record.outcome is Outcome.FAILED else ", after it had been read"
        return replace(record, reason="removed_during_run", detail=f"the input was removed during the run{was_read}")
    return record
