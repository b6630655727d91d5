"""Records, versions and counts of the ledger."""

import json
from dataclasses import replace

import pytest

from mars_aurora.errors import UnbalancedLedgerError
from mars_aurora.night import Night
from mars_aurora.perspective import Perspective
from mars_aurora.run.identity import Identity
from mars_aurora.run.ledger import (
    Origin,
    Outcome,
    Record,
    count_outcomes,
    describe_counts,
    describe_result,
    require_balance,
    settle,
)
from mars_aurora.run.storage import Version

EARLIER = Identity("EMM/EMUS", start_ms=1_000, integrations=90, level="l2b", version=(1, 4, 2))
LATER = replace(EARLIER, version=(2, 0, 3))
OLD = "emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04.fits.gz"
NEW = "emm_emu_l2b_20220331t212107_0191_os2_sw1of3_f_v02-00.fits.gz"
OTHER_SWATH = "emm_emu_l2b_20220331t212107_0191_os2_sw2of3_r_v01-04.fits.gz"


def _candidate(name: str, identity: Identity | None = None, outcome: Outcome = Outcome.CANDIDATE) -> dict[str, Record]:
    return {name: Record(name, outcome, objects=3, identity=identity)}


def _outcomes(records: list[Record]) -> dict[str, str]:
    return {record.name: record.outcome.value for record in records}


def test_record_round_trips_through_json():
    record = Record(
        "a/Ö.fits",
        Outcome.REJECTED,
        "truncated",
        detail="it ends\nearly",
        flags=("checksum",),
        residuals={"sza_deg": 0.05},
        origin=Origin(Version(3, 4, 5, "e", "v"), "abc", "r", "c", "i", {"image": 7}),
        identity=EARLIER,
        night=Night(12, 3e4, 1.5, 2.5, None, 0.2, 0.1, is_diffuse=True),
        cleaning={"spike_pixels": 4.0},
        perspective=Perspective(1.5, 2.5, 20000.0, -3.5, 4.5),
    )
    assert Record.from_json(record.to_json()) == record


def test_record_of_an_earlier_version_has_no_perspective():
    values = json.loads(Record("a.fits", Outcome.DISCARDED).to_json())
    del values["perspective"]
    assert Record.from_json(json.dumps(values).encode()).perspective is None


@pytest.mark.parametrize(
    ("outcome", "pixels", "expected"),
    [
        (Outcome.DISCARDED, 11, Outcome.NO_NIGHT),
        (Outcome.DISCARDED, 12, Outcome.DISCARDED),
        (Outcome.NO_AURORA, 11, Outcome.NO_NIGHT),
        (Outcome.NO_AURORA, 12, Outcome.NO_AURORA),
        (Outcome.AURORA, 0, Outcome.AURORA),
        (Outcome.CANDIDATE, 0, Outcome.CANDIDATE),
    ],
)
def test_outcome_without_aurora_is_no_night_where_too_little_was_searched(outcome, pixels, expected):
    record = Record("a.fits", Outcome.CANDIDATE, "removed_during_run", night=Night(pixels=pixels))
    detail = f"{pixels} pixels of the night side were searched; an aurora has at least 12"
    expected_detail = detail if expected is Outcome.NO_NIGHT else ""
    assert record.conclude(outcome) == replace(record, outcome=expected, detail=expected_detail)


def test_no_night_supersedes_and_has_a_picture():
    record = Record("a.fits", Outcome.NO_NIGHT, origin=Origin(products={"image": 7}))
    assert record.is_read


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"3", b'{"name": "x"}', b'{"name": "x", "outcome": "gone"}', b"\xff"]
)
def test_invalid_record_is_a_value_error(data: bytes):
    with pytest.raises(ValueError, match=r"."):
        Record.from_json(data)


