"""Sensitivity and error factor from brightness and random errors of simulated counts."""

import numpy as np
import pytest
from disks import SHAPE, spread

from mars_aurora.cleaning.errors import estimate_sensitivity, find_error_factor

COUNTS_PER_R = 0.4
DAY_R = spread(100, 400, axis=0)


def _count_photons(brightness_R, seed=5):
    """Brightness and its random error, which is that of one count where there is none."""
    counts = np.random.default_rng(seed).poisson(brightness_R * COUNTS_PER_R)
    return counts / COUNTS_PER_R, np.sqrt(np.maximum(counts, 1)) / COUNTS_PER_R


def test_sensitivity_is_that_of_bright_pixels():
    brightness, error = _count_photons(np.where(np.indices(SHAPE)[0] < 20, 200.0, 0.7))
    assert estimate_sensitivity(brightness, error) == pytest.approx(COUNTS_PER_R)


def test_sensitivity_of_an_empty_night_is_that_of_the_error_of_one_count():
    brightness, error = _count_photons(np.full(SHAPE, 0.7))
    assert estimate_sensitivity(brightness, error) == pytest.approx(COUNTS_PER_R)


@pytest.mark.parametrize(("n_bright", "expected"), [(99, 0.5), (100, 2.0)])
def test_sensitivity_is_from_bright_pixels_where_there_are_100(n_bright, expected):
    brightness, error = np.zeros(SHAPE), np.full(SHAPE, 2.0)
    brightness.flat[:n_bright] = 8
    assert estimate_sensitivity(brightness, error) == pytest.approx(expected)


@pytest.mark.parametrize(("brightness_R", "expected"), [(5.8, 0.5), (6.2, 6.2 / 4)])
def test_pixels_over_three_sigma_are_bright(brightness_R, expected):
    assert estimate_sensitivity(np.full(SHAPE, brightness_R), np.full(SHAPE, 2.0)) == pytest.approx(expected)


@pytest.mark.parametrize(("brightness_R", "error_R"), [(np.nan, 1.0), (5.0, np.nan), (5.0, 0.0), (5.0, -1.0)])
def test_sensitivity_is_zero_where_brightness_or_error_is_unknown(brightness_R, error_R):
    assert estimate_sensitivity(np.full(SHAPE, brightness_R), np.full(SHAPE, error_R)) == 0


def test_sensitivity_is_that_of_the_known_pixels():
    brightness, error = np.full(SHAPE, 50.0), np.full(SHAPE, 5.0)
    brightness[:50], error[80:] = np.nan, 0
    assert estimate_sensitivity(brightness, error) == pytest.approx(2)


@pytest.mark.parametrize("too_small", [1.0, 1.15, 1.3, 2.0])
def test_error_factor_is_that_by_which_the_errors_are_too_small(too_small):
    brightness, error = _count_photons(DAY_R)
    assert find_error_factor(brightness, error / too_small) == pytest.approx(too_small, rel=0.03)


def test_errors_that_are_too_large_are_kept():
    brightness, error = _count_photons(DAY_R)
    assert find_error_factor(brightness, 1.5 * error) == 1


def test_neither_slope_nor_response_of_the_bins_changes_the_error_factor():
    brightness, error = _count_photons(np.full(SHAPE, 300.0))
    response = 1 + 0.3 * np.sin(np.indices(SHAPE)[1])
    slope = spread(0, 5000, axis=0)
    assert find_error_factor(response * brightness + slope, response * error) == pytest.approx(1, abs=0.03)


def test_errors_of_the_three_pixels_of_a_difference_are_propagated():
    """Errors of rows in turn 1, 1 and 30 R."""
    error = np.where(np.indices(SHAPE)[0] % 3 == 2, 30.0, 1.0)
    noise = np.random.default_rng(2).normal(0, 1, SHAPE)
    assert find_error_factor(1000 + 1.2 * error * noise, error) == pytest.approx(1.2, rel=0.04)


def test_errors_of_a_night_without_counts_are_kept():
    brightness, error = _count_photons(np.full(SHAPE, 0.7))
    assert find_error_factor(brightness, error / 2) == 1


@pytest.mark.parametrize(("n_differences", "expected"), [(299, 1.0), (300, 1.4826 * 10 / np.sqrt(6))])
def test_errors_are_kept_with_fewer_than_300_differences(n_differences, expected):
    """In each bin of three integrations there is one difference, of 10 R."""
    brightness = np.full((3, 400), 100.0)
    brightness[2] += 10
    brightness[1, n_differences:] = np.nan
    assert find_error_factor(brightness, np.ones((3, 400))) == pytest.approx(expected)


def test_unknown_or_vanishing_errors_are_left_out():
    brightness, error = _count_photons(DAY_R)
    error[:30], error[60:70] = np.nan, 0
    assert find_error_factor(brightness, error / 1.3) == pytest.approx(1.3, rel=0.05)


@pytest.mark.parametrize(("error_R", "expected"), [(3.2, 1.4826 * 6 / np.sqrt(6) / 3.2), (3.45, 1.0)])
def test_differences_of_bright_pixels_are_used(error_R, expected):
    """The sum of three pixels is 30 R, from 9 times their error."""
    brightness = np.broadcast_to([[9.0], [12.0], [9.0]], (3, 400))
    assert find_error_factor(brightness, np.full((3, 400), error_R)) == pytest.approx(expected)
