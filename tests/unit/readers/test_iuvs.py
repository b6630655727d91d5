"""Synthetic IUVS files compared with the swath they were written from, and real ones with measured values.

Tests of real files are skipped if the files are not available.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from iuvs_files import OXYGEN, WORLD, change_column, make_content, make_swath, write_changed
from numpy.testing import assert_allclose, assert_array_equal

from mars_aurora import readers
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356, Emission
from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Observation
from mars_aurora_model.simulator import orbit
from mars_aurora_model.simulator.swath import Swath
from mars_aurora_model.simulator.world import MARS_RADIUS_KM
from mars_aurora_model.simulator.writers import iuvs

SHORT = "mvn_iuv_l1b_apoapse-orbit18001-fuv_20230114T071804_v13_r01.fits"
SWATHS = ("071818", "073326", "074042", "075136", "080318", "081228")
SINGLE = 2e-7  # relative accuracy of float32


@pytest.fixture(scope="module")
def swath() -> Swath:
    return make_swath()


@pytest.fixture(scope="module")
def synthetic(swath: Swath, tmp_path_factory: pytest.TempPathFactory) -> Observation:
    """The synthetic file as read, gzipped and with the mission's name."""
    path = tmp_path_factory.mktemp("synthetic") / iuvs.name(swath)
    path.write_bytes(gzip.compress(make_content(), 1))
    return readers.read(path, path.name)


@pytest.fixture
def read_written(swath: Swath, tmp_path: Path):
    """Return a function that writes the swath with options of the writer, by default without noise, and reads it."""

    def read(
        rng: np.random.Generator | None = None, emission: Emission = OXYGEN_1304, **options: object
    ) -> Observation:
        path = tmp_path / "x.fits"
        path.write_bytes(iuvs.write(swath, WORLD, rng, **options))
        return readers.read(path, path.name, emission)

    return read


@pytest.fixture
def read_changed(tmp_path: Path):
    def read(change, name: str = "x.fits") -> Observation:
        return readers.read(write_changed(tmp_path / name, change), name)

    return read


def true_brightness(swath: Swath) -> np.ndarray:
    return swath.background_R + swath.excess_R


def test_synthetic_swath_has_day_night_space_an_aurora_and_flags(swath):
    on_disk, sza = swath.geometry.on_disk, swath.geometry.sza_deg[:, 0]
    assert min((on_disk & (sza < 60)).sum(), (on_disk & (sza > 110)).sum(), (~on_disk).sum()) > 30
    assert swath.excess_R.max() > 20
    assert 5 < swath.flagged.sum() < 50


def test_brightness_without_noise_is_the_true_one(swath, read_written):
    read = read_written(emissions=OXYGEN)
    unflagged = ~swath.flagged
    assert_allclose(read.brightness_R[unflagged], true_brightness(swath)[unflagged], rtol=0.02, atol=0.1)


def test_brightness_with_noise_is_the_true_one_within_the_random_error(swath, read_written):
    read = read_written(np.random.default_rng(1), emissions=OXYGEN)
    deviation = ((read.brightness_R - true_brightness(swath)) / read.random_error_R)[~swath.flagged]
    assert np.std(deviation) == pytest.approx(1, abs=0.15)
    assert abs(np.mean(deviation)) < 0.3


def test_neighboring_lines_in_the_baseline_lower_the_brightness_of_the_day(swath, read_written):
    pure, blended = read_written(emissions=OXYGEN).brightness_R, read_written().brightness_R
    day = swath.geometry.on_disk & (swath.geometry.sza_deg[:, 0] < 80) & ~swath.flagged
    ratio = blended[day] / pure[day]
    assert ratio.min() > 0.8
    assert ratio.max() < 0.95


def test_oxygen_1356_is_read_from_spectra_that_cover_it(swath, read_written):
    read = read_written(emission=OXYGEN_1356, emissions=OXYGEN, n_wavelengths=60)
    (line,) = (emission for emission in OXYGEN if emission.wavelength_nm == 135.6)
    true = line.brightness(swath.background_R, swath.excess_R, WORLD.oxygen_ratio)
    assert read.facts.emission == "O I 135.6"
    assert not read.flagged.any()  # the flagged samples are at 130.4 nm, outside the window
    assert_allclose(read.brightness_R, true, rtol=0.02, atol=0.02)


