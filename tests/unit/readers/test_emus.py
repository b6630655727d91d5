"""EMUS Level 2B files with a known scene: geometry, facts and optional columns."""

from __future__ import annotations

import numpy as np
import pytest
from emus_files import LINE_ROW, MISSION_NAME, make_tables, write_tables
from numpy.testing import assert_allclose, assert_array_equal

from mars_aurora import readers
from mars_aurora.observation import Observation

HEADER = {"OBS_UTC": "2022-03-31T21:21:07.5", "END_UTC": "2022-03-31T21:40:00", "MARSYEAR": 36, "SOL_LONG": 190.5}


def test_arrays_are_native_with_the_documented_dtypes(read_tables):
    observation = read_tables(make_tables())
    for field in ("brightness_R", "latitude_deg", "corner_longitude_deg", "local_time_h", "tangent_altitude_km"):
        assert getattr(observation, field).dtype == np.float32
    for field in ("ra_deg", "dec_deg", "sub_spacecraft_longitude_deg", "spacecraft_altitude_km"):
        assert getattr(observation, field).dtype == np.float64
    assert observation.corner_latitude_deg.shape == (8, 128, 4)
    for field in Observation.__dataclass_fields__.keys() - {"facts"}:
        values = getattr(observation, field)
        assert values.dtype.isnative
        assert values.strides[-1] == values.itemsize, f"{field} is not in the order of its rows"


@pytest.mark.parametrize("center", range(5))
def test_center_sample_is_found_at_any_index_and_across_the_meridian(read_tables, center):
    observation = read_tables(make_tables(center=center))  # longitudes run from -4 through 0 to 3
    assert_allclose(observation.longitude_deg[:, 50], (np.arange(8) - 4.0) % 360, atol=1e-4)
    assert_allclose(observation.latitude_deg[0, 50], -60 + 45, atol=1e-4)
    assert np.nanmin(observation.longitude_deg) >= 0
    assert np.nanmax(observation.longitude_deg) < 360


def test_corners_are_ordered_around_the_pixel(read_tables):
    tables = make_tables()
    for column in ("LAT", "LON"):
        tables["FOV_GEOM"][column] = tables["FOV_GEOM"][column][:, [0, 1, 3, 2, 4]]
    observation = read_tables(tables)
    latitude, longitude = observation.corner_latitude_deg[6, 50], observation.corner_longitude_deg[6, 50]
    sides = np.hypot(latitude - np.roll(latitude, 1), longitude - np.roll(longitude, 1))
    assert_allclose(sides, 0.8, atol=1e-3)


def test_bins_off_the_slit_and_bin_0_are_nan_and_keep_their_index(read_tables):
    tables = make_tables()
    tables["FOV_GEOM"]["RA"][:, :, 0] = 1.0  # bin 0 remains off the slit despite a finite RA
    observation = read_tables(tables)
    for field in ("brightness_R", "latitude_deg", "longitude_deg", "sza_deg", "tangent_altitude_km", "ra_deg"):
        assert_array_equal(np.isnan(getattr(observation, field)).all(axis=0), np.isin(np.arange(128), [0, 127]), field)
    assert not observation.flagged[:, [0, 127]].any()


@pytest.mark.parametrize("order", [["EMISS", "FOV_GEOM", "SC_GEOM"], ["SC_GEOM", "TIME", "FOV_GEOM", "EMISS"]])
@pytest.mark.parametrize("name", ["swath.fits", "swath.fits.gz"])
def test_any_hdu_order_is_read_plain_or_gzipped(read_tables, order, name):
    tables = make_tables()
    observation = read_tables({hdu: tables[hdu] for hdu in order}, name)
    assert observation.brightness_R[2, 5] == pytest.approx(3.005)


def test_facts_come_from_the_header_and_the_file_name(read_tables):
    facts = read_tables(make_tables(), f"2022/{MISSION_NAME}", **HEADER).facts
    assert (facts.instrument, facts.level, facts.orbit, facts.mode) == ("EMM/EMUS", "l2b", 191, "os2")
    assert (facts.swath, facts.version, facts.kernel) == ((1, 3), (1, 4), "r")
    assert (facts.start_utc, facts.end_utc) == ("2022-03-31T21:21:00.000", "2022-03-31T21:21:07.000")
    assert (facts.mars_year, facts.solar_longitude_deg) == (36, 190.5)


