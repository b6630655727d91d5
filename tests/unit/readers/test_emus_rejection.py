"""EMUS files that are valid FITS but lack something: the reason and the message."""

from __future__ import annotations

import numpy as np
import pytest
from emus_files import MISSION_NAME, make_spectra, make_tables, write_tables

from mars_aurora import readers
from mars_aurora.errors import Reason


@pytest.mark.parametrize(
    ("hdu", "column"),
    [
        ("EMISS", "RADIANCE"),
        ("EMISS", "NAME"),
        ("FOV_GEOM", "LAT"),
        ("FOV_GEOM", "MRH_ALT"),
        ("FOV_GEOM", "SOLAR_Z_ANGLE"),
        ("SC_GEOM", "SC_ALT"),
        ("SC_GEOM", "SUB_SC_LON"),
    ],
)
def test_missing_column_is_named(reject_tables, hdu, column):
    tables = make_tables()
    del tables[hdu][column]
    error = reject_tables(tables)
    assert error.reason is Reason.MISSING_COLUMN
    assert f"{hdu} has no column {column}" in error.detail


@pytest.mark.parametrize("hdu", ["EMISS", "FOV_GEOM", "SC_GEOM"])
def test_missing_hdu_is_named(reject_tables, hdu):
    tables = make_tables()
    del tables[hdu]
    error = reject_tables(tables)
    assert error.reason is Reason.MISSING_HDU
    assert f"HDU {hdu} missing" in error.detail


def test_file_named_l2b_without_emissions_is_not_read_as_l2a(reject_tables):
    tables = {**make_tables(), **make_spectra()}
    del tables["EMISS"]
    assert reject_tables(tables, MISSION_NAME).reason is Reason.MISSING_HDU


@pytest.mark.parametrize(
    ("hdu", "column", "values"),
    [
        ("FOV_GEOM", "LAT", np.zeros((8, 4, 128))),
        ("FOV_GEOM", "LON", np.zeros((8, 5, 64))),
        ("FOV_GEOM", "RA", np.zeros(8)),
        ("FOV_GEOM", "LAT", np.zeros((8, 128), "u1")),
        ("SC_GEOM", "SC_ALT", np.zeros((8, 3))),
        ("EMISS", "RADIANCE", np.zeros((4, 8, 128), "f4")),
        ("EMISS", "RAD_ERR_RAND", np.zeros((4, 128, 9), "f4")),
        ("EMISS", "RADIANCE", np.array(["bright", "dark", "grey", "odd"])),
        ("EMISS", "NAME", np.zeros(4)),
    ],
)
def test_wrong_shape_is_named(reject_tables, hdu, column, values):
    tables = make_tables()
    tables[hdu][column] = values
    error = reject_tables(tables)
    assert error.reason is Reason.WRONG_SHAPE
    assert f"{hdu}.{column}" in error.detail


def test_tables_of_different_lengths_are_rejected(reject_tables):
    tables = make_tables()
    tables["SC_GEOM"] = make_tables(9)["SC_GEOM"]
    assert reject_tables(tables).reason is Reason.WRONG_SHAPE


@pytest.mark.parametrize(("count", "reason"), [(0, Reason.NO_INTEGRATIONS), (2, Reason.TOO_FEW_INTEGRATIONS)])
def test_too_few_integrations_are_rejected(reject_tables, count, reason):
    assert reject_tables(make_tables(count)).reason is reason


def test_brightness_without_finite_values_is_no_data(reject_tables):
    tables = make_tables()
    tables["EMISS"]["RADIANCE"][:] = np.nan
    assert reject_tables(tables).reason is Reason.NO_DATA


def test_fewer_than_ten_located_pixels_are_no_disk(reject_tables):
    tables = make_tables()
    tables["FOV_GEOM"]["LAT"][:] = np.nan
    tables["FOV_GEOM"]["LAT"][0, :, 20:29] = 1.0
    error = reject_tables(tables)
    assert error.reason is Reason.NO_DISK
    assert "only 9 pixels" in error.detail


def test_mars_out_of_view_is_no_disk(reject_tables, tmp_path):
    tables = make_tables()
    tables["FOV_GEOM"]["MRH_ALT"][:] = 140.01
    assert reject_tables(tables).reason is Reason.NO_DISK
    tables["FOV_GEOM"]["MRH_ALT"][0, 0, 64] = 140.0
    path = write_tables(tmp_path / "grazing.fits", tables, MARSYEAR=36)
    assert np.nanmin(readers.read(path, path.name).tangent_altitude_km) == 140


def test_unknown_spacecraft_altitude_is_no_disk(reject_tables):
    tables = make_tables()
    tables["SC_GEOM"]["SC_ALT"][:] = np.nan
    assert reject_tables(tables).reason is Reason.NO_DISK