def test_oxygen_1356_is_rejected_where_the_spectra_end_before_its_baseline(read_written):
    with pytest.raises(InputError, match=r"O I 135.6 nm needs 134.1 to 138.0 nm") as caught:
        read_written(emission=OXYGEN_1356)
    assert caught.value.reason is Reason.NO_EMISSION


def test_errors_follow_from_those_of_the_spectra(swath, synthetic):
    window_nm = OXYGEN_1304.line_nm[1] - OXYGEN_1304.line_nm[0]
    expected = 4 * window_nm * WORLD.counts_per_R  # counts of the dark in the window, at least
    assert synthetic.random_error_R.min() > np.sqrt(expected) / WORLD.counts_per_R
    assert_allclose(synthetic.systematic_error_R, 0.25 * np.abs(synthetic.brightness_R), rtol=1e-4, atol=1e-3)


def test_flagged_pixels_are_those_with_a_flagged_sample_in_the_window(swath, synthetic):
    assert_array_equal(synthetic.flagged, swath.flagged)


def test_center_is_the_last_sample_and_corners_are_in_order_around_the_pixel(swath, synthetic):
    geometry = swath.geometry
    around = [1, 4, 3, 2]  # samples of the simulator, from the first of the file
    for values, center, corners in (
        (geometry.lat_deg, synthetic.latitude_deg, synthetic.corner_latitude_deg),
        (geometry.lon_deg, synthetic.longitude_deg, synthetic.corner_longitude_deg),
    ):
        assert_allclose(center, values[:, 0], rtol=SINGLE)
        assert_allclose(corners, values[:, around].swapaxes(1, 2), rtol=SINGLE)


def test_angles_and_altitudes_are_those_of_the_pixel_center(swath, synthetic):
    geometry = swath.geometry
    assert_allclose(synthetic.sza_deg, geometry.sza_deg[:, 0], rtol=SINGLE)
    assert_allclose(synthetic.emission_angle_deg, geometry.emission_deg[:, 0], rtol=SINGLE)
    assert_allclose(synthetic.local_time_h, geometry.local_time_h[:, 0], rtol=SINGLE)
    assert_allclose(synthetic.tangent_altitude_km, geometry.altitude_km[:, 0], rtol=SINGLE)
    assert_array_equal(synthetic.ra_deg, geometry.ra_deg[:, 0])
    assert_array_equal(synthetic.dec_deg, geometry.dec_deg[:, 0])


def test_positions_of_spacecraft_and_sun_are_read_in_full_precision(swath, synthetic):
    geometry = swath.geometry
    below = orbit.unit(synthetic.sub_spacecraft_latitude_deg, synthetic.sub_spacecraft_longitude_deg)
    distance_km = synthetic.spacecraft_altitude_km + MARS_RADIUS_KM
    assert_allclose(below * distance_km[:, None], geometry.spacecraft_mars_km, rtol=1e-9)
    sun = orbit.unit(synthetic.sub_solar_latitude_deg, synthetic.sub_solar_longitude_deg)
    assert_allclose(sun, geometry.sun_mars, atol=1e-9)


def test_facts_are_those_of_the_swath(swath, synthetic):
    facts, et = synthetic.facts, swath.geometry.et
    assert (facts.name, facts.instrument, facts.level) == (iuvs.name(swath), "MAVEN/IUVS", "l1b")
    assert (facts.start_utc, facts.end_utc) == tuple(orbit.stamp(orbit.to_utc(et[index])) for index in (0, -1))
    assert (facts.orbit, facts.mode, facts.version) == (swath.header["ORBNUM"], "apoapse", (13, 1))
    assert facts.solar_longitude_deg == pytest.approx(swath.header["SOL_LONG"], rel=1e-6)
    assert facts.emission == "O I 130.4"
    assert (facts.channel, facts.file_name, facts.content_sha256) == ("fuv", iuvs.name(swath).removesuffix(".gz"), None)


def test_echelle_spectra_are_a_channel_of_their_own(read_changed):
    def change(hdus: fits.HDUList) -> None:
        hdus["Observation"].data["GRATING_SELECT"] = "ECHELL"  # the column of the simulator is six characters wide

    assert read_changed(change).facts.channel == "ech"


def test_channel_is_that_of_the_name_where_the_file_does_not_tell(swath, read_changed):
    def change(hdus: fits.HDUList) -> None:
        hdus[0].header["XUV"] = "?"

    assert read_changed(change, iuvs.name(swath)).facts.channel == "fuv"
    assert read_changed(change).facts.channel is None


