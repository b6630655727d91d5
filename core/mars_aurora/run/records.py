"""List the inputs of a run and read their records from storage."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from mars_aurora.run.keys import READY_MARKER, RunKeys
from mars_aurora.run.ledger import Record
from mars_aurora.run.storage import Source, Storage

_READERS = 16  # threads; reading a record from S3 takes one round trip


def list_inputs(inputs: Source, prefix: str) -> list[str]:
    """List the names of the inputs of a batch: their keys relative to the folder of ``prefix``.

    ``prefix`` is a folder (``incoming/a/``), or a single file (``live/x.fits``), which also matches its gzipped copy.
    """
    names = (name_input(key, prefix) for key in inputs.list(prefix))
    return [name for name in names if is_input(name)]


def name_input(key: str, prefix: str) -> str:
    """Return the name of an input: its key relative to the folder of ``prefix``."""
    return key.removeprefix(prefix[: prefix.rfind("/") + 1])


def is_input(name: str) -> bool:
    """Return whether a listed object is an input: neither a ready marker nor the placeholder of a folder."""
    return name.rpartition("/")[2] not in {"", READY_MARKER}


def read_records(names: Collection[str], work: Storage, keys: RunKeys) -> dict[str, Record]:
    """Read the records of the named inputs; inputs without a readable record are omitted."""
    recorded = set(work.list(keys.records))
    wanted = sorted(name for name in names if keys.record(name) in recorded)
    with ThreadPoolExecutor(_READERS) as readers:
        found = readers.map(partial(_read_record, work, keys), wanted)
        return {record.name: record for record in found if record is not None}


def find_record(work: Storage, keys: RunKeys, name: str) -> Record | None:
    """Return the record of an input that is done, or None if it has none or failed and is to be retried."""
    record = _read_record(work, keys, name)
    return record if record is not None and record.is_done else None


def list_candidates(work: Storage, keys: RunKeys) -> list[str]:
    """List the names of the run's candidates, with or without a prediction; a candidate without a record is omitted."""
    recorded = (_read(work, keys.record_of_candidate(key)) for key in work.list(keys.candidates))
    return [record.name for record in recorded if record is not None]


def _read_record(work: Storage, keys: RunKeys, name: str) -> Record | None:
    return _read(work, keys.record(name))


def _read(work: Storage, key: str) -> Record | None:
    try:
        return Record.from_json(work.get(key))
    except (KeyError, ValueError, OSError):  # none, not a record, or not readable: it is made again
        return None
