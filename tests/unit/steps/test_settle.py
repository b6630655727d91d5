"""The records of a run: those that the children returned, complete, or those in storage."""

import json

import pytest
from memory_storage import MemoryStorage
from whole_run import KEYS, settle_run

from mars_aurora.errors import UnbalancedLedgerError
from mars_aurora.run.ledger import Origin, Outcome, Record
from mars_aurora.run.listing import LISTED, SLICES, read_items, write_items
from mars_aurora.run.slices import unpack_records
from mars_aurora.run.storage import Version
from mars_aurora.steps.settle import FILES

MAP_RUN = "arn:aws:states:us-east-1:123456789012:mapRun:DetectAuroras/EachFile:1"
NAMES = ["a.fits", "b.fits", "c.fits"]


def make_record(name: str, etag: str = "e") -> Record:
    return Record(name, Outcome.REJECTED, "truncated", origin=Origin(Version(5, etag=etag)))


@pytest.fixture
def inputs() -> MemoryStorage:
    return MemoryStorage({f"b/{name}": b"" for name in NAMES})


def open_run(work: MemoryStorage, names: list[str] = NAMES) -> None:
    write_items(work, KEYS, LISTED, [{"name": name, "etag": "e"} for name in names])


def return_records(work: MemoryStorage, names: list[str], failed: tuple[str, ...] = (), folder: str = "1") -> None:
    """Write what the children of the execution "one" return."""
    root = f"{KEYS.results('one', FILES)}{folder}/"
    lines = [make_record(name).to_json().decode() for name in names]
    failures = [
        json.dumps({"ExecutionArn": "x", "Status": "FAILED", "Error": "E", "Input": json.dumps({"name": name})})
        for name in failed
    ]
    listed = {}
    for status, found in {"SUCCEEDED": lines, "FAILED": failures}.items():
        work.put(f"{root}{status}_0.jsonl", "".join(f"{line}\n" for line in found).encode())
        listed[status] = [{"Key": f"{root}{status}_0.jsonl", "Size": 1}]
    work.put(f"{root}manifest.json", json.dumps({"MapRunArn": MAP_RUN, "ResultFiles": listed}).encode())


def settle(inputs: MemoryStorage, work: MemoryStorage, total: int = 3, succeeded: int = 3) -> dict[str, str]:
    """Settle the execution "one", whose map run has these counts; return the reasons by name."""
    counts = {MAP_RUN: {"total": total, "succeeded": succeeded}}
    settle_run(inputs, work, counts.__getitem__, execution="one")
    slices = [item["number"] for item in read_items(work, KEYS, SLICES, "one")]
    records = [record for number in slices for record in unpack_records(work.get(KEYS.settled("one", number)))]
    return {record.name: record.reason for record in records}


def test_returned_records_are_settled_without_those_in_storage(inputs: MemoryStorage) -> None:
    work = MemoryStorage()
    open_run(work)
    return_records(work, NAMES[:2], failed=("c.fits",))
    work.put(KEYS.record("c.fits"), make_record("c.fits").to_json())
    assert settle(inputs, work, succeeded=2) == {"a.fits": "truncated", "b.fits": "truncated", "c.fits": "no_record"}


def test_redrive_takes_the_place_of_what_failed(inputs: MemoryStorage) -> None:
    work = MemoryStorage()
    open_run(work)
    return_records(work, NAMES[:2], failed=("c.fits",))
    return_records(work, NAMES[2:], folder="1/Redrive-1")
    assert settle(inputs, work) == dict.fromkeys(NAMES, "truncated")


@pytest.mark.parametrize(
    ("names", "total", "succeeded", "message"),
    [
        (NAMES[:2], 3, 2, "3 inputs were listed; the map had 3 items, 2 of which succeeded, and returned 2 results"),
        (NAMES, 4, 3, "the map had 4 items"),
        (NAMES, 3, 2, "2 of which succeeded, and returned 3 results, 3 of them of success"),
        ([*NAMES[:2], "other.fits"], 3, 3, "other.fits has a result and was not listed"),
        ([*NAMES, "other.fits"], 4, 4, "3 inputs were listed; the map had 4 items"),
    ],
)
def test_results_that_do_not_add_up_are_an_error(inputs, names, total, succeeded, message) -> None:
    work = MemoryStorage()
    open_run(work)
    return_records(work, names)
    with pytest.raises(UnbalancedLedgerError, match=message):
        settle(inputs, work, total, succeeded)


def test_map_without_results_is_an_error(inputs: MemoryStorage) -> None:
    work = MemoryStorage()
    open_run(work)
    with pytest.raises(UnbalancedLedgerError, match="wrote no results"):
        settle(inputs, work)


def test_record_in_storage_of_an_input_that_was_replaced_or_added_is_not_used(inputs: MemoryStorage) -> None:
    work = MemoryStorage()
    open_run(work, NAMES[:2])
    for name, etag in zip(NAMES, ("e", "of an earlier version", "e"), strict=True):
        work.put(KEYS.record(name), make_record(name, etag).to_json())
    settle_run(inputs, work)
    records = unpack_records(work.get(KEYS.settled("", 0)))
    assert [record.reason for record in records] == ["truncated", "no_record", "added_during_run"]
