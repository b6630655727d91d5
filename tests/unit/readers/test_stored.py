"""Stored values of FITS files: fill values and null values are missing, scale and unit are applied after."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from emus_files import LINE_ROW, make_spectra, make_tables, write_tables
from iuvs_files import change_column, make_content, write_changed
from numpy.testing import assert_allclose, assert_array_equal

from mars_aurora import readers
from mars_aurora.errors import InputError, Reason
from mars_aurora.readers.stored import find_fills

DATA = np.random.default_rng(4).lognormal(3, 1.5, 4000).astype(">f4")  # up to some 3000


def write_cards(path, hdu: str, cards: dict[str, object], tables=None):
    """Write a file with additional cards in the header of one table."""
    write_tables(path, tables or make_tables())
    with fits.open(path, mode="update") as hdus:
        hdus[hdu].header.update(cards)
    return path


def card_numbers(path, hdu: str) -> dict[str, int]:
    with fits.open(path) as hdus:
        return {name: number for number, name in enumerate(hdus[hdu].columns.names, 1)}


@pytest.mark.parametrize("fill", [-999.0, -9999.0, 999.0, 9999.0, -99999.0, -1e5, 1e5, 1e30, -3.4e38, np.inf])
def test_number_that_is_repeated_among_continuous_values_is_a_fill_value(fill):
    stored = np.concatenate([DATA, np.full(3, fill, ">f4")])
    assert_array_equal(find_fills(stored), np.arange(4003) >= 4000)
    assert find_fills(stored[:-1]) is None  # only twice


@pytest.mark.parametrize("value", [0.0, 2.7, -1.0, 100.0, 1000.0, 5000.0])
def test_other_repeated_values_are_data(value):
    assert find_fills(np.concatenate([DATA, np.full(500, value, ">f4")])) is None


def test_multiples_of_a_count_unit_are_data_beside_a_fill_value():
    counts = np.random.default_rng(5).poisson(370, 40_000)
    values = (counts * np.float32(2.7)).astype(">f4")  # 370 counts are 999
    assert np.count_nonzero(values == 999) > 500
    assert find_fills(values) is None
    values[:9] = -9999
    assert_array_equal(find_fills(values), np.arange(40_000) < 9)


def test_large_repeated_distances_are_data_but_not_the_usual_fill_values():
    distances_m = np.repeat(np.array([2e7, 3e5, -9999, 1e5]), 50)
    assert_array_equal(find_fills(distances_m, may_be_large=True), np.repeat([False, False, True, True], 50))
    assert find_fills(distances_m).all()


def test_repeated_large_integers_are_data():
    altitudes_m = np.random.default_rng(6).integers(90_000, 160_000, 200_000).astype(">i4")
    assert find_fills(altitudes_m) is None


def test_fill_values_in_brightness_and_errors_are_unknown_and_noted(read_tables):
    tables = make_tables()
    base = read_tables(tables, "base.fits")
    tables["EMISS"]["RADIANCE"][LINE_ROW, 40:50, 2:4] = -9999
    tables["EMISS"]["RAD_ERR_RAND"][LINE_ROW, 60:70, 5] = 999
    read = read_tables(tables)
    assert_array_equal(np.isnan(read.brightness_R) & np.isfinite(base.brightness_R), _area(slice(2, 4), slice(40, 50)))
    assert_array_equal(np.isnan(read.random_error_R) & np.isfinite(base.random_error_R), _area(5, slice(60, 70)))
    assert "fill_values" in read.facts.notes
    assert "fill_values" not in base.facts.notes


def _area(integrations, bins):
    area = np.zeros((8, 128), bool)
    area[integrations, bins] = True
    return area


def test_fill_values_are_found_before_the_unit(tmp_path):
    tables = make_tables()
    tables["FOV_GEOM"]["MRH_ALT"] *= 1000
    tables["FOV_GEOM"]["MRH_ALT"][3, :, 50:60] = -9999  # as altitude, 10 km below the surface
    number = list(tables["FOV_GEOM"]).index("MRH_ALT") + 1
    path = write_cards(tmp_path / "x.fits", "FOV_GEOM", {f"TUNIT{number}": "m"}, tables)
    altitude_km = readers.read(path, "x.fits").tangent_altitude_km
    assert_array_equal(np.isnan(altitude_km[:, 1:127]), _area(3, slice(50, 60))[:, 1:127])
    assert altitude_km[0, 120] == 300


def test_large_constant_distance_of_the_spacecraft_is_data(tmp_path):
    tables = make_tables()
    tables["SC_GEOM"]["SC_ALT"] *= 1000
    path = write_cards(tmp_path / "x.fits", "SC_GEOM", {"TUNIT5": "m"}, tables)
    assert_allclose(readers.read(path, "x.fits").spacecraft_altitude_km, 20000)


@pytest.mark.parametrize(
    ("hdu", "column", "unit", "factor", "field"),
    [
        ("EMISS", "RADIANCE", "kR", 1e-3, "brightness_R"),
        ("EMISS", "RAD_ERR_SYS", "mR", 1e3, "systematic_error_R"),
        ("FOV_GEOM", "LAT", "rad", np.pi / 180, "latitude_deg"),
        ("FOV_GEOM", "SOLAR_Z_ANGLE", "arcmin", 60, "sza_deg"),
        ("FOV_GEOM", "LOCAL_TIME", "min", 60, "local_time_h"),
        ("FOV_GEOM", "LOCAL_TIME", "deg", 15, "local_time_h"),
        ("FOV_GEOM", "MRH_ALT", "m", 1e3, "tangent_altitude_km"),
        ("SC_GEOM", "SUB_SOLAR_LAT", "RADIANS", np.pi / 180, "sub_solar_latitude_deg"),
    ],
)
def test_unit_of_the_column_is_converted(tmp_path, read_tables, hdu, column, unit, factor, field):  # noqa: PLR0917 -- cases
    tables = make_tables()
    expected = getattr(read_tables(tables, "base.fits"), field)
    tables[hdu][column] *= factor
    number = list(tables[hdu]).index(column) + 1
    path = write_cards(tmp_path / "x.fits", hdu, {f"TUNIT{number}": unit}, tables)
    assert_allclose(getattr(readers.read(path, "x.fits"), field), expected, rtol=1e-6)


def test_unit_of_spectra_is_converted(tmp_path):
    def change(hdus: fits.HDUList) -> None:
        hdus[0].data *= 100
        hdus[0].header["BUNIT"] = "R/Angstrom"
        hdus["Observation"].data["WAVELENGTH"] *= 10
        hdus["Observation"].columns["WAVELENGTH"].unit = "Angstrom"

    (tmp_path / "base.fits").write_bytes(make_content())
    base = readers.read(tmp_path / "base.fits", "base.fits")
    read = readers.read(write_changed(tmp_path / "x.fits", change), "x.fits")
    assert_allclose(read.brightness_R, base.brightness_R, rtol=1e-4, atol=1e-2)


def test_unit_of_l2a_spectra_is_converted(tmp_path, read_tables):
    tables = {**make_tables(), **make_spectra()}
    del tables["EMISS"]
    expected = read_tables(tables, "base.fits").brightness_R
    tables["CAL"]["RADIANCE"] /= 1000
    path = write_cards(tmp_path / "x.fits", "CAL", {"TUNIT1": "kR/nm"}, tables)
    assert_allclose(readers.read(path, "x.fits").brightness_R, expected, rtol=1e-5)


def test_unit_of_another_physical_type_is_rejected(tmp_path):
    path = write_cards(tmp_path / "x.fits", "FOV_GEOM", {"TUNIT1": "km"})
    with pytest.raises(InputError, match=r"the unit of FOV_GEOM\.LAT is km, expected deg") as caught:
        readers.read(path, "x.fits")
    assert caught.value.reason is Reason.WRONG_UNIT


@pytest.mark.parametrize(("unit", "note"), [("", "unit_missing"), ("furlong", "unit_unknown")])
def test_unit_that_is_missing_or_unknown_is_noted(tmp_path, unit, note):
    path = write_cards(tmp_path / "x.fits", "EMISS", {"TUNIT2": unit})
    read = readers.read(path, "x.fits")
    assert read.brightness_R[2, 5] == pytest.approx(3.005)
    assert note in read.facts.notes


def test_null_value_of_an_integer_column_is_missing_before_scaling(tmp_path):
    tables = make_tables()
    expected = np.round(tables["FOV_GEOM"]["EMISSION_ANGLE"], 1)
    stored = np.rint((expected - 20) * 10).astype("i2")
    stored[stored == -5] = -6
    stored[4] = -5
    tables["FOV_GEOM"]["EMISSION_ANGLE"] = stored
    number = list(tables["FOV_GEOM"]).index("EMISSION_ANGLE") + 1
    cards = {f"TNULL{number}": -5, f"TSCAL{number}": 6.0, f"TZERO{number}": 1200.0}
    path = write_tables(tmp_path / "x.fits", tables)
    content = path.read_bytes()  # astropy would scale the values again: insert the cards before EXTNAME
    at = content.index(b"EXTNAME = 'FOV_GEOM")
    content = content.replace(f"TUNIT{number}  = 'deg     '".encode(), f"TUNIT{number}  = 'arcmin  '".encode())
    inserted = "".join(f"{key:<8}= {value}".ljust(80) for key, value in cards.items()).encode()
    end = content.index(b"END".ljust(80), at) + 80
    path.write_bytes(content[:at] + inserted + content[at:end] + content[end + len(inserted) :])
    angle = readers.read(path, "x.fits").emission_angle_deg
    assert_array_equal(np.isnan(angle[:, 1:127]), np.broadcast_to(np.arange(8)[:, None] == 4, (8, 126)))
    assert_allclose(angle[0, 1:127], expected[0, 0, 1:127], atol=0.11)


def test_blank_value_of_an_integer_image_is_missing(tmp_path):
    def change(hdus: fits.HDUList) -> None:
        spectra = np.nan_to_num(hdus[0].data)
        image = fits.PrimaryHDU(np.rint(spectra * 1e4).astype("i4"), hdus[0].header)
        image.data[7, 2] = -77
        image.header.update(BSCALE=1e-4, BZERO=0.0, BLANK=-77, BUNIT="kR/nm")
        image._bscale, image._bzero, image._orig_bscale = 1, 0, 1
        hdus[0] = image

    path = write_changed(tmp_path / "x.fits", change)
    with fits.open(path, do_not_scale_image_data=True) as hdus:
        assert hdus[0].data.dtype == ">i4"
        assert hdus[0].header["BSCALE"] == 1e-4
    (tmp_path / "base.fits").write_bytes(make_content())
    read, base = (readers.read(file, file.name) for file in (path, tmp_path / "base.fits"))
    assert np.isnan(read.brightness_R[7, 2])
    assert_allclose(read.brightness_R[8, 2], base.brightness_R[8, 2], rtol=0.01, atol=1)


@pytest.mark.parametrize("value", ["0", "NaN", "'one'", "1,5", ""])
def test_invalid_scale_rejects_the_column_that_needs_it(tmp_path, value):
    path = write_cards(tmp_path / "x.fits", "EMISS", {"TSCAL2": 7.0, "TSCAL1": 1.0})
    content = path.read_bytes()
    for key in ("TSCAL1", "TSCAL2"):  # the first column is text
        at = content.index(f"{key}  =".encode())
        content = content[:at] + f"{key}  = {value}".ljust(80).encode() + content[at + 80 :]
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"HDU EMISS: TSCAL2 is .*, expected a number") as caught:
        readers.read(path, "x.fits")
    assert caught.value.reason is Reason.CORRUPT


def test_column_of_the_iuvs_reader_is_converted(tmp_path):
    def change(hdus: fits.HDUList) -> None:
        values = np.radians(np.array(hdus["PixelGeometry"].data["PIXEL_CORNER_LON"], "f8"))
        change_column(hdus, "PixelGeometry", "PIXEL_CORNER_LON", values)
        hdus["PixelGeometry"].columns["PIXEL_CORNER_LON"].unit = "rad"

    (tmp_path / "base.fits").write_bytes(make_content())
    base = readers.read(tmp_path / "base.fits", "base.fits")
    read = readers.read(write_changed(tmp_path / "x.fits", change), "x.fits")
    assert_allclose(read.longitude_deg, base.longitude_deg, atol=1e-4)
