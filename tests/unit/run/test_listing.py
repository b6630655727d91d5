"""The list of a run's inputs, and inputs that change during the run."""

import json
from pathlib import Path

from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Origin, Outcome, Record, settle
from mars_aurora.run.listing import (
    LISTED,
    UNPROCESSED,
    note_changes,
    read_etags,
    settle_inputs,
    write_items,
    write_unprocessed,
)
from mars_aurora.run.storage import FolderStorage, Version

KEYS = RunKeys("r")


def test_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    names = ["plain.fits", "two\nlines.fits", "line\u2028separator.fits", "\x85.fits", "Öl/火星.fits", '"quoted".fits']
    work = FolderStorage(tmp_path)
    write_items(work, KEYS, LISTED, ({"name": name, "etag": f"{number}"} for number, name in enumerate(names)))
    assert read_etags(work, KEYS) == {name: f"{number}" for number, name in enumerate(names)}


def test_run_without_a_list_has_no_names(tmp_path: Path) -> None:
    assert read_etags(FolderStorage(tmp_path), KEYS) == {}


def test_record_of_an_input_that_was_replaced_or_added_since_is_not_used(tmp_path: Path) -> None:
    work, inputs = FolderStorage(tmp_path / "work"), FolderStorage(tmp_path / "inputs")
    for name in ("same.fits", "replaced.fits", "added.fits", "unread.fits"):
        inputs.put(f"b/{name}", b"")
        version = Version(5, etag="" if name == "unread.fits" else "old")
        outcome = Outcome.FAILED if name == "unread.fits" else Outcome.DISCARDED
        record = Record(name, outcome, "unreadable", objects=1, origin=Origin(version))
        work.put(KEYS.record(name), record.to_json())
    listed = {"same.fits": "old", "replaced.fits": "new", "unread.fits": "new"}
    write_items(work, KEYS, LISTED, ({"name": name, "etag": etag} for name, etag in listed.items()))
    settled = {record.name: (record.outcome.value, record.reason) for record in settle_inputs("b/", inputs, work, KEYS)}
    assert settled == {
        "same.fits": ("discarded", "unreadable"),
        "replaced.fits": ("failed", "no_record"),
        "added.fits": ("failed", "added_during_run"),
        "unread.fits": ("failed", "unreadable"),
    }


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


def test_inputs_of_a_manifest_are_not_listed_again_and_may_have_no_etag(tmp_path: Path) -> None:
    work, inputs = FolderStorage(tmp_path / "work"), FolderStorage(tmp_path / "inputs")
    inputs.put("x/unlisted.fits", b"")
    write_items(work, KEYS, LISTED, [{"name": "x/a.fits", "etag": ""}])
    work.put(
        KEYS.record("x/a.fits"), Record("x/a.fits", Outcome.REJECTED, origin=Origin(Version(5, etag="e"))).to_json()
    )
    (record,) = settle_inputs("", inputs, work, KEYS)
    assert (record.name, record.outcome) == ("x/a.fits", Outcome.REJECTED)


def test_inputs_whose_children_failed_are_listed_for_a_second_pass(tmp_path: Path) -> None:
    work = FolderStorage(tmp_path)
    items = [{"key": f"b/{name}", "name": name, "etag": "e"} for name in ("a.fits", "b.fits", "c.fits", "d.fits")]
    write_items(work, KEYS, LISTED, items)
    records = [
        Record("a.fits", Outcome.CANDIDATE, objects=2),
        Record("b.fits", Outcome.FAILED, "no_record"),
        Record("c.fits", Outcome.FAILED, "not_counted"),
        Record("d.fits", Outcome.FAILED, "unreadable"),
        Record("e.fits", Outcome.FAILED, "added_during_run"),
    ]
    assert write_unprocessed(records, work, KEYS) == 2
    assert [json.loads(line) for line in work.get(KEYS.items(UNPROCESSED)).splitlines()] == items[1:3]
    assert write_unprocessed(records[:1], work, KEYS) == 0
    assert work.get(KEYS.items(UNPROCESSED)) == b""
