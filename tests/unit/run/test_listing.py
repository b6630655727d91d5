"""The list of a run's inputs, and inputs that change during the run."""

from pathlib import Path

from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record, settle
from mars_aurora.run.listing import LISTED, note_changes, read_names, write_items
from mars_aurora.run.storage import FolderStorage

KEYS = RunKeys("r")


def test_names_are_read_as_they_were_written(tmp_path: Path) -> None:
    names = ["plain.fits", "two\nlines.fits", "line\u2028separator.fits", "\x85.fits", "Öl/火星.fits", '"quoted".fits']
    work = FolderStorage(tmp_path)
    write_items(work, KEYS, LISTED, ({"name": name} for name in names))
    assert read_names(work, KEYS) == names


def test_run_without_a_list_has_no_names(tmp_path: Path) -> None:
    assert read_names(FolderStorage(tmp_path), KEYS) == []


def note(records: dict[str, Record], opened: list[str], present: list[str]) -> dict[str, tuple[str, str]]:
    noted = note_changes(settle({*opened, *present}, records), opened, present)
    return {record.name: (record.outcome.value, record.reason) for record in noted}


def test_input_that_was_added_or_removed_before_it_was_read_is_a_failure_with_that_reason() -> None:
    noted = note({}, ["gone.fits", "here.fits"], ["here.fits", "new.fits", "new.txt"])
    assert noted == {
        "gone.fits": ("failed", "removed_during_run"),
        "here.fits": ("failed", "no_record"),
        "new.fits": ("failed", "added_during_run"),
        "new.txt": ("ignored", "not_fits_name"),
    }


def test_input_that_was_removed_after_it_was_read_keeps_its_outcome() -> None:
    records = {
        "a.fits": Record("a.fits", Outcome.AURORA, auroras=1),
        "b.fits": Record("b.fits", Outcome.REJECTED, "truncated"),
    }
    assert note(records, ["a.fits", "b.fits"], []) == {
        "a.fits": ("aurora", "removed_during_run"),
        "b.fits": ("rejected", "truncated"),
    }


def test_nothing_is_noted_where_no_list_was_kept() -> None:
    assert note({}, [], ["here.fits"]) == {"here.fits": ("failed", "no_record")}
