"""The ledger's arithmetic."""

import pytest

from mars_aurora.errors import UnbalancedLedgerError
from mars_aurora.run.ledger import Outcome, Record, count_outcomes, require_balance, settle

OLD = "emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04.fits.gz"
NEW = "emm_emu_l2b_20220331t212107_0191_os2_sw1of3_f_v02-00.fits.gz"
OTHER_SWATH = "emm_emu_l2b_20220331t212107_0191_os2_sw2of3_r_v01-04.fits.gz"


def _candidates(*names: str) -> dict[str, Record]:
    return {name: Record(name, Outcome.CANDIDATE, objects=3) for name in names}


def _outcomes(records: list[Record]) -> dict[str, str]:
    return {record.name: record.outcome.value for record in records}


def test_a_record_survives_json():
    record = Record("a/Ö.fits", Outcome.REJECTED, "truncated", detail="it ends\nearly")
    assert Record.from_json(record.to_json()) == record


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"3", b'{"name": "x"}', b'{"name": "x", "outcome": "gone"}', b"\xff"]
)
def test_what_is_no_record_is_a_value_error(data: bytes):
    with pytest.raises(ValueError, match=r"."):
        Record.from_json(data)


def test_every_listed_name_is_settled_once_and_nothing_else_is():
    records = {**_candidates("a.fits"), "gone.fits": Record("gone.fits", Outcome.DISCARDED)}
    settled = settle(["b.txt", "a.fits", "c.fits", "a.fits"], records)
    assert _outcomes(settled) == {"a.fits": "candidate", "b.txt": "ignored", "c.fits": "failed"}
    assert [record.name for record in settled] == ["a.fits", "b.txt", "c.fits"]


def test_the_newest_version_supersedes_the_others():
    settled = settle([OLD, NEW, OTHER_SWATH], _candidates(OLD, NEW, OTHER_SWATH))
    assert _outcomes(settled) == {OLD: "superseded", NEW: "candidate", OTHER_SWATH: "candidate"}
    assert NEW in next(record.detail for record in settled if record.name == OLD)


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.FAILED])
def test_a_newer_version_that_is_no_use_supersedes_nothing(outcome: Outcome):
    settled = settle([OLD, NEW], {**_candidates(OLD), NEW: Record(NEW, outcome, "corrupt")})
    assert _outcomes(settled) == {OLD: "candidate", NEW: outcome.value}


def test_a_discarded_newer_version_supersedes_since_its_word_counts():
    settled = settle([OLD, NEW], {**_candidates(OLD), NEW: Record(NEW, Outcome.DISCARDED, objects=1)})
    assert _outcomes(settled) == {OLD: "superseded", NEW: "discarded"}


def test_of_twins_the_first_by_name_stays():
    twin = OLD.removesuffix(".gz")
    settled = settle([OLD, twin, f"copy/{OLD}"], _candidates(OLD, twin, f"copy/{OLD}"))
    assert _outcomes(settled) == {f"copy/{OLD}": "candidate", twin: "superseded", OLD: "superseded"}


def test_versions_are_told_apart_in_any_folder():
    names = [f"2022/{OLD}", f"late/{NEW}"]
    assert _outcomes(settle(names, _candidates(*names)))[names[0]] == "superseded"


def test_counts_name_every_outcome():
    counts = count_outcomes([Record("a", Outcome.AURORA), Record("b", Outcome.AURORA), Record("c", Outcome.IGNORED)])
    assert counts["aurora"] == 2
    assert counts["failed"] == 0
    assert set(counts) == {outcome.value for outcome in Outcome}
    assert sum(counts.values()) == 3


def test_a_full_ledger_balances():
    require_balance(["a", "b"], [Record("a", Outcome.AURORA), Record("b", Outcome.FAILED)])
    require_balance([], [])


@pytest.mark.parametrize(
    ("listed", "records", "complaint"),
    [
        (["a", "b"], [Record("a", Outcome.AURORA)], "b is listed 1 times and has 0 lines"),
        (["a"], [Record("a", Outcome.AURORA)] * 2, "a is listed 1 times and has 2 lines"),
        (["a"], [Record("b", Outcome.AURORA)], "a is listed 1 times and has 0 lines"),
        (["a"], [Record("a", Outcome.CANDIDATE)], "no final outcome, a the first"),
    ],
)
def test_a_ledger_that_does_not_add_up_is_told(listed: list[str], records: list[Record], complaint: str):
    with pytest.raises(UnbalancedLedgerError, match=complaint):
        require_balance(listed, records)
