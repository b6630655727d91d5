"""The exposure as a FITS table: edges, units, descriptions, provenance; documented."""

import io
import re
from dataclasses import replace
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits

from mars_aurora.background.exposure import CELL, NOTHING, UNKNOWN
from mars_aurora.catalogue.exposure_table import EXPOSURE_COLUMNS, from_fits, to_fits
from mars_aurora.catalogue.write import write_products
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.storage import FolderStorage

PAGE = (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text()
PROVENANCE = describe_provenance(DetectorName.YOLO, 2, "")
CELLS = np.array(
    [
        (-18, 0, 0, 22, -1, 5, 12345.678),
        (17, 35, 23, 35, 3, 2**40, 1e12),
        (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 1, 0.5),
    ],
    CELL,
)


def test_rows_have_the_lower_edges_of_their_cells_with_units():
    table = from_fits(to_fits(CELLS, PROVENANCE))
    assert list(table.columns) == list(EXPOSURE_COLUMNS)
    assert table["lat_min_deg"].to_value(u.deg) == pytest.approx([-90, 85, np.nan], nan_ok=True)
    assert table["lon_min_deg"].to_value(u.deg) == pytest.approx([0, 350, np.nan], nan_ok=True)
    assert table["local_time_min_h"].to_value(u.h) == pytest.approx([0, 23, np.nan], nan_ok=True)
    assert table["sza_min_deg"].to_value(u.deg) == pytest.approx([110, 175, np.nan], nan_ok=True)
    assert table["depth_min_R"].to_value(u.R) == pytest.approx([0.5, 8, np.nan], nan_ok=True)
    assert table["pixels"].tolist() == [5, 2**40, 1]
    assert table["area_km2"].to_value(u.km**2).tolist() == [12345.678, 1e12, 0.5]


def test_columns_have_descriptions_and_the_table_its_provenance():
    table = from_fits(to_fits(CELLS, PROVENANCE))
    assert {name: table[name].info.description for name in table.columns} == {
        name: description for name, (_, description) in EXPOSURE_COLUMNS.items()
    }
    assert table.meta.items() >= PROVENANCE.to_dict().items()
    assert "NaN" in table.meta["description"]


def test_table_without_cells_has_its_columns():
    table = from_fits(to_fits(NOTHING, PROVENANCE))
    assert (len(table), list(table.columns)) == (0, list(EXPOSURE_COLUMNS))
    assert table["area_km2"].sum() == 0 * u.km**2


@pytest.mark.parametrize("command", ["", "run 'a b' \"c\" & ", "x" * 5000, "run Mars-é-火星/a\\b", "it''s '&"])
def test_any_command_is_read_back_from_the_header(command):
    provenance = replace(PROVENANCE, command=command)
    data = to_fits(CELLS, provenance)
    assert from_fits(data).meta["command"] == command
    with fits.open(io.BytesIO(data)) as hdus:
        hdus.verify("exception")


def test_columns_are_documented():
    section = PAGE.split("\n## Exposure\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\S*) ?\| (.*) \|$", section, re.MULTILINE)
    assert rows == [(name, unit, description) for name, (unit, description) in EXPOSURE_COLUMNS.items()]


def test_report_states_the_total_and_links_the_table(tmp_path):
    keys, storage = RunKeys("r"), FolderStorage(tmp_path)
    write_products(keys, [], [], PROVENANCE, storage, exposure=CELLS[:1])
    page = " ".join(storage.get(keys.product("report.html")).decode().split())
    assert 'on 0.01 million km² searched (<a href="exposure.fits">exposure</a>).' in page