def test_level_3_disk_is_recognized_by_its_hdu_or_its_name(read_tables):
    named = MISSION_NAME.replace("_l2b_", "_l3disk_")
    assert read_tables(make_tables(), named).facts.level == "l3disk"
    with_density = make_tables() | {"COLUMN_DENSITY": {"DENSITY": np.zeros((1, 2))}}
    assert read_tables(with_density, "renamed.fits").facts.level == "l3disk"


def test_header_times_are_used_where_there_is_no_table_of_times(read_tables):
    tables = make_tables()
    del tables["TIME"]
    observation = read_tables(tables, f"2022/{MISSION_NAME}", **HEADER)
    assert np.isnat(observation.time_utc).all()
    facts = observation.facts
    assert (facts.start_utc, facts.end_utc) == ("2022-03-31T21:21:07.500", "2022-03-31T21:40:00.000")


def test_facts_of_a_renamed_file_come_from_the_header(read_tables):
    facts = read_tables(make_tables(), "renamed.fits", ORBNUM=191, MARSYEAR="soon", SOL_LONG=1e9).facts
    assert (facts.start_utc, facts.orbit, facts.mode, facts.version) == ("2022-03-31T21:21:00.000", 191, None, None)
    assert (facts.mars_year, facts.solar_longitude_deg) == (None, None)


def test_optional_columns_may_be_missing(read_tables):
    tables = make_tables()
    for column in ("RA", "DEC", "LOCAL_TIME", "VEC_MSO"):
        del tables["FOV_GEOM"][column]
    for column in ("SUB_SOLAR_LAT", "SUB_SOLAR_LON"):
        del tables["SC_GEOM"][column]
    for column in ("RAD_ERR_RAND", "RAD_ERR_SYS", "QLTY_FLG"):
        del tables["EMISS"][column]
    del tables["TIME"]
    observation = read_tables(tables)
    assert np.isnan(observation.ra_deg).all()
    assert np.isnan(observation.random_error_R).all()
    assert np.isnan(observation.sub_solar_latitude_deg).all()
    assert not observation.flagged.any()
    assert observation.brightness_R[2, 127] == pytest.approx(3.127)  # without RA, only bin 0 is off the slit


def test_values_out_of_range_become_nan(read_tables):
    tables = make_tables()
    tables["EMISS"]["RADIANCE"][LINE_ROW, 10, 1] = 1e30
    tables["EMISS"]["RADIANCE"][LINE_ROW, 11, 1] = -np.inf
    tables["FOV_GEOM"]["LAT"][2, :, 10] = 1e300
    tables["FOV_GEOM"]["SOLAR_Z_ANGLE"][2, :, 11] = -1.0
    observation = read_tables(tables)
    assert np.isnan(observation.brightness_R[1, 10:12]).all()
    assert np.isnan(observation.latitude_deg[2, 10])
    assert np.isnan(observation.sza_deg[2, 11])


def test_column_scaling_is_applied(tmp_path):
    tables = make_tables()
    expected = tables["SC_GEOM"]["SUB_SC_LAT"].copy()
    tables["SC_GEOM"]["SUB_SC_LAT"] *= 2
    path = write_tables(tmp_path / "x.fits", tables)
    content = path.read_bytes()
    card = b"TTYPE1  = 'SUB_SC_LAT'".ljust(80)
    assert content.count(card) == 1
    at = content.index(b"EXTNAME = 'SC_GEOM")
    content = content[:at] + b"TSCAL1  =                  0.5".ljust(80) + content[at:]
    end = content.index(b"END".ljust(80), at) + 80
    content = content[:end] + content[end + 80 :]  # remove one card of padding after END
    path.write_bytes(content)
    assert_allclose(readers.read(path, "x.fits").sub_spacecraft_latitude_deg, expected)
