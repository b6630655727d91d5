"""The background fitted on disks whose background is known, with and without boxes."""

import numpy as np
import pytest
from disks import SHAPE, make_checkerboard, make_disk, select, spread
from numpy.typing import NDArray

from mars_aurora.background import observed
from mars_aurora.observation import Observation

EVERYWHERE = np.ones(SHAPE, bool)
NOWHERE = np.zeros(SHAPE, bool)
COUNTS_PER_R = 0.36
TWILIGHT_DEG = spread(100, 150, axis=0)  # 360 pixels a degree
TWILIGHT_R = 0.8 + 150 * np.exp(-(TWILIGHT_DEG - 100) / 6)


def _fit(observation: Observation, boxed: NDArray[np.bool_] = NOWHERE) -> observed.Background:
    return observed.fit(observation, observed.usable_pixels(observation), boxed)


def _count_photons(brightness_R: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.random.default_rng(7).poisson(brightness_R * COUNTS_PER_R) / COUNTS_PER_R


@pytest.fixture(scope="module")
def photons() -> observed.Background:
    return _fit(make_disk(brightness_R=_count_photons(TWILIGHT_R), sza_deg=TWILIGHT_DEG))


def test_level_of_photon_counts_is_their_mean_from_twilight_to_night(photons):
    for first_deg in range(102, 148, 5):
        part = (first_deg < TWILIGHT_DEG) & (first_deg + 5 > TWILIGHT_DEG)
        assert photons.level_R[part].mean() == pytest.approx(TWILIGHT_R[part].mean(), rel=0.1)
    assert photons.level_R == pytest.approx(TWILIGHT_R, rel=0.25)


def test_noise_is_the_scatter_of_photon_counts(photons):
    ratio = photons.noise_R / np.sqrt(TWILIGHT_R / COUNTS_PER_R)
    for first_deg in range(102, 148, 5):
        part = (first_deg < TWILIGHT_DEG) & (first_deg + 5 > TWILIGHT_DEG)
        assert ratio[part].mean() == pytest.approx(1, abs=0.15)


def test_noise_of_a_night_below_one_rayleigh_is_the_scatter_of_its_counts():
    night_R = np.full(SHAPE, 0.2)
    found = _fit(make_disk(brightness_R=_count_photons(night_R), sza_deg=spread(120, 150, axis=0)))
    assert found.noise_R.mean() == pytest.approx(np.sqrt(0.2 / COUNTS_PER_R), rel=0.1)


def test_error_is_that_of_the_mean_of_the_pixels_in_one_and_a_half_degrees(photons):
    dark = TWILIGHT_DEG > 125
    expected = photons.noise_R[dark] / np.sqrt(1.5 * 360)
    assert np.median(photons.error_R[dark] / expected) == pytest.approx(1, abs=0.1)


def test_background_of_slanted_lines_of_sight_is_brighter():
    emission_angle_deg = spread(5, 85, axis=1)
    factor = 1 + 0.4 * ((emission_angle_deg - 45) / 40)
    found = _fit(
        make_disk(
            brightness_R=_count_photons(100 * factor * TWILIGHT_R) / 100,
            sza_deg=TWILIGHT_DEG,
            emission_angle_deg=emission_angle_deg,
        )
    )
    dark = TWILIGHT_DEG > 125
    assert found.level_R[dark] == pytest.approx((factor * TWILIGHT_R)[dark], rel=0.1)


def test_day_side_does_not_change_the_night_at_slanted_lines_of_sight():
    sza_deg, emission_angle_deg = spread(60, 150, axis=0), spread(5, 85, axis=1)
    level_R = 5 + 300 * np.exp(-(sza_deg - 60) / 10)
    brightness_R = np.where(sza_deg < 90, 1 + 0.5 * ((emission_angle_deg - 45) / 40), 1) * level_R
    found = _fit(make_disk(brightness_R=brightness_R, sza_deg=sza_deg, emission_angle_deg=emission_angle_deg))
    assert found.level_R[sza_deg > 100] == pytest.approx(level_R[sza_deg > 100], rel=0.05)


def test_pixels_are_excluded_where_their_square_is_three_sigma_above_the_level():
    brightness_R = 5.0 + make_checkerboard()
    for row, sigmas in ((30, 2.6), (60, 3.4)):
        brightness_R[row - 2 : row + 3, 48:53] += sigmas / 5  # five by five pixels
    free = _fit(make_disk(brightness_R=brightness_R, sza_deg=spread(120, 150, axis=1))).free
    assert free[30, 50]
    assert not free[60, 50]
    assert free.sum() > free.size - 25


def test_aurora_in_a_box_does_not_raise_the_level():
    """It is 2.2 sigma in a square of pixels, and is not found without the box."""
    boxed = select(slice(20, 100), slice(0, 150))
    brightness_R = 5.0 + 4.5 * make_checkerboard() + np.where(boxed, 2.0, 0.0)
    observation = make_disk(brightness_R=brightness_R, sza_deg=spread(120, 150, axis=1))
    assert _fit(observation, boxed).level_R == pytest.approx(5.0, abs=0.05)
    assert _fit(observation).level_R.min() > 6


def test_boxes_over_the_whole_night_are_included_and_those_in_twilight_are_not():
    boxed = (TWILIGHT_DEG > 110) | select(slice(0, 120), slice(0, 75))
    brightness_R = np.where(boxed & (TWILIGHT_DEG < 110), 6.0, 5.0) + 4.5 * make_checkerboard()
    level_R = _fit(make_disk(brightness_R=brightness_R, sza_deg=TWILIGHT_DEG), boxed).level_R
    assert level_R == pytest.approx(5.0, abs=0.1)


def test_boxes_over_the_whole_disk_are_included():
    level_R = _fit(make_disk(brightness_R=5.0, sza_deg=spread(95, 105, axis=1)), EVERYWHERE).level_R
    assert level_R == pytest.approx(5.0)


@pytest.mark.parametrize("name", ["brightness_R", "sza_deg", "emission_angle_deg", "latitude_deg", "longitude_deg"])
def test_pixel_with_an_unknown_value_is_not_usable(name):
    observation = make_disk()
    getattr(observation, name)[3, 4] = np.nan
    usable = observed.usable_pixels(observation)
    assert not usable[3, 4]
    assert usable.sum() == usable.size - 1


@pytest.mark.parametrize("name", ["corner_latitude_deg", "corner_longitude_deg"])
def test_pixel_with_an_unknown_corner_is_not_usable(name):
    observation = make_disk()
    getattr(observation, name)[3, 4, 2] = np.nan
    assert np.argwhere(~observed.usable_pixels(observation)).tolist() == [[3, 4]]


def test_pixel_off_the_disk_is_not_usable_and_has_no_background():
    observation = make_disk(brightness_R=5.0, sza_deg=spread(120, 150, axis=1))
    observation.tangent_altitude_km[:, 100:] = 90
    found = _fit(observation)
    for values in (found.level_R, found.error_R, found.noise_R):
        assert np.isfinite(values[:, :100]).all()
        assert np.isnan(values[:, 100:]).all()
    assert not found.free[:, 100:].any()
