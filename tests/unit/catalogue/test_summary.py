"""Summaries of the ledger in the report."""

from test_catalogue_files import PROVENANCE

from mars_aurora.catalogue import report
from mars_aurora.catalogue.summary import (
    Group,
    NightSummary,
    Removed,
    Residual,
    summarize,
)
from mars_aurora.night import Night
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
    assert summarize(RECORDS).reasons == [
        Group(("rejected", "truncated"), 2, "a.fits"),
        Group(("failed", "timed_out"), 1, "c.fits"),
    ]


def test_flags_are_counted_with_the_first_input():
    assert summarize(RECORDS).flags == [Group(("fill_values",), 2, "d.fits"), Group(("altitude_offset",), 1, "d.fits")]


def test_largest_difference_of_the_geometry_is_named():
    assert summarize(RECORDS).residuals == [
        Residual("solar zenith angle, deg", 2, 0.2, 0.3, "d.fits"),
        Residual("local time, h", 1, 0.01, 0.01, "e.fits"),
    ]


def _build_page(records, provenance, detected=""):
    ((_, file),) = report.build(RunKeys("r"), records, [], [], [], provenance, detected=detected)
    return file.data.decode()


def test_report_shows_reasons_flags_and_differences():
    page = _build_page(RECORDS, PROVENANCE)
    for row in (
        '<td>rejected</td><td>truncated</td><td class="n">2</td><td class="name">a.fits</td>',
        '<td>fill_values</td><td class="n">2</td><td class="name">d.fits</td>',
        '<td class="n">2</td><td class="n">0.200</td><td class="n">0.300</td><td class="name">d.fits</td>',
    ):
        assert row in page


SEARCHED = [
    Record("a.fits", Outcome.NO_AURORA, night=Night(20, 3e6, 1.0, 2.0), cleaning={"spike_pixels": 0.0}),
    Record("b.fits", Outcome.AURORA, night=Night(12, 1e6, 9.0, 4.0, is_diffuse=True), cleaning={"spike_pixels": 3.0}),
    Record("c.fits", Outcome.NO_NIGHT, night=Night(11, 1e5, 1.0, 9.0), cleaning={"spike_pixels": 7.0}),
    Record("d.fits", Outcome.SUPERSEDED, night=Night(99, 5e6, 1.0, 2.0)),
    Record("e.fits", Outcome.REJECTED),
]


def test_what_was_searched_is_that_of_the_files_that_were_used():
    assert summarize(SEARCHED).night == NightSummary(read=3, in_view=2, area_km2=4.1e6, limit_R=3.0, diffuse=1)
    assert summarize([]).night == NightSummary(0, 0, 0, None, 0)


def test_removed_artefacts_are_summarized_over_the_files_that_have_them():
    assert summarize(SEARCHED).removed == [Removed("spikes, pixels", 2, 5.0, 7.0, "c.fits")]


def test_report_shows_what_was_searched_and_removed():
    page = _build_page(SEARCHED, PROVENANCE)
    assert "The night side is in view in 2 of 3 files that were read; auroras are found there from 3.0 R" in page
    assert "A diffuse aurora covers the night in 1 of them." in page
    assert '<td>spikes, pixels</td><td class="n">2</td><td class="n">5</td><td class="n">7</td>' in page


def test_report_lists_at_most_500_rejected_inputs_and_says_how_many_more():
    records = [Record(f"{number:04d}.fits", Outcome.REJECTED, "truncated", detail="short") for number in range(503)]
    page = _build_page(records, PROVENANCE)
    assert "0499.fits" in page
    assert "0500.fits" not in page
    assert "3 more are in ledger.csv" in page


def test_report_shows_the_cost_of_a_run_in_the_cloud_and_none_of_a_local_run():
    local, cloud = (
        _build_page(RECORDS, PROVENANCE, detected=detected)
        for detected in ("", "on Lambda: the run is of a single file")
    )
    assert "cost on AWS" not in local
    assert "cost on AWS" in cloud
    assert "<td>Function Detect</td>" in cloud
