"""Valid ranges of file values: a value at a limit is kept, a value just beyond it is NaN or None."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from emus_files import make_tables
from iuvs_files import change_column, write_changed
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from mars_aurora import readers
from mars_aurora.observation import Float64Array, Observation
from mars_aurora.readers import samples
from mars_aurora.readers.cards import as_float, as_int

Change = Callable[[NDArray], NDArray]
BEYOND = 0.5  # exact in float32 at every limit
EMUS_COLUMNS = [
    ("FOV_GEOM", "LAT", "latitude_deg", (-90, 90)),
    ("FOV_GEOM", "LON", "longitude_deg", (-360, 720)),
    ("FOV_GEOM", "SOLAR_Z_ANGLE", "sza_deg", (0, 180)),
    ("FOV_GEOM", "EMISSION_ANGLE", "emission_angle_deg", (0, 180)),
    ("FOV_GEOM", "LOCAL_TIME", "local_time_h", (0, 24)),
    ("FOV_GEOM", "MRH_ALT", "tangent_altitude_km", (-1e4, 1e6)),
    ("FOV_GEOM", "RA", "ra_deg", (-360, 360)),
    ("FOV_GEOM", "DEC", "dec_deg", (-90, 90)),
    ("SC_GEOM", "SUB_SC_LAT", "sub_spacecraft_latitude_deg", (-90, 90)),
    ("SC_GEOM", "SUB_SC_LON", "sub_spacecraft_longitude_deg", (-360, 720)),
    ("SC_GEOM", "SC_ALT", "spacecraft_altitude_km", (0, 1e6)),
    ("SC_GEOM", "SUB_SOLAR_LAT", "sub_solar_latitude_deg", (-90, 90)),
    ("SC_GEOM", "SUB_SOLAR_LON", "sub_solar_longitude_deg", (-360, 720)),
]
IUVS_COLUMNS = [
    ("PixelGeometry", "PIXEL_CORNER_LAT", "latitude_deg", (-90, 90)),
    ("PixelGeometry", "PIXEL_CORNER_LON", "longitude_deg", (-360, 720)),
    ("PixelGeometry", "PIXEL_SOLAR_ZENITH_ANGLE", "sza_deg", (0, 180)),
    ("PixelGeometry", "PIXEL_EMISSION_ANGLE", "emission_angle_deg", (0, 180)),
    ("PixelGeometry", "PIXEL_LOCAL_TIME", "local_time_h", (0, 24)),
    ("PixelGeometry", "PIXEL_CORNER_MRH_ALT", "tangent_altitude_km", (-1e4, 1e6)),
    ("PixelGeometry", "PIXEL_CORNER_RA", "ra_deg", (-360, 360)),
    ("PixelGeometry", "PIXEL_CORNER_DEC", "dec_deg", (-90, 90)),
    ("SpacecraftGeometry", "SUB_SPACECRAFT_LAT", "sub_spacecraft_latitude_deg", (-90, 90)),
    ("SpacecraftGeometry", "SUB_SPACECRAFT_LON", "sub_spacecraft_longitude_deg", (-360, 720)),
    ("SpacecraftGeometry", "SPACECRAFT_ALT", "spacecraft_altitude_km", (0, 1e6)),
    ("SpacecraftGeometry", "SUB_SOLAR_LAT", "sub_solar_latitude_deg", (-90, 90)),
    ("SpacecraftGeometry", "SUB_SOLAR_LON", "sub_solar_longitude_deg", (-360, 720)),
]


@pytest.fixture
def read_iuvs(tmp_path: Path) -> Callable[[str, str, Change], Observation]:
    """Return a function that reads the synthetic IUVS file after a change of the values of one column."""

    def read(table: str, column: str, change: Change) -> Observation:
        def change_file(hdus: fits.HDUList) -> None:
            stored = hdus[table].data[column]
            values = change(np.array(stored, stored.dtype.newbyteorder("=")))
            change_column(hdus, table, column, values)

        path = write_changed(tmp_path / "x.fits", change_file)
        observation = readers.read(path, path.name)
        path.unlink()
        return observation

    return read


def _assert_limits(found: NDArray, low: float, high: float) -> None:
    """Check the values read for `_at_limits`; longitudes are wrapped."""
    kept = np.array([low, high], float)
    assert_allclose(found[:2], kept % 360 if (low, high) == (-360, 720) else kept)
    assert_array_equal(np.isnan(found), [False, False, True, True])


def _at_limits(low: float, high: float) -> Float64Array:
    return np.array([low, high, low - BEYOND, high + BEYOND])


@pytest.mark.parametrize(("table", "column", "field", "limits"), EMUS_COLUMNS)
def test_emus_values_up_to_the_limits_are_kept(read_tables, table, column, field, limits):
    tables = make_tables()
    if table == "FOV_GEOM":
        tables[table][column][2, :, 40:44] = _at_limits(*limits)
        _assert_limits(getattr(read_tables(tables), field)[2, 40:44], *limits)
    else:
        tables[table][column][:4] = _at_limits(*limits)
        _assert_limits(getattr(read_tables(tables), field)[:4], *limits)


@pytest.mark.parametrize(("table", "column", "field", "limits"), IUVS_COLUMNS)
def test_iuvs_values_up_to_the_limits_are_kept(read_iuvs, table, column, field, limits):
    of_pixels = table == "PixelGeometry"

    def change(values: NDArray) -> NDArray:
        (values[2, 3:7] if of_pixels else values[:4]).T[...] = _at_limits(*limits)  # the same in all five samples
        return values

    found = getattr(read_iuvs(table, column, change), field)
    _assert_limits(found[2, 3:7] if of_pixels else found[:4], *limits)


@pytest.mark.parametrize(
    ("card", "field", "kept", "beyond"),
    [
        ("ORBNUM", "orbit", (0, 1_000_000), (-1, 1_000_001)),
        ("MARSYEAR", "mars_year", (1, 200), (0, 201)),
        ("SOL_LONG", "solar_longitude_deg", (0.0, 360.0), (-BEYOND, 360 + BEYOND)),
    ],
)
def test_emus_facts_up_to_the_limits_are_kept(read_tables, card, field, kept, beyond):
    found = [
        getattr(read_tables(make_tables(), f"{number}.fits", **{card: value}).facts, field)
        for number, value in enumerate((*kept, *beyond))
    ]
    assert found == [*kept, None, None]


@pytest.mark.parametrize(
    ("column", "field", "kept", "beyond"),
    [
        ("ORBIT_NUMBER", "orbit", (0, 1_000_000), (-1, 1_000_001)),
        ("SOLAR_LONGITUDE", "solar_longitude_deg", (0.0, 360.0), (-BEYOND, 360 + BEYOND)),
    ],
)
def test_iuvs_facts_up_to_the_limits_are_kept(read_iuvs, column, field, kept, beyond):
    found = [
        getattr(read_iuvs("Observation", column, lambda _, value=value: np.array([value], float)).facts, field)
        for value in (*kept, *beyond)
    ]
    assert found == [*kept, None, None]


def test_brightness_up_to_a_million_rayleigh_is_kept():
    found = samples.brightness(_at_limits(-1e6, 1e6))
    assert found.dtype == np.float32
    _assert_limits(found, -1e6, 1e6)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), (7, 7.0), ("3.5", 3.5), (2.99, None), (7.01, None), ("nan", None), ("soon", None), (None, None)],
)
def test_float_of_a_card_is_within_its_limits_or_none(value, expected):
    assert as_float(value, 3, 7) == expected


@pytest.mark.parametrize(("value", "expected"), [(3, 3), (7.0, 7), ("5", 5), (2, None), (8, None), (5.5, None)])
def test_integer_of_a_card_is_within_its_limits_or_none(value, expected):
    found = as_int(value, 3, 7)
    assert found == expected
    assert not isinstance(found, float)


def _geometry_samples(n_pixels: int, offsets: Sequence[tuple[float, float]]) -> tuple[NDArray, NDArray]:
    """Make the latitude and longitude, (1, 5, n), of pixels at the equator from the offsets of their samples."""
    shift = np.array(offsets, np.float32)[None, :, :, None]
    return np.broadcast_to(shift[:, :, 0], (1, 5, n_pixels)), shift[:, :, 1] + np.arange(n_pixels, dtype=np.float32)


@pytest.mark.parametrize(("n_pixels", "expected"), [(9, (2, [0, 1, 3, 4])), (10, (0, [1, 2, 3, 4]))])
def test_usual_center_is_returned_with_fewer_than_ten_located_pixels(n_pixels, expected):
    latitude, longitude = _geometry_samples(n_pixels, [(0, 0), (-1, -1), (-1, 1), (1, 1), (1, -1)])
    assert samples.split_samples(latitude, longitude, 2) == expected


def test_usual_center_is_returned_where_all_samples_coincide():
    assert samples.split_samples(*_geometry_samples(12, [(0, 0)] * 5), 3)[0] == 3


def test_east_longitudes_are_at_least_0_and_below_360():
    longitude = np.array([-360.1, -360, -0.5, -1e-9, 0, 359.5, 360, 360.5, 719.5, 720, 720.1])
    expected = [np.nan, 0, 359.5, 0, 0, 359.5, 0, 0.5, 359.5, 0, np.nan]
    assert_array_equal(samples.east_longitude(longitude), np.float32(expected))
