"""Rows and charts of the report."""

import json
from dataclasses import replace

import numpy as np
import pytest
from test_catalogue_files import AURORAS, PROVENANCE

from mars_aurora.catalogue import report
from mars_aurora.catalogue.charts import histogram, list_ticks, timeline
from mars_aurora.catalogue.entries import list_entries
from mars_aurora.catalogue.report_rows import COLUMNS, list_auroras, list_pictures
from mars_aurora.catalogue.write import write_products
from mars_aurora.perspective import Perspective
from mars_aurora.run.keys import RunKeys, flat_name
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.storage import FolderStorage

AURORA = replace(AURORAS[0], aurora_id="a")
SWATH = "emm_emu_l2b_20220331t21{}_0191_os2_sw{}of3_r_v01-04.fits"


def _picture(record, auroras=()):
    (row,) = list_pictures([record], auroras)
    return dict(zip(COLUMNS["picture"], row, strict=True))


def test_pictures_with_auroras_are_first_and_others_without_picture_are_left_out():
    outcomes = [Outcome.DISCARDED, Outcome.AURORA, Outcome.REJECTED, Outcome.NO_NIGHT, Outcome.AURORA]
    records = [Record(f"{number}.fits", outcome) for number, outcome in enumerate(outcomes)]
    assert [row[0] for row in list_pictures(records, [])] == ["1.fits", "4.fits", "0.fits", "3.fits"]


def test_picture_has_its_place_in_the_run_its_set_and_its_perspective():
    records = [Record(SWATH.format(minute, swath), Outcome.DISCARDED) for minute, swath in (("2107", 1), ("4007", 2))]
    records[1] = replace(records[1], perspective=Perspective(1.23456, 2.0, 3.0, 4.0, 5.0))
    _, row = list_pictures(records, [])
    found = dict(zip(COLUMNS["picture"], row, strict=True))
    assert (found["src"], found["set"]) == (f"images/{records[1].name}.png", f"sets/{records[0].name}.png")
    assert (found["mode"], found["start"]) == ("os2", "2022-03-31T21:40:07.000")
    assert found["perspective"] == [1.235, 2.0, 3.0, 4.0, 5.0]
    assert _picture(Record("a/x.fits", Outcome.DISCARDED))["label"] == flat_name("a/x.fits") == "a__x.fits"


def test_numbers_that_are_unknown_are_null():
    aurora = replace(AURORA, confidence=float("nan"), peak_brightness_R=float("inf"))
    (row,) = _picture(Record(AURORA.name, Outcome.AURORA), [aurora])["sightings"]
    found = dict(zip(COLUMNS["sighting"], row, strict=True))
    assert (found["confidence"], found["peak_brightness_R"]) == (None, None)
    assert "NaN" not in json.dumps(row)


def test_outlines_on_the_picture_are_closed_and_simplified():
    aurora = replace(AURORA, picture_outline="10,10,20,10.1,30,10,30,40;100,100,110,100,110,120")
    (row,) = _picture(Record(AURORA.name, Outcome.AURORA), [aurora])["sightings"]
    found = dict(zip(COLUMNS["sighting"], row, strict=True))
    assert found["outlines"] == [
        [[10, 10], [30, 10], [30, 40], [10, 10]],
        [[100, 100], [110, 100], [110, 120], [100, 100]],
    ]


def test_joined_aurora_has_its_sightings_with_the_largest_first():
    seen = [replace(AURORA, name=f"{size}.fits", detection=size, area_km2=1e5 * size) for size in (1, 3, 2)]
    (row,) = list_auroras(list_entries(seen), seen)
    assert dict(zip(COLUMNS["aurora"], row, strict=True))["seen"] == [["3.fits", 3], ["2.fits", 2], ["1.fits", 1]]


def test_parts_have_all_pictures_and_those_of_an_earlier_run_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "ROWS_IN_A_PART", 2)
    records = [Record(f"{number}.fits", Outcome.DISCARDED) for number in range(5)]
    files = dict(report.build(RunKeys("r"), records, [], [], [], PROVENANCE))
    assert {name: file.rows for name, file in files.items()} == {
        "report.html": 2,
        "report/0002.js": 2,
        "report/0003.js": 1,
    }
    storage = FolderStorage(tmp_path)
    written = write_products(RunKeys("r"), records, [], PROVENANCE, storage)
    assert "runs/r/report/0003.js" in written
    write_products(RunKeys("r"), records[:1], [], PROVENANCE, storage)
    assert storage.list("runs/r/report/") == []


def test_ticks_are_at_their_fraction_of_the_logarithmic_scale():
    ticks = list_ticks(0.3, 1000.0)
    assert [tick["label"] for tick in ticks] == ["0.3", "1", "3", "10", "30", "100", "300", "1000"]
    assert [ticks[0]["position"], ticks[-1]["position"]] == [0, 1]
    assert ticks[3]["position"] == pytest.approx(np.log(10 / 0.3) / np.log(1000 / 0.3), abs=1e-4)


def test_histogram_counts_positive_values_once():
    found = histogram("x", [1.0, 10.0, 10.0, 0.0, -1.0, float("nan")])
    assert sum(bar["count"] for bar in found["bars"]) == 3
    assert histogram("x", [])["bars"] == []


@pytest.mark.parametrize(
    ("dates", "labels"),
    [
        (("20220330", "20220402"), ["2022-03-30", "2022-03-31", "2022-04-01", "2022-04-02"]),
        (("20220130", "20220402"), ["2022-01", "2022-02", "2022-03", "2022-04"]),
        (("20140130", "20250402"), [str(year) for year in range(2014, 2026)]),
    ],
)
def test_time_line_has_all_days_months_or_years_between(dates, labels):
    names = [f"emm_emu_l2b_{date}t212107_0191_os2_sw1of3_r_v01-04.fits" for date in dates]
    bars = timeline(
        [Record(names[0], Outcome.AURORA), Record(names[1], Outcome.DISCARDED), Record("x", Outcome.IGNORED)]
    )
    assert [bar["label"] for bar in bars] == labels
    assert [(bar["count"], bar["found"]) for bar in (bars[0], bars[1], bars[-1])] == [(1, 1), (0, 0), (1, 0)]
    assert timeline([]) == []
