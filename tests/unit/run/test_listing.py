"""The lists of a run, and inputs that change during the run."""

from pathlib import Path

import pytest

from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Origin, Outcome, Record
from mars_aurora.run.listing import LISTED, is_of_listing, note_change, read_items, write_items
from mars_aurora.run.storage import FolderStorage, Version

KEYS = RunKeys("r")


@pytest.mark.parametrize("execution", ["", "one"])
def test_list_is_read_as_it_was_written(tmp_path: Path, execution: str) -> None:
    names = ["plain.fits", "two\nlines.fits", "line\u2028separator.fits", "\x85.fits", "Öl/火星.fits", '"quoted".fits']
    work = FolderStorage(tmp_path)
    items = [{"name": name, "etag": f"{number}"} for number, name in enumerate(names)]
    write_items(work, KEYS, LISTED, items, execution)
    assert list(read_items(work, KEYS, LISTED, execution)) == items


def test_run_without_a_list_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        list(read_items(FolderStorage(tmp_path), KEYS, LISTED))


@pytest.mark.parametrize(
    ("name", "etag", "expected"),
    [
        ("same.fits", "listed", True),
        ("same.fits", "", True),  # it could not be read
        ("same.fits", "of an earlier version", False),
        ("of a manifest.fits", "any", True),
        ("added.fits", "listed", False),
    ],
)
def test_record_of_an_input_that_was_replaced_or_added_since_is_not_of_the_listing(name, etag, expected) -> None:
    record = Record(name, Outcome.DISCARDED, origin=Origin(Version(5, etag=etag)))
    assert is_of_listing(record, {"same.fits": "listed", "of a manifest.fits": ""}) is expected


@pytest.mark.parametrize(
    ("record", "change", "expected"),
    [
        (Record("x.fits", Outcome.FAILED, "no_record"), "removed", ("failed", "removed_during_run")),
        (Record("x.fits", Outcome.FAILED, "no_record"), "added", ("failed", "added_during_run")),
        (Record("x.txt", Outcome.IGNORED, "not_fits_name"), "added", ("ignored", "not_fits_name")),
        (Record("x.fits", Outcome.AURORA), "removed", ("aurora", "removed_during_run")),
        (Record("x.fits", Outcome.REJECTED, "truncated"), "removed", ("rejected", "truncated")),
        (Record("x.fits", Outcome.FAILED, "no_record"), "", ("failed", "no_record")),
    ],
)
def test_input_that_was_added_or_removed_keeps_its_outcome_and_has_that_reason(record, change, expected) -> None:
    noted = note_change(record, added=change == "added", removed=change == "removed")
    assert (noted.outcome.value, noted.reason) == expected
