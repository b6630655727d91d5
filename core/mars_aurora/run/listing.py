"""The inputs of a run as they were listed when it was opened: what the map processes, and the ledger accounts for."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import NO_RECORD, NOT_COUNTED, Outcome, Record, settle
from mars_aurora.run.records import is_input, list_inputs, name_input, read_records
from mars_aurora.run.storage import S3Storage, Source, Storage

LISTED, UNPROCESSED, CANDIDATES = "listed", "unprocessed", "candidates"

_UNPROCESSED = {NO_RECORD, NOT_COUNTED}


def list_items(inputs: S3Storage, prefix: str) -> list[dict[str, Any]]:
    """Return key, name, ETag and size of each input of a batch."""
    return [
        {"key": key, "name": name, "etag": version.etag, "size": version.size}
        for key, version in inputs.list_versions(prefix)
        if is_input(name := name_input(key, prefix))
    ]


def write_items(work: Storage, keys: RunKeys, phase: str, items: Iterable[Mapping[str, Any]]) -> None:
    """Write the list that a map of the workflow processes."""
    work.put(keys.items(phase), "".join(f"{json.dumps(item)}\n" for item in items).encode())


def read_items(work: Storage, keys: RunKeys) -> Iterator[dict[str, Any]]:
    """Yield the inputs that were listed when the run was opened; none for a local run."""
    with suppress(KeyError):
        yield from map(json.loads, filter(None, work.get(keys.items(LISTED)).decode().split("\n")))


def read_etags(work: Storage, keys: RunKeys) -> dict[str, str]:
    """Return the ETag by name of each input that was listed when the run was opened; empty for a local run."""
    return {item["name"]: item["etag"] for item in read_items(work, keys)}


def write_unprocessed(records: Iterable[Record], work: Storage, keys: RunKeys) -> int:
    """List the inputs whose children failed for a second pass of the map; return their number."""
    failed = {record.name for record in records if record.reason in _UNPROCESSED}
    items = [item for item in read_items(work, keys) if item["name"] in failed] if failed else []
    write_items(work, keys, UNPROCESSED, items)
    return len(items)


def settle_inputs(
    prefix: str, inputs: Source, work: Storage, keys: RunKeys, failures: Mapping[str, Record] | None = None
) -> list[Record]:
    """Return one record for each input that was listed when the run was opened, or is listed now.

    A record of an earlier run is not that of an input which was replaced or added since, and is left out. ``failures``
    are records by name that take the place of those in ``work``.
    """
    opened = read_etags(work, keys)
    present = list_inputs(inputs, prefix) if prefix or not opened else list(opened)  # a manifest is read once
    names = {*opened, *present}
    records = {name: record for name, record in read_records(names, work, keys).items() if _is_of(record, opened)}
    return note_changes(settle(names, records | dict(failures or {})), opened, present)


def _is_of(record: Record, opened: Mapping[str, str]) -> bool:
    etag = record.origin.version.etag  # empty if the input could not be read; in a manifest, if it has none
    return not opened or (record.name in opened and (etag == "" or opened[record.name] in {"", etag}))


def note_changes(records: Sequence[Record], opened: Collection[str], present: Collection[str]) -> list[Record]:
    """Say in the records which inputs were removed or added during the run; a rejection keeps its reason.

    Parameters
    ----------
    records : sequence of Record
        One record for each input that is in either list.
    opened, present : collections of str
        Names of the inputs listed when the run was opened, and listed now. Without the first, nothing is noted.
    """
    if not opened:
        return list(records)
    opened, present = set(opened), set(present)
    return [
        _note_change(record, added=record.name not in opened, removed=record.name not in present) for record in records
    ]


def _note_change(record: Record, *, added: bool, removed: bool) -> Record:
    if added and record.reason == NO_RECORD:
        detail = "the input was added after the run had listed its inputs: start the run again"
        return replace(record, reason="added_during_run", detail=detail)
    if removed and (record.outcome is Outcome.FAILED or not record.reason):
        was_read = "" if record.outcome is Outcome.FAILED else ", after it had been read"
        return replace(record, reason="removed_during_run", detail=f"the input was removed during the run{was_read}")
    return record
