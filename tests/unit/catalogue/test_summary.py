"""Summaries of the ledger in the report."""

from test_catalogue_files import PROVENANCE

from mars_aurora.catalogue import report
from mars_aurora.catalogue.summary import Group, Residual, group_flags, group_reasons, summarize_residuals
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record

RECORDS = [
    Record("b.fits", Outcome.REJECTED, "truncated"),
    Record("a.fits", Outcome.REJECTED, "truncated"),
    Record("c.fits", Outcome.FAILED, "timed_out"),
    Record("d.fits", Outcome.NO_AURORA, flags=("altitude_offset", "fill_values"), residuals={"sza_deg": -0.3}),
    Record("e.fits", Outcome.AURORA, flags=("fill_values",), residuals={"sza_deg": 0.1, "local_time_h": 0.01}),
]


def test_reasons_are_counted_by_outcome_with_the_first_input():
    assert group_reasons(RECORDS) == [
        Group(("rejected", "truncated"), 2, "a.fits"),
        Group(("failed", "timed_out"), 1, "c.fits"),
    ]


def test_flags_are_counted_with_the_first_input():
    assert group_flags(RECORDS) == [Group(("fill_values",), 2, "d.fits"), Group(("altitude_offset",), 1, "d.fits")]


def test_largest_difference_of_the_geometry_is_named():
    assert summarize_residuals(RECORDS) == [
        Residual("solar zenith angle, deg", 2, 0.2, 0.3, "d.fits"),
        Residual("local time, h", 1, 0.01, 0.01, "e.fits"),
    ]


def test_report_shows_reasons_flags_and_differences():
    page = report.build(RunKeys("r"), RECORDS, [], [], PROVENANCE).decode()
    for row in (
        '<td>rejected</td><td>truncated</td><td class="n">2</td><td class="name">a.fits</td>',
        '<td>fill_values</td><td class="n">2</td><td class="name">d.fits</td>',
        '<td class="n">2</td><td class="n">0.200</td><td class="n">0.300</td><td class="name">d.fits</td>',
    ):
        assert row in page


def test_report_lists_at_most_500_rejected_inputs_and_says_how_many_more():
    records = [Record(f"{number:04d}.fits", Outcome.REJECTED, "truncated", detail="short") for number in range(503)]
    page = report.build(RunKeys("r"), records, [], [], PROVENANCE).decode()
    assert "0499.fits" in page
    assert "0500.fits" not in page
    assert "3 more are in ledger.csv" in page