def test_name_not_of_the_mission_leaves_mode_and_version_unknown(swath, read_changed):
    facts = read_changed(list).facts
    assert (facts.orbit, facts.mode, facts.version) == (swath.header["ORBNUM"], None, None)
    assert facts.start_utc == orbit.stamp(orbit.to_utc(swath.geometry.et[0]))


@pytest.mark.parametrize("hdu", ["Random_phy_unc", "Systematic_phy_unc"])
def test_missing_uncertainty_is_nan(hdu, synthetic, read_changed):
    read = read_changed(lambda hdus: hdus.__delitem__(hdu))
    for name, error in (("Random_phy_unc", read.random_error_R), ("Systematic_phy_unc", read.systematic_error_R)):
        assert np.isnan(error).all() if name == hdu else np.isfinite(error).all()
    assert_array_equal(read.brightness_R, synthetic.brightness_R)


def test_missing_quality_flags_flag_nothing(read_changed):
    read = read_changed(lambda hdus: hdus.__delitem__("quality_flag"))
    assert_array_equal(read.flagged, np.zeros(read.shape, bool))


def test_bins_without_valid_wavelengths_are_nan_and_the_others_unchanged(synthetic, read_changed):
    def change(hdus: fits.HDUList) -> None:
        wavelength = hdus["Observation"].data["WAVELENGTH"]
        wavelength[0, 3, 7] = np.nan
        wavelength[0, 5] = wavelength[0, 5, ::-1].copy()  # decreasing

    read = read_changed(change)
    invalid = np.isin(np.arange(10), (3, 5))
    for before, after in (
        (synthetic.brightness_R, read.brightness_R),
        (synthetic.random_error_R, read.random_error_R),
        (synthetic.systematic_error_R, read.systematic_error_R),
    ):
        assert np.isnan(after[:, invalid]).all()
        assert_array_equal(after[:, ~invalid], before[:, ~invalid])


def test_unreadable_times_fall_back_to_the_file_name(swath, read_changed):
    def change(hdus: fits.HDUList) -> None:
        hdus["Integration"].data["UTC"], hdus["Integration"].data["ET"] = "no time", np.nan

    unnamed = read_changed(change).facts
    assert (unnamed.start_utc, unnamed.end_utc) == ("", None)
    named = read_changed(change, iuvs.name(swath).removesuffix(".gz")).facts
    assert (named.start_utc, named.end_utc) == (orbit.stamp(orbit.to_utc(swath.geometry.et[0])), None)


def test_invalid_orbit_and_season_are_unknown(read_changed):
    def change(hdus: fits.HDUList) -> None:
        hdus["Observation"].data["ORBIT_NUMBER"] = -1
        hdus["Observation"].data["SOLAR_LONGITUDE"] = np.nan

    facts = read_changed(change).facts
    assert (facts.orbit, facts.solar_longitude_deg) == (None, None)


@pytest.mark.parametrize("column", ["ORBIT_NUMBER", "SOLAR_LONGITUDE"])
def test_missing_orbit_or_season_is_unknown(column, read_changed):
    facts = read_changed(lambda hdus: change_column(hdus, "Observation", column, None)).facts
    assert (facts.orbit is None, facts.solar_longitude_deg is None) == (
        column == "ORBIT_NUMBER",
        column == "SOLAR_LONGITUDE",
    )


def test_values_outside_their_range_are_nan(read_changed):
    def change(hdus: fits.HDUList) -> None:
        hdus["PixelGeometry"].data["PIXEL_CORNER_LAT"][7, 2, 4] = 999.0
        hdus["PixelGeometry"].data["PIXEL_SOLAR_ZENITH_ANGLE"][7, 2] = -1.0
        hdus["PRIMARY"].data[7, 2] = 1e30
        hdus["SpacecraftGeometry"].data["SPACECRAFT_ALT"][7] = np.inf

    read = read_changed(change)
    for values in (read.latitude_deg, read.sza_deg, read.brightness_R):
        assert np.isnan(values[7, 2])
        assert np.isfinite(values[7, 3])
    assert_array_equal(np.isnan(read.spacecraft_altitude_km), np.arange(read.shape[0]) == 7)


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
    assert np.nanmedian(gather(swaths, "brightness_R")[chosen]) == pytest.approx(median_R, rel=0.1)


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
    assert np.nanmedian(np.concatenate(stated)) == pytest.approx(np.nanmedian(np.concatenate(scatter)), rel=0.3)


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
