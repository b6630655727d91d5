"""Records of any number of inputs, settled as those of a local run are."""

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from mars_aurora.run.identity import Identity
from mars_aurora.run.ledger import Origin, Outcome, Record, settle
from mars_aurora.run.map_results import Child, Status
from mars_aurora.run.record_table import RecordTable
from mars_aurora.run.sets import find_sets
from mars_aurora.run.storage import Version

SWATH = "emm_emu_l2b_20220331t{}_0191_os2_sw{}of3_r_v01-04.fits.gz"
PRODUCTS = {"image": 10, "geometry": 20, "exposure": 30}


def make_record(name: str, outcome: Outcome = Outcome.DISCARDED, **identity: object) -> Record:
    known = {"instrument": "EMM/EMUS", "integrations": 90, "level": "l2b"} | identity
    origin = Origin(Version(5, etag="e"), products=PRODUCTS if outcome in {"candidate", "discarded"} else {})
    return Record(name, outcome, objects=3, origin=origin, identity=Identity(**known) if identity else None)


def succeed(*records: Record) -> Iterable[Child]:
    return (Child(Status.SUCCEEDED, record.to_event(), record.to_json().decode()) for record in records)


def fail(name: str, status: Status = Status.FAILED) -> Child:
    return Child(status, {"name": name}, "", "TransientError")


def settle_table(folder: Path, children: Iterable[Child], opened: Iterable[str], present: Iterable[str] | None = None):
    with RecordTable(folder) as table:
        table.add_opened(opened)
        if present is not None:
            table.add_present(present)
        table.add_children(children)
        table.supersede()
        return [Record.from_json(item.record.encode()) for item in table.settle()], list(table.find_sets())


def random_records(count: int) -> list[Record]:
    """Records of every outcome, many of them of files of one observation."""
    choose = random.Random(3)  # noqa: S311 -- not a secret
    outcomes = [Outcome.CANDIDATE, Outcome.DISCARDED, Outcome.REJECTED, Outcome.FAILED]
    records = []
    for number in range(count):
        identity: dict[str, object] = {"start_ms": choose.randrange(40) * 60, "mode": choose.choice(["", "os1", "os2"])}
        identity |= {"level": choose.choice(["l2a", "l2b"]), "version": (choose.randrange(3), 0)}
        if choose.random() < 0.2:
            identity |= {"start_ms": None, "content_sha256": str(choose.randrange(5))}
        name = choose.choice([f"{number}.fits", f"ü/{number}.fits", SWATH.format(f"21{number % 60:02}07", number)])
        records.append(make_record(name, choose.choice(outcomes), **identity))
    return records


def test_random_records_are_settled_as_in_memory(tmp_path: Path) -> None:
    records = random_records(300)
    names = [*(record.name for record in records), "none.fits", "notes.txt"]
    expected = settle(names, {record.name: record for record in records})
    settled, sets = settle_table(tmp_path, succeed(*records), names)
    assert settled == expected
    assert sum(record.outcome is Outcome.SUPERSEDED for record in settled) > 50
    read = [record.name for record in expected if record.is_read]
    assert sorted(sets) == sorted(find_sets(read))


def test_success_of_a_redrive_or_second_pass_counts_in_any_order(tmp_path: Path) -> None:
    record = make_record("a.fits")
    for number, children in enumerate(([fail("a.fits"), *succeed(record)], [*succeed(record), fail("a.fits")])):
        (tmp_path / str(number)).mkdir()
        assert settle_table(tmp_path / str(number), children, ["a.fits"])[0] == [record]


def test_children_are_counted_by_input(tmp_path: Path) -> None:
    with RecordTable(tmp_path) as table:
        table.add_opened(["a.fits", "b.fits", "c.fits"])
        children = [fail("a.fits"), *succeed(make_record("a.fits"), make_record("b.fits"))]
        table.add_children([*children, fail("c.fits", Status.PENDING), fail("d.fits")])
        assert table.count_children() == {Status.SUCCEEDED: 2, Status.FAILED: 1, Status.PENDING: 1}
        assert (table.count_listed(), table.find_unlisted()) == (3, "d.fits")


def test_failed_child_is_a_failure_that_says_why_and_an_ignored_input_is_none(tmp_path: Path) -> None:
    ignored = Child(Status.SUCCEEDED, {"name": "b.txt"}, '{"name": "b.txt"}')
    (first, second), _ = settle_table(tmp_path, [fail("a.fits"), ignored], ["a.fits", "b.txt"])
    assert (first.outcome, first.reason) == (Outcome.FAILED, "no_record")
    assert first.detail.endswith("no step wrote a record for it: TransientError")
    assert (second.outcome, second.reason) == (Outcome.IGNORED, "not_fits_name")


def test_candidate_that_was_not_counted_has_failed(tmp_path: Path) -> None:
    record = replace(make_record("a.fits", Outcome.CANDIDATE), objects=None)
    assert [item.reason for item in settle_table(tmp_path, succeed(record), ["a.fits"])[0]] == ["not_counted"]


def test_inputs_that_were_added_or_removed_are_noted(tmp_path: Path) -> None:
    records, _ = settle_table(tmp_path, succeed(make_record("a.fits")), ["a.fits"], ["b.fits"])
    assert [(item.name, item.reason) for item in records] == [
        ("a.fits", "removed_during_run"),
        ("b.fits", "added_during_run"),
    ]


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.FAILED])
def test_set_has_only_inputs_that_were_read_and_are_not_superseded(tmp_path: Path, outcome: Outcome) -> None:
    names = [SWATH.format(time, number) for number, time in enumerate(("212107", "214600", "221000", "223000"), 1)]
    used = make_record(names[0], start_ms=0, version=(2, 0))
    others = [make_record(names[1], start_ms=9999), make_record(names[2], outcome, start_ms=999999)]
    superseded = make_record(names[3], start_ms=0, version=(1, 0))
    _, sets = settle_table(tmp_path, succeed(used, *others, superseded), names)
    assert sets == [names[:2]]
