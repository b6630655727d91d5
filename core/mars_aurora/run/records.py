"""List the inputs of a run and read their records from storage."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from mars_aurora.run.keys import READY_MARKER, RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.stamps import Reading, stamp_count, stamp_read
from mars_aurora.run.storage import Source, Storage, Version


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
    found = work.map(partial(find_record, work, keys), wanted)
    return {record.name: record for record in found if record is not None}


def find_record(work: Storage, keys: RunKeys, name: str) -> Record | None:
    """Return the record of an input; None if it has none, or one that cannot be read."""
    try:
        return Record.from_json(work.get(keys.record(name)))
    except (KeyError, ValueError, OSError):  # none, not a record, or not readable: it is made again
        return None


def is_valid(record: Record, version: Version, reading: Reading, work: Storage, keys: RunKeys) -> bool:
    """Return whether a record is that of this version of its input, and its products are in storage.

    A failure is never valid, so that the next run tries again.
    """
    return record.origin.version == version and holds(record, record.origin.sha256, reading, work, keys)


def holds(record: Record, sha256: str, reading: Reading, work: Storage, keys: RunKeys) -> bool:
    """Return whether a record is that of an input with this checksum, at any time."""
    if record.outcome is Outcome.FAILED or record.origin.read != stamp_read(sha256, reading):
        return False
    if record.outcome is Outcome.REJECTED:
        return True
    paths = {
        "image": keys.image(record.name),
        "geometry": keys.geometry(record.name),
        "exposure": keys.exposure(record.name),
    }
    return record.origin.products == {product: work.size(path) for product, path in paths.items()}


def is_counted(record: Record, min_objects: int, *, keep_stages: bool) -> bool:
    """Return whether the objects of a picture are counted, with these settings."""
    stamp = stamp_count(record.origin.read, min_objects, keep_stages=keep_stages)
    return record.objects is not None and record.origin.count == stamp