def test_each_listed_name_has_exactly_one_record():
    records = {**_candidate("a.fits"), "gone.fits": Record("gone.fits", Outcome.DISCARDED)}
    settled = settle(["b.txt", "a.fits", "c.fits", "a.fits"], records)
    assert _outcomes(settled) == {"a.fits": "candidate", "b.txt": "ignored", "c.fits": "failed"}
    assert [record.name for record in settled] == ["a.fits", "b.txt", "c.fits"]


def test_input_that_was_read_but_not_counted_has_failed():
    (record,) = settle(["a.fits"], {"a.fits": Record("a.fits", Outcome.CANDIDATE)})
    assert (record.outcome, record.reason) == (Outcome.FAILED, "not_counted")


def test_newest_version_supersedes_the_others():
    records = (
        _candidate(OLD, EARLIER) | _candidate(NEW, LATER) | _candidate(OTHER_SWATH, replace(LATER, start_ms=9_000))
    )
    settled = settle(records, records)
    assert _outcomes(settled) == {OLD: "superseded", NEW: "candidate", OTHER_SWATH: "candidate"}
    (old,) = (record for record in settled if record.name == OLD)
    assert (old.reason, old.superseded_by) == ("newer_version", NEW)
    assert NEW in old.detail


@pytest.mark.parametrize(
    ("change", "reason"), [({"level": "l2a"}, "other_level"), ({}, "copy"), ({"version": (1, 3, 2)}, "newer_version")]
)
def test_superseded_record_says_why(change: dict, reason: str):
    records = _candidate(OLD, EARLIER) | _candidate(f"Copy of {OLD}", replace(EARLIER, **change))
    _, other = sorted(settle(records, records), key=lambda record: record.name != OLD)
    assert (other.outcome, other.reason, other.superseded_by) == (Outcome.SUPERSEDED, reason, OLD)


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.FAILED])
def test_rejected_or_failed_newer_version_supersedes_nothing(outcome: Outcome):
    records = _candidate(OLD, EARLIER) | _candidate(NEW, LATER, outcome)
    assert _outcomes(settle(records, records)) == {OLD: "candidate", NEW: outcome.value}


def test_discarded_newer_version_supersedes():
    records = _candidate(OLD, EARLIER) | _candidate(NEW, LATER, Outcome.DISCARDED)
    assert _outcomes(settle(records, records)) == {OLD: "superseded", NEW: "discarded"}


def test_counts_include_all_outcomes():
    counts = count_outcomes([Record("a", Outcome.AURORA), Record("b", Outcome.AURORA), Record("c", Outcome.IGNORED)])
    assert counts["aurora"] == 2
    assert counts["failed"] == 0
    assert set(counts) == {outcome.value for outcome in Outcome}
    assert sum(counts.values()) == 3


def test_described_counts_omit_zeros():
    assert describe_counts({"no_aurora": 3, "ignored": 0, "failed": 1}) == "3 no aurora, 1 failed"
    assert describe_counts({"failed": 0}) == ""


def test_result_is_described_in_two_lines():
    assert describe_result(4, {"no_aurora": 3, "failed": 1}, 0) == "4 inputs: 3 no aurora, 1 failed\n0 auroras measured"
    assert describe_result(0, {}, 0).startswith("0 inputs: nothing to do\n")


def test_complete_ledger_balances():
    require_balance(2, [Record("a", Outcome.AURORA), Record("b", Outcome.FAILED)])
    require_balance(0, [])


@pytest.mark.parametrize(
    ("listed", "records", "message"),
    [
        (2, [Record("a", Outcome.AURORA)], "2 inputs were listed, but the ledger has 1 lines"),
        (2, [Record("a", Outcome.AURORA)] * 2, "several lines of a"),
        (1, [Record("a", Outcome.CANDIDATE)], "no final outcome; the first is a"),
    ],
)
def test_unbalanced_ledger_is_an_error(listed: int, records: list[Record], message: str):
    with pytest.raises(UnbalancedLedgerError, match=message):
        require_balance(listed, records)
