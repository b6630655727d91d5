"""The brightness of the sky, and the part of it that comes from particles."""

import numpy as np
import pytest

from mars_aurora.cleaning.sky import measure_sky

SHAPE = (160, 40)
NIGHT_R = 0.8
COUNTS_PER_R = 0.4
SKY = np.broadcast_to(np.arange(40) < 15, SHAPE)
NIGHT = ~SKY
NOWHERE = np.zeros(SHAPE, bool)


def _observe(sky_R, night_R=NIGHT_R):
    brightness = np.where(SKY, np.broadcast_to(sky_R, SHAPE), night_R)
    return np.random.default_rng(8).poisson(brightness * COUNTS_PER_R) / COUNTS_PER_R


@pytest.mark.parametrize("n_pixels", [49, 50])
def test_fifty_pixels_of_sky_are_needed(n_pixels):
    sky = NOWHERE.copy()
    sky.flat[:n_pixels] = True
    assert (measure_sky(_observe(0.5), sky, NIGHT, NIGHT_R) is None) == (n_pixels < 50)


def test_level_and_error_are_those_of_the_mean_of_the_sky():
    brightness = _observe(0.7)
    found = measure_sky(brightness, SKY, NIGHT, NIGHT_R)
    assert found.level_R == pytest.approx(brightness[SKY].mean())
    assert found.error_R == pytest.approx(np.sqrt(0.7 / COUNTS_PER_R / SKY.sum()), rel=0.1)
    assert not found.particles_R.any()


def test_sky_of_twice_the_usual_night_is_of_mars_and_more_is_of_particles():
    for sky_R, particles_R in ((1.6, 0.0), (4.6, 3.0), (9.6, 8.0)):
        found = measure_sky(_observe(sky_R, sky_R), SKY, NIGHT, NIGHT_R)
        assert found.particles_R == pytest.approx(particles_R, abs=0.15)
        assert found.particles_R.shape == (160,)


def test_particles_are_found_without_night():
    assert measure_sky(_observe(4.6), SKY, NOWHERE, NIGHT_R).particles_R == pytest.approx(3, abs=0.15)


def test_excess_within_three_sigma_of_the_error_is_not_of_particles():
    """The level is 0.2 R above the most that the sky has."""
    few = np.indices(SHAPE)[1] < 1
    for sky, is_found in ((few, False), (SKY, True)):
        constant = np.where(np.indices(SHAPE)[0] % 2 == 0, 0.8, 2.8)  # 1 R about its mean
        assert measure_sky(constant, sky, NOWHERE, NIGHT_R).particles_R.any() == is_found


def test_particles_follow_a_change_along_the_scan():
    true_R = 2 + 6 * np.linspace(0, 1, 160)
    found = measure_sky(_observe(1.6 + true_R[:, None], 20), SKY, NIGHT, NIGHT_R)
    assert found.particles_R[20:-20] == pytest.approx(true_R[20:-20], abs=0.5)


def test_noise_of_the_sky_is_not_followed():
    assert np.ptp(measure_sky(_observe(4.6, 20), SKY, NIGHT, NIGHT_R).particles_R) < 0.1


def test_sky_of_one_part_of_the_scan_is_that_of_the_rest():
    part = SKY & (np.indices(SHAPE)[0] < 100)
    assert measure_sky(_observe(4.6, 20), part, NIGHT, NIGHT_R).particles_R == pytest.approx(3, abs=0.3)


def test_particles_leave_half_of_the_usual_night():
    found = measure_sky(_observe(9.6, 3.0), SKY, NIGHT, NIGHT_R)
    assert found.particles_R.mean() == pytest.approx(3 - 0.4, abs=0.1)


def test_night_darker_than_half_of_the_usual_one_has_no_particles():
    assert not measure_sky(_observe(9.6, 0.2), SKY, NIGHT, NIGHT_R).particles_R.any()


def test_particles_are_subtracted_where_they_are_and_the_night_is_not():
    brightness = _observe(np.where(np.arange(160) < 60, 20.0, 0.4)[:, None])
    night = NIGHT & (np.indices(SHAPE)[0] >= 120)
    particles_R = measure_sky(brightness, SKY, night, NIGHT_R).particles_R
    assert particles_R[:40] == pytest.approx(18.4, abs=2.5)
    assert not particles_R[120:].any()


ROWS = np.arange(160)[:, None]
AT_ENDS = SKY & ((ROWS < 40) | (ROWS >= 120))
HUMP_R = 6 * np.exp(-(((ROWS[:, 0] - 80) / 50) ** 2))


def test_particles_are_followed_on_the_disk_where_the_slit_sees_no_sky():
    brightness = _observe(3.6 + HUMP_R[:, None], 12.8 + HUMP_R[:, None])  # with a diffuse aurora of 10 R
    found = measure_sky(brightness, AT_ENDS, NIGHT, NIGHT_R)
    assert found.particles_R == pytest.approx(2 + HUMP_R, abs=1.6)  # a part of it may be of the night
    blind = measure_sky(brightness, AT_ENDS, NOWHERE, NIGHT_R)
    assert blind.particles_R[80] < found.particles_R[80] - 0.5


def test_aurora_in_fewer_than_half_of_the_bins_is_not_taken_for_particles():
    aurora_R = np.where((np.abs(ROWS - 80) < 30) & (np.arange(40) >= 30), 30.0, 0.0)
    found = measure_sky(_observe(4.6, 3.8 + aurora_R), AT_ENDS, NIGHT, NIGHT_R)
    assert found.particles_R == pytest.approx(3, abs=0.8)


def test_night_in_too_few_bins_is_not_followed():
    few = NIGHT & (np.arange(40) < 25)  # in two of the eight groups of bins
    found = measure_sky(_observe(3.6, 12.8 + HUMP_R[:, None]), AT_ENDS, few, NIGHT_R)
    assert np.ptp(found.particles_R) < 0.3


@pytest.mark.parametrize("level_R", [6.0, 40.0])
def test_course_is_followed_to_a_fraction_of_the_noise_of_single_integrations(level_R):
    course_R = level_R * np.exp(0.4 * np.sin(ROWS[:, 0] / 20))
    found = measure_sky(_observe(1.6 + course_R[:, None], 0.8 + course_R[:, None]), SKY, NIGHT, NIGHT_R)
    noise_R = np.sqrt(course_R / COUNTS_PER_R / SKY.sum(1))  # of the mean of one integration
    error_R = found.particles_R - course_R
    assert np.std(error_R) < 0.4 * noise_R.mean()
    assert np.ptp(found.particles_R) > 0.6 * np.ptp(course_R)
