"""Real IUVS files compared with measured values; skipped if the files are not available."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from mars_aurora import readers
from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Observation

SHORT = "mvn_iuv_l1b_apoapse-orbit18001-fuv_20230114T071804_v13_r01.fits"
SWATHS = ("071818", "073326", "074042", "075136", "080318", "081228")


@pytest.fixture(scope="module")
def paths(iuvs_folder: Path) -> list[Path]:
    return [next(iuvs_folder.glob(f"*fuv_20230114T{time}*")) for time in SWATHS]


@pytest.fixture(scope="module")
def swaths(paths: list[Path]) -> list[Observation]:
    return [readers.read(path, path.name) for path in paths]


def gather(swaths: list[Observation], field: str) -> np.ndarray:
    return np.concatenate([getattr(swath, field).ravel() for swath in swaths])


@pytest.mark.parametrize(
    ("sza", "median_R"), [((40, 50), 591), ((60, 70), 479), ((80, 85), 339), ((90, 95), 257), ((100, 105), 164)]
)
def test_day_side_brightness_matches_the_median_of_the_whole_orbit(swaths, sza, median_R):
    angle, altitude = gather(swaths, "sza_deg"), gather(swaths, "tangent_altitude_km")
    chosen = (altitude <= 0) & (angle >= sza[0]) & (angle < sza[1])
    assert np.median(gather(swaths, "brightness_R")[chosen]) == pytest.approx(median_R, rel=0.1)


@pytest.mark.parametrize(("altitude", "median_R"), [((120, 140), 860), ((180, 250), 644)])
def test_limb_brightness_matches_the_median_of_the_whole_orbit(swaths, altitude, median_R):
    tangent_altitude = gather(swaths, "tangent_altitude_km")
    chosen = (tangent_altitude >= altitude[0]) & (tangent_altitude < altitude[1]) & (gather(swaths, "sza_deg") < 70)
    assert np.median(gather(swaths, "brightness_R")[chosen]) == pytest.approx(median_R, rel=0.1)


def test_random_errors_match_the_scatter_between_integrations(swaths):
    scatter, stated = [], []
    for swath in swaths:
        along = swath.brightness_R
        scatter.append(np.abs(along[1:-1] - (along[:-2] + along[2:]) / 2) / np.sqrt(1.5) * 1.4826)
        stated.append(swath.random_error_R[1:-1])
    assert np.median(np.concatenate(stated)) == pytest.approx(np.median(np.concatenate(scatter)), rel=0.3)


def test_geometry_equals_the_columns_of_the_file(paths, swaths):
    for path, swath in zip(paths, swaths, strict=True):
        with fits.open(path) as hdus:
            latitude = hdus["PixelGeometry"].data["PIXEL_CORNER_LAT"]
            longitude = hdus["PixelGeometry"].data["PIXEL_CORNER_LON"]
        assert_allclose(swath.latitude_deg, latitude[..., 4], rtol=1e-6)
        assert_allclose(swath.longitude_deg, longitude[..., 4], rtol=1e-6, atol=1e-6)
        assert_allclose(np.sort(swath.corner_latitude_deg), np.sort(latitude[..., :4]), rtol=1e-6)
        assert swath.shape == latitude.shape[:2]


def test_corners_are_ordered_around_real_pixels(swaths):
    swath = swaths[2]
    latitude, longitude = np.radians(swath.corner_latitude_deg[100]), np.radians(swath.corner_longitude_deg[100])
    east = np.unwrap(longitude) * np.cos(latitude)
    turns = [
        (np.roll(east, -1) - east) * (np.roll(latitude, -2) - np.roll(latitude, -1))
        - (np.roll(latitude, -1) - latitude) * (np.roll(east, -2) - np.roll(east, -1))
        for east, latitude in zip(east, latitude, strict=True)
    ]
    assert all(np.all(turn > 0) or np.all(turn < 0) for turn in turns)  # convex


def test_facts_come_from_the_tables(swaths):
    facts = swaths[0].facts
    assert (facts.instrument, facts.level, facts.orbit, facts.version) == ("MAVEN/IUVS", "l1b", 18001, (13, 1))
    assert (facts.start_utc, facts.end_utc) == ("2023-01-14T07:19:21.104", "2023-01-14T07:21:51.105")
    assert facts.solar_longitude_deg == pytest.approx(9.294, abs=1e-3)


def test_renamed_file_is_read_the_same(paths, swaths):
    renamed = readers.read(paths[0], "renamed.fits")
    assert_array_equal(renamed.brightness_R, swaths[0].brightness_R)
    assert (renamed.facts.orbit, renamed.facts.mode) == (18001, None)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_file_of_two_integrations_is_rejected(iuvs_folder, suffix):
    with pytest.raises(InputError, match="2 integrations") as caught:
        readers.read(iuvs_folder / (SHORT + suffix), SHORT)
    assert caught.value.reason is Reason.TOO_FEW_INTEGRATIONS


def test_middle_ultraviolet_file_is_rejected_with_its_wavelength_range(iuvs_folder):
    path = next(iuvs_folder.glob("*-muv_*"))
    with pytest.raises(InputError, match=r"210\.4 to 289\.1 nm") as caught:
        readers.read(path, path.name)
    assert caught.value.reason is Reason.NO_LINE


@pytest.mark.parametrize("shape", [(151, 51), (151, 10, 50), (150, 10, 51)])
def test_wrong_image_shape_is_rejected(paths, tmp_path, shape):
    with fits.open(paths[0]) as hdus:
        hdus[0].data = np.zeros(shape, np.float32)
        if len(shape) == 2:  # with matching wavelengths
            wavelength = fits.Column("WAVELENGTH", "51D", array=np.linspace(120, 137, 51)[None])
            hdus["Observation"] = fits.BinTableHDU.from_columns([wavelength], name="Observation")
        hdus.writeto(tmp_path / "x.fits", output_verify="silentfix")
    with pytest.raises(InputError, match="has shape") as caught:
        readers.read(tmp_path / "x.fits", "x.fits")
    assert caught.value.reason is Reason.WRONG_SHAPE


def test_damaged_real_files_are_rejected_or_read(paths, tmp_path):
    packed, rng = paths[0].read_bytes(), np.random.default_rng(5)
    plain = gzip.decompress(packed)
    damaged = [packed[: int(cut)] for cut in rng.integers(100, len(packed), 5)]
    damaged += [plain[: int(cut)] for cut in rng.integers(100, len(plain), 10)]
    for content in damaged:
        (tmp_path / "x.fits").write_bytes(content)
        with pytest.raises(InputError):
            readers.read(tmp_path / "x.fits", "x.fits")
    for position in rng.integers(0, len(plain), 20):
        flipped = bytearray(plain)
        flipped[position] ^= 0x40
        (tmp_path / "x.fits").write_bytes(flipped)
        assert readers.read(tmp_path / "x.fits", "x.fits").shape == (151, 10)
