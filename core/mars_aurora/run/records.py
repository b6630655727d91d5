"""The inputs of a run and their records, as storage holds them."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from mars_aurora.run.keys import READY_MARKER, RunKeys
from mars_aurora.run.ledger import Record
from mars_aurora.run.storage import Source, Storage

_READERS = 16  # threads that fetch ledger records: on S3 each costs a round trip


def list_inputs(inputs: Source, prefix: str) -> list[str]:
    """List the names of a batch's inputs, which are their keys below the prefix's folder, markers left out.

    A prefix is a folder (``incoming/a/``) or a single file, with its gzipped twin (``live/x.fits``).
    """
    folder = prefix[: prefix.rfind("/") + 1]
    names = (key.removeprefix(folder) for key in inputs.list(prefix))
    return [name for name in names if name and not name.endswith(("/", READY_MARKER))]


def read_records(names: Collection[str], work: Storage, keys: RunKeys) -> dict[str, Record]:
    """Read what is recorded of these inputs; what has no record, or an illegible one, is left out."""
    recorded = {key.removeprefix(keys.records).removesuffix(".json") for key in work.list(keys.records)}
    wanted = sorted(recorded.intersection(names))
    with ThreadPoolExecutor(_READERS) as readers:
        found = readers.map(partial(_read_record, work, keys), wanted)
        return {record.name: record for record in found if record is not None}


def find_record(work: Storage, keys: RunKeys, name: str) -> Record | None:
    """Find the record that makes an input done; failures are left out, to be tried again."""
    record = _read_record(work, keys, name)
    return record if record is not None and record.holds else None


def _read_record(work: Storage, keys: RunKeys, name: str) -> Record | None:
    try:
        return Record.from_json(work.get(keys.record(name)))
    except (KeyError, ValueError):
        return None
