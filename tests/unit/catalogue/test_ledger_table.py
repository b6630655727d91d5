"""The ledger as CSV, and as an astropy table."""

import csv
import io
import re
from pathlib import Path

import numpy as np
from rendering import read_written

from mars_aurora.catalogue import ledger_table
from mars_aurora.night import Night
from mars_aurora.run.ledger import Origin, Outcome, Record
from mars_aurora.run.storage import Version

USED = Record(
    "a.fits",
    Outcome.AURORA,
    objects=3,
    auroras=2,
    level="l2b",
    flags=("checksum", "quality_flags"),
    residuals={"sza_deg": 0.0512345678, "local_time_h": 0.0},
    night=Night(pixels=4000, area_km2=1.5e7, level_R=0.75, limit_R=2.5),
    cleaning={"spike_pixels": 12.0, "offset_bins": 0.0},
    origin=Origin(Version(5_000_000_000, etag="e", version_id="v"), sha256="ab" * 32, read="stamp"),
)
OTHER = Record("b.fits", Outcome.SUPERSEDED, "copy", detail="a.fits is used", superseded_by="a.fits")


def _rows(*records: Record) -> list[dict[str, str]]:
    return list(
        csv.DictReader(io.StringIO(read_written(lambda path: ledger_table.write_ledger(path, records)).decode()))
    )


def test_line_has_what_was_read_and_what_is_unusual():
    (row,) = _rows(USED)
    assert row["size_bytes"] == "5000000000"
    assert (row["sha256"], row["etag"], row["version_id"]) == ("ab" * 32, "e", "v")
    assert (row["level"], row["flags"]) == ("l2b", "checksum quality_flags")
    assert (row["sza_residual_deg"], row["local_time_residual_h"]) == ("0.05123457", "0")
    assert row["emission_angle_residual_deg"] == ""


def test_line_has_what_was_searched_and_what_was_removed():
    (row,) = _rows(USED)
    assert (row["night_area_km2"], row["night_level_R"], row["limit_R"]) == ("1.5e+07", "0.75", "2.5")
    assert (row["spike_pixels"], row["offset_bins"], row["particle_background_R"]) == ("12", "0", "")
    (other,) = _rows(OTHER)
    assert other["night_area_km2"] == other["spike_pixels"] == ""
    table = ledger_table.from_csv(read_written(lambda path: ledger_table.write_ledger(path, [USED, OTHER])))
    assert table["night_area_km2"].tolist() == [1.5e7, None]


def test_input_that_was_not_read_has_no_size_and_no_checksum():
    (row,) = _rows(OTHER)
    assert row["superseded_by"] == "a.fits"
    assert [row[name] for name in ("size_bytes", "sha256", "level", "sza_residual_deg")] == [""] * 4


def test_table_masks_unknown_numbers():
    table = ledger_table.from_csv(read_written(lambda path: ledger_table.write_ledger(path, [USED, OTHER])))
    assert table["size_bytes"].tolist() == [5_000_000_000, None]
    assert table["objects"].tolist() == [3, None]
    assert table["sza_residual_deg"][0] == np.float64(0.05123457)
    assert table["emission_angle_residual_deg"].mask.all()


def test_ledger_of_an_earlier_version_has_empty_columns():
    table = ledger_table.from_csv(b"name,outcome,reason,objects,auroras,detail\nx.fits,discarded,too_few_objects,1,,\n")
    assert (table["name"][0], table["objects"][0], table["sha256"][0]) == ("x.fits", 1, "")


def test_every_column_is_documented():
    section = (
        (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text().split("## The ledger")[1].split("\n##")[0]
    )
    documented = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)))
    assert set(documented) == set(ledger_table.LEDGER_COLUMNS)
