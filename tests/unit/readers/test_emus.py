"""EMUS files: every pitfall of the format, each on a file whose truth is known."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from emus_files import (
    LINE_ROW,
    MISSION_NAME,
    Tables,
    expected_brightness,
    make_spectra,
    make_tables,
    write_tables,
)
from numpy.testing import assert_allclose, assert_array_equal

from mars_aurora import readers
from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Observation
from mars_aurora.readers import emus

HEADER = {"OBS_UTC": "2022-03-31T21:21:07.5", "END_UTC": "2022-03-31T21:40:00", "MARSYEAR": 36, "SOL_LONG": 190.5}


@pytest.fixture
def read_tables(tmp_path: Path):
    def read(tables: Tables, name: str = "swath.fits", **header: object) -> Observation:
        return readers.read(write_tables(tmp_path / Path(name).name, tables, **header), name)

    return read


@pytest.fixture
def reject_tables(read_tables):
    def reject(tables: Tables, name: str = "swath.fits", **header: object) -> InputError:
        with pytest.raises(InputError) as caught:
            read_tables(tables, name, **header)
        assert name in str(caught.value)
        return caught.value

    return reject


@pytest.mark.parametrize(("n_integrations", "n_slit"), [(8, 128), (8, 192), (128, 128), (150, 128)])
def test_turns_the_transposed_emission_whatever_the_shape(read_tables, n_integrations, n_slit):
    observation = read_tables(make_tables(n_integrations, n_slit))
    on_slit = slice(1, n_slit - 1)
    expected = expected_brightness(n_integrations, n_slit)
    assert observation.shape == (n_integrations, n_slit)
    assert_allclose(observation.brightness_R[:, on_slit], expected[:, on_slit], rtol=1e-6)
    assert_allclose(observation.random_error_R[:, on_slit], expected[:, on_slit] / 10, rtol=1e-6)
    assert_allclose(observation.systematic_error_R[:, on_slit], expected[:, on_slit] / 20, rtol=1e-6)
    assert_array_equal(np.argwhere(observation.flagged), [[4, 3]])


def test_arrays_are_native_and_typed_as_the_contract_says(read_tables):
    observation = read_tables(make_tables())
    for field in ("brightness_R", "latitude_deg", "corner_longitude_deg", "local_time_h", "tangent_altitude_km"):
        assert getattr(observation, field).dtype == np.float32
    for field in ("ra_deg", "dec_deg", "sub_spacecraft_longitude_deg", "spacecraft_altitude_km"):
        assert getattr(observation, field).dtype == np.float64
    assert observation.corner_latitude_deg.shape == (8, 128, 4)
    assert all(
        getattr(observation, field).dtype.isnative for field in Observation.__dataclass_fields__ if field != "facts"
    )


@pytest.mark.parametrize("centre", range(5))
def test_finds_the_centre_wherever_it_stands_and_across_the_meridian(read_tables, centre):
    observation = read_tables(make_tables(centre=centre))  # longitudes run from -4 through 0 to 3
    assert_allclose(observation.longitude_deg[:, 50], (np.arange(8) - 4.0) % 360, atol=1e-4)
    assert_allclose(observation.latitude_deg[0, 50], -60 + 45, atol=1e-4)
    assert np.nanmin(observation.longitude_deg) >= 0
    assert np.nanmax(observation.longitude_deg) < 360


def test_corners_go_round_the_pixel_in_whatever_order_they_come(read_tables):
    tables = make_tables()
    for column in ("LAT", "LON"):
        tables["FOV_GEOM"][column] = tables["FOV_GEOM"][column][:, [0, 1, 3, 2, 4]]
    observation = read_tables(tables)
    latitude, longitude = observation.corner_latitude_deg[6, 50], observation.corner_longitude_deg[6, 50]
    sides = np.hypot(latitude - np.roll(latitude, 1), longitude - np.roll(longitude, 1))
    assert_allclose(sides, 0.8, atol=1e-3)


def test_off_slit_bins_and_bin_0_are_empty_and_keep_their_place(read_tables):
    tables = make_tables()
    tables["FOV_GEOM"]["RA"][:, :, 0] = 1.0  # a finite RA makes bin 0 no better
    observation = read_tables(tables)
    for field in ("brightness_R", "latitude_deg", "longitude_deg", "sza_deg", "tangent_altitude_km", "ra_deg"):
        assert_array_equal(np.isnan(getattr(observation, field)).all(axis=0), np.isin(np.arange(128), [0, 127]), field)
    assert not observation.flagged[:, [0, 127]].any()


@pytest.mark.parametrize("order", [["EMISS", "FOV_GEOM", "SC_GEOM"], ["SC_GEOM", "TIME", "FOV_GEOM", "EMISS"]])
@pytest.mark.parametrize("name", ["swath.fits", "swath.fits.gz"])
def test_reads_any_order_of_hdus_plain_or_gzipped(read_tables, order, name):
    tables = make_tables()
    observation = read_tables({hdu: tables[hdu] for hdu in order}, name)
    assert observation.brightness_R[2, 5] == pytest.approx(3.005)


def test_facts_come_from_header_and_name(read_tables):
    facts = read_tables(make_tables(), f"2022/{MISSION_NAME}", **HEADER).facts
    assert (facts.instrument, facts.level, facts.orbit, facts.mode) == ("EMM/EMUS", "l2b", 191, "os2")
    assert (facts.swath, facts.version, facts.kernel) == ((1, 3), (1, 4), "r")
    assert (facts.start_utc, facts.end_utc) == ("2022-03-31T21:21:07.500", "2022-03-31T21:40:00.000")
    assert (facts.mars_year, facts.solar_longitude_deg) == (36, 190.5)


def test_a_name_that_is_not_the_missions_is_accepted_with_what_the_header_tells(read_tables):
    facts = read_tables(make_tables(), "my favourite.fits", ORBNUM=191, MARSYEAR="soon", SOL_LONG=1e9).facts
    assert (facts.start_utc, facts.orbit, facts.mode, facts.version) == ("2022-03-31T21:21:00.000", 191, None, None)
    assert (facts.mars_year, facts.solar_longitude_deg) == (None, None)


def test_does_without_what_is_not_needed(read_tables):
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
    assert observation.brightness_R[2, 127] == pytest.approx(3.127)  # without RA only bin 0 is known to be off


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
def test_names_the_missing_column(reject_tables, hdu, column):
    tables = make_tables()
    del tables[hdu][column]
    error = reject_tables(tables)
    assert error.reason is Reason.MISSING_COLUMN
    assert f"{hdu} has no column {column}" in error.detail


@pytest.mark.parametrize("hdu", ["EMISS", "FOV_GEOM", "SC_GEOM"])
def test_names_the_missing_hdu(reject_tables, hdu):
    tables = make_tables()
    del tables[hdu]
    error = reject_tables(tables)
    assert error.reason is Reason.MISSING_HDU
    assert f"HDU {hdu} missing" in error.detail


def test_a_file_named_l2b_that_lost_its_emissions_is_not_taken_for_l2a(reject_tables):
    tables = {**make_tables(), **make_spectra()}
    del tables["EMISS"]
    assert reject_tables(tables, MISSION_NAME).reason is Reason.MISSING_HDU


def test_names_the_emissions_where_the_line_is_not_among_them(reject_tables):
    tables = make_tables()
    tables["EMISS"]["NAME"][LINE_ROW] = "O I 130.9 triplet"
    error = reject_tables(tables)
    assert error.reason is Reason.NO_LINE
    assert "C I 156.1" in error.detail


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
def test_names_the_wrong_shape(reject_tables, hdu, column, values):
    tables = make_tables()
    tables[hdu][column] = values
    error = reject_tables(tables)
    assert error.reason is Reason.WRONG_SHAPE
    assert f"{hdu}.{column}" in error.detail


def test_tables_of_different_lengths_do_not_match(reject_tables):
    tables = make_tables()
    tables["SC_GEOM"] = make_tables(9)["SC_GEOM"]
    assert reject_tables(tables).reason is Reason.WRONG_SHAPE


@pytest.mark.parametrize(("count", "reason"), [(0, Reason.NO_INTEGRATIONS), (2, Reason.TOO_FEW_INTEGRATIONS)])
def test_too_few_integrations(reject_tables, count, reason):
    assert reject_tables(make_tables(count)).reason is reason


def test_all_nan(reject_tables):
    tables = make_tables()
    tables["EMISS"]["RADIANCE"][:] = np.nan
    assert reject_tables(tables).reason is Reason.NO_DATA


def test_under_ten_places_is_no_disk(reject_tables):
    tables = make_tables()
    tables["FOV_GEOM"]["LAT"][:] = np.nan
    tables["FOV_GEOM"]["LAT"][0, :, 20:29] = 1.0
    error = reject_tables(tables)
    assert error.reason is Reason.NO_DISK
    assert "only 9 pixels" in error.detail


def test_mars_out_of_view_is_no_disk(reject_tables):
    tables = make_tables()
    tables["FOV_GEOM"]["MRH_ALT"][:] = 500.0
    assert reject_tables(tables).reason is Reason.NO_DISK


def test_a_spacecraft_that_is_nowhere_is_no_disk(reject_tables):
    tables = make_tables()
    tables["SC_GEOM"]["SC_ALT"][:] = np.nan
    assert reject_tables(tables).reason is Reason.NO_DISK


def test_numbers_that_cannot_be_are_not_known(read_tables):
    tables = make_tables()
    tables["EMISS"]["RADIANCE"][LINE_ROW, 10, 1] = 1e30
    tables["EMISS"]["RADIANCE"][LINE_ROW, 11, 1] = -np.inf
    tables["FOV_GEOM"]["LAT"][2, :, 10] = 1e300
    tables["FOV_GEOM"]["SOLAR_Z_ANGLE"][2, :, 11] = -1.0
    observation = read_tables(tables)
    assert np.isnan(observation.brightness_R[1, 10:12]).all()
    assert np.isnan(observation.latitude_deg[2, 10])
    assert np.isnan(observation.sza_deg[2, 11])


def test_scaled_columns_are_scaled(tmp_path):
    tables = make_tables()
    path = write_tables(tmp_path / "x.fits", tables)
    content = path.read_bytes()
    card = b"TTYPE1  = 'SUB_SC_LAT'".ljust(80)
    assert content.count(card) == 1
    at = content.index(b"EXTNAME = 'SC_GEOM")
    content = content[:at] + b"TSCAL1  =                  0.5".ljust(80) + content[at:]
    end = content.index(b"END".ljust(80), at) + 80
    content = content[:end] + content[end + 80 :]  # one card of the header's padding gives way
    path.write_bytes(content)
    expected = 0.5 * tables["SC_GEOM"]["SUB_SC_LAT"]
    assert_allclose(readers.read(path, "x.fits").sub_spacecraft_latitude_deg, expected)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, bool])  # uint16 is scaled in FITS, bool a letter
def test_quality_flags_are_read_whatever_integers_they_are(read_tables, kind):
    tables = make_tables()
    flags = np.zeros_like(tables["EMISS"]["QLTY_FLG"], kind)
    flags[:, 5, 2] = 1
    tables["EMISS"]["QLTY_FLG"] = flags
    flagged = read_tables(tables).flagged
    assert flagged[2, 5]
    assert flagged.sum() == 1


def make_l2a(**spectra: float) -> Tables:
    tables = {**make_tables(), **make_spectra(**spectra)}
    del tables["EMISS"]
    return tables


@pytest.mark.parametrize("fwhm_nm", [1.3, 1.57, 1.8])
def test_fits_the_line_of_l2a_beside_its_neighbours_over_a_sloping_baseline(read_tables, fwhm_nm):
    tables = make_l2a(line_R=40.0, fwhm_nm=fwhm_nm)
    tables["CAL"]["RADIANCE"][3] = np.nan  # a lost integration
    observation = read_tables(tables)
    others = np.delete(observation.brightness_R, 3, axis=0)[:, 1:127]  # wavelengths vary along the slit
    assert observation.facts.level == "l2a"
    assert_allclose(others, 40.0, rtol=0.02)
    assert_allclose(np.delete(observation.systematic_error_R, 3, axis=0)[:, 1:127], 2.0, rtol=0.02)
    assert np.isnan(observation.brightness_R[3]).all()


def test_errors_of_l2a_match_the_scatter_of_noisy_spectra(read_tables):
    tables = make_l2a()
    tables["CAL"]["RADIANCE"] += np.random.default_rng(3).normal(0, 0.5, (8, 128, 200)).astype("f4")
    observation = read_tables(tables)
    scatter = np.std(observation.brightness_R[:, 1:127] - 40.0)
    assert np.nanmedian(observation.random_error_R) == pytest.approx(scatter, rel=0.1)


def test_spectra_read_in_pieces_are_as_read_at_once(read_tables, monkeypatch):
    tables = make_l2a()
    tables["CAL"]["RADIANCE"] *= np.arange(1, 9)[:, None, None]
    at_once = read_tables(tables, "a.fits").brightness_R
    monkeypatch.setattr(emus, "_SPECTRA_AT_ONCE", 3)
    assert_array_equal(read_tables(tables, "b.fits").brightness_R, at_once)


def test_l2a_without_the_line_names_its_range(reject_tables):
    tables = make_l2a()
    tables["WAVELENGTH"]["WAVELENGTH_L2A"] += 70
    error = reject_tables(tables)
    assert error.reason is Reason.NO_LINE
    assert "169.7 to 240.3 nm" in error.detail


def test_l2a_of_the_wrong_shape(reject_tables):
    tables = make_l2a()
    tables["CAL"]["RADIANCE"] = tables["CAL"]["RADIANCE"][:, :, :100]
    assert reject_tables(tables).reason is Reason.WRONG_SHAPE


def test_inspection_tells_what_is_there_and_why_it_is_not_usable(tmp_path):
    tables = make_tables()
    del tables["SC_GEOM"]
    path = write_tables(tmp_path / "x.fits.gz", tables)
    inspection = readers.inspect(path, "x.fits.gz")
    assert not inspection.usable
    assert inspection.error.reason is Reason.MISSING_HDU
    assert [hdu.name for hdu in inspection.hdus] == ["PRIMARY", "TIME", "FOV_GEOM", "EMISS"]
    assert inspection.hdus[3].shape == (4,)
    assert inspection.hdus[3].columns[:2] == ("NAME", "RADIANCE")
    assert inspection.unpacked_bytes == len(gzip.decompress(path.read_bytes()))


def test_inspection_of_a_usable_file(tmp_path):
    path = write_tables(tmp_path / MISSION_NAME, make_tables())
    inspection = readers.inspect(path, MISSION_NAME)
    assert inspection.usable
    assert inspection.observation.shape == (8, 128)
