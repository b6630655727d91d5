"""What is printed at the end of a run."""

from pathlib import Path

import pytest

from mars_aurora.catalogue.ledger_table import write_ledger
from mars_aurora.errors import UsageError
from mars_aurora.local import summary
from mars_aurora.run.ledger import Outcome, Record


def _rows(folder: Path, *records: Record) -> summary.Rows:
    write_ledger(folder / "ledger.csv", records)
    return summary.read_ledger(folder)


def test_results_are_described_in_five_lines(tmp_path):
    rows = _rows(
        tmp_path,
        *(Record(f"{number}.fits", Outcome.AURORA, auroras=2) for number in range(3)),
        Record("cut.fits", Outcome.REJECTED, "truncated", detail="it ends early"),
        Record("day.fits", Outcome.NO_NIGHT),
        Record("old.fits", Outcome.REJECTED, "truncated", detail="too"),
        Record("other.fits", Outcome.REJECTED, "not_fits", detail="text"),
    )
    assert summary.describe_run(tmp_path, rows, 6).splitlines() == [
        "7 inputs: 3 aurora, 1 no night, 3 rejected",
        "6 auroras measured",
        "rejected: 2 truncated, 1 not_fits; for example cut.fits: it ends early",
        "1 without night: fewer than 12 pixels of the night side, where auroras are searched",
        f"open {tmp_path}/report.html",
    ]


def test_the_most_frequent_reasons_of_failure_have_a_line_with_an_example(tmp_path):
    rows = _rows(
        tmp_path,
        *(
            Record(f"{reason}{number}.fits", Outcome.FAILED, f"reason{reason}", detail=f"detail {number}")
            for reason in range(7)
            for number in range(reason + 1)
        ),
        Record("sound.fits", Outcome.NO_AURORA),
    )
    lines = list(summary.describe_failures(rows))
    assert len(lines) == 5
    assert lines[0] == "7 failed: reason6, for example 60.fits: detail 0; repeat the command to retry"


@pytest.mark.parametrize("outcome", [Outcome.AURORA, Outcome.NO_AURORA, Outcome.DISCARDED, Outcome.NO_NIGHT])
def test_one_usable_input_is_enough(tmp_path, outcome):
    summary.require_usable(_rows(tmp_path, Record("a.fits", outcome), Record("b.fits", Outcome.REJECTED)))


def test_reason_why_no_input_was_usable_has_the_counts(tmp_path):
    rows = _rows(tmp_path, Record("a.fits", Outcome.REJECTED), Record("b.txt", Outcome.IGNORED))
    with pytest.raises(UsageError, match=r"no input was usable \(1 rejected, 1 ignored\)"):
        summary.require_usable(rows)
