"""Synthetic IUVS files that lack something or are damaged: the reason and the message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from damaged_files import read_bytes
from iuvs_files import Change, change_column, make_content, make_swath, write_changed

from mars_aurora import readers
from mars_aurora.errors import InputError, Reason

N_INTEGRATIONS, N_SLIT = make_swath().brightness_R.shape


@pytest.fixture
def reject(tmp_path: Path):
    def read(change: Change) -> InputError:
        path = write_changed(tmp_path / "x.fits", change)
        with pytest.raises(InputError) as caught:
            readers.read(path, "batch/x.fits")
        assert str(caught.value).startswith("batch/x.fits: ")
        return caught.value

    return read


@pytest.mark.parametrize("hdu", ["PixelGeometry", "SpacecraftGeometry", "Observation", "Integration"])
def test_missing_hdu_is_named(reject, hdu):
    error = reject(lambda hdus: hdus.__delitem__(hdu))
    assert error.reason is Reason.MISSING_HDU
    assert f"HDU {hdu.upper()} missing" in error.detail


def test_file_without_geometry_is_of_no_known_kind(reject):
    error = reject(lambda hdus: [hdus.__delitem__(hdu) for hdu in ("PixelGeometry", "SpacecraftGeometry")])
    assert error.reason is Reason.UNKNOWN_PRODUCT


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("PixelGeometry", "PIXEL_CORNER_LAT"),
        ("PixelGeometry", "PIXEL_CORNER_LON"),
        ("PixelGeometry", "PIXEL_CORNER_MRH_ALT"),
        ("PixelGeometry", "PIXEL_CORNER_RA"),
        ("PixelGeometry", "PIXEL_CORNER_DEC"),
        ("PixelGeometry", "PIXEL_SOLAR_ZENITH_ANGLE"),
        ("PixelGeometry", "PIXEL_EMISSION_ANGLE"),
        ("PixelGeometry", "PIXEL_LOCAL_TIME"),
        ("SpacecraftGeometry", "SUB_SPACECRAFT_LAT"),
        ("SpacecraftGeometry", "SUB_SPACECRAFT_LON"),
        ("SpacecraftGeometry", "SPACECRAFT_ALT"),
        ("SpacecraftGeometry", "SUB_SOLAR_LAT"),
        ("SpacecraftGeometry", "SUB_SOLAR_LON"),
        ("Observation", "WAVELENGTH"),
    ],
)
def test_missing_column_is_named(reject, table, column):
    error = reject(lambda hdus: change_column(hdus, table, column, None))
    assert error.reason is Reason.MISSING_COLUMN
    assert f"{table.upper()} has no column {column}" in error.detail


@pytest.mark.parametrize(
    ("table", "column", "shape"),
    [
        ("PixelGeometry", "PIXEL_CORNER_LAT", (N_INTEGRATIONS, N_SLIT, 4)),
        ("PixelGeometry", "PIXEL_CORNER_LON", (N_INTEGRATIONS, 5, N_SLIT)),
        ("PixelGeometry", "PIXEL_CORNER_RA", (N_INTEGRATIONS, N_SLIT)),
        ("PixelGeometry", "PIXEL_SOLAR_ZENITH_ANGLE", (N_INTEGRATIONS, N_SLIT - 1)),
        ("PixelGeometry", "PIXEL_LOCAL_TIME", (N_INTEGRATIONS, N_SLIT, 5)),
        ("SpacecraftGeometry", "SPACECRAFT_ALT", (N_INTEGRATIONS, 3)),
        ("Observation", "WAVELENGTH", (1, N_SLIT, 50)),
        ("Observation", "WAVELENGTH", (1, 51)),
        ("Observation", "WAVELENGTH", (2, N_SLIT, 51)),
    ],
)
def test_wrong_shape_of_a_column_is_given_with_the_expected_one(reject, table, column, shape):
    error = reject(lambda hdus: change_column(hdus, table, column, np.zeros(shape)))
    assert error.reason is Reason.WRONG_SHAPE
    assert f"{table}.{column} has shape {shape}, expected (" in error.detail


@pytest.mark.parametrize("table", ["PixelGeometry", "SpacecraftGeometry"])
def test_table_with_fewer_rows_than_the_image_is_rejected(reject, table):
    def change(hdus: fits.HDUList) -> None:
        hdus[table].data = hdus[table].data[:-1]

    error = reject(change)
    assert error.reason is Reason.WRONG_SHAPE
    assert f"has shape ({N_INTEGRATIONS - 1}," in error.detail


@pytest.mark.parametrize("hdu", ["Random_phy_unc", "Systematic_phy_unc", "quality_flag"])
def test_wrong_shape_of_an_error_or_flag_image_is_rejected(reject, hdu):
    def change(hdus: fits.HDUList) -> None:
        hdus[hdu].data = hdus[hdu].data[:, :, :-1]

    error = reject(change)
    assert error.reason is Reason.WRONG_SHAPE
    assert error.detail.startswith(f"{hdu.upper()} has shape {(N_INTEGRATIONS, N_SLIT, 50)}")


@pytest.mark.parametrize("shape", [(N_INTEGRATIONS, 51), (2, N_INTEGRATIONS, N_SLIT, 51)])
def test_primary_that_is_not_a_cube_is_rejected(reject, shape):
    def change(hdus: fits.HDUList) -> None:
        hdus[0].data = np.zeros(shape, np.float32)

    error = reject(change)
    assert error.reason is Reason.WRONG_SHAPE
    assert f"PRIMARY has shape {shape}, expected (integrations, slit bins, wavelengths)" in error.detail


def test_primary_without_data_is_rejected(reject):
    def change(hdus: fits.HDUList) -> None:
        hdus[0].data = None

    assert reject(change).reason is Reason.WRONG_SHAPE


@pytest.mark.parametrize(
    ("shift_nm", "found"), [(90.0, "the file covers 210.4 to 226.9 nm"), (np.nan, "the file covers no wavelengths")]
)
def test_spectra_without_the_line_are_rejected_with_their_wavelength_range(reject, shift_nm, found):
    def change(hdus: fits.HDUList) -> None:
        hdus["Observation"].data["WAVELENGTH"] += shift_nm

    error = reject(change)
    assert error.reason is Reason.NO_LINE
    assert error.detail.startswith(found)
    assert "O I 130.4 nm needs 126.8 to 133.2 nm" in error.detail


@pytest.mark.parametrize("count", [1, 4])
def test_too_few_integrations_are_rejected(reject, count):
    def change(hdus: fits.HDUList) -> None:
        for hdu in hdus:
            if len(hdu.data) == N_INTEGRATIONS:
                hdu.data = hdu.data[:count]

    error = reject(change)
    assert error.reason is Reason.TOO_FEW_INTEGRATIONS
    assert f"contains {count} integrations" in error.detail


def test_file_without_brightness_on_the_disk_is_rejected(reject):
    def change(hdus: fits.HDUList) -> None:
        hdus[0].data[:] = np.nan

    assert reject(change).reason is Reason.NO_DATA


def test_file_without_mars_in_view_is_rejected(reject):
    def change(hdus: fits.HDUList) -> None:
        hdus["PixelGeometry"].data["PIXEL_CORNER_MRH_ALT"] += 500

    assert reject(change).reason is Reason.NO_DISK


def test_truncated_files_are_rejected(tmp_path):
    content = make_content()
    for cut in np.random.default_rng(5).integers(100, len(content) - 2880, 10):
        assert read_bytes(tmp_path / "x.fits", content[:cut])


def test_files_with_flipped_bits_are_rejected_or_read(tmp_path):
    content, rng = make_content(), np.random.default_rng(6)
    for position in rng.integers(0, len(content), 30):
        flipped = bytearray(content)
        flipped[position] ^= 1 << rng.integers(8)
        read_bytes(tmp_path / "x.fits", bytes(flipped))  # any other error than InputError fails
