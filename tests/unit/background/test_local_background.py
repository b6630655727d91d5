"""The background scaled to a ring around a box: the mean of data and prior, weighted by their variances."""

import numpy as np
import pytest
from disks import SHAPE, make_disk, select, spread
from numpy.typing import NDArray

from mars_aurora.background import observed

LEVEL_R, NOISE_R = 2.0, 3.0
ZERO = np.zeros(SHAPE)
PRIOR_SCALE, PRIOR_SLOPE = 0.3, 0.2  # standard deviations
STRUCTURE, RESIDUAL = 0.1, 0.18  # of day and twilight about a smooth fit; of the local fit over an aurora


def _make_disk_background(level_R: float = LEVEL_R, noise_R: float = NOISE_R) -> observed.Background:
    constant = np.ones(SHAPE, np.float32)
    return observed.Background(level_R * constant, 0.1 * constant, noise_R * constant, np.ones(SHAPE, bool))


def _fit_locally(
    brightness_R: object,
    ring: NDArray[np.bool_],
    x: NDArray[np.float64] = ZERO,
    y: NDArray[np.float64] = ZERO,
    disk: observed.Background | None = None,
) -> observed.Background:
    observation = make_disk(brightness_R=brightness_R)
    return observed.fit_locally(observation, disk or _make_disk_background(), x, y, ring)


def _information(n_pixels: int, level_R: float = LEVEL_R, noise_R: float = NOISE_R) -> float:
    """Inverse variance of the scale, from pixels with photon noise and structure."""
    return n_pixels * level_R**2 / (noise_R**2 + (STRUCTURE * level_R) ** 2)


@pytest.mark.parametrize(("rows", "columns"), [(5, 5), (60, 75)])
def test_scale_is_between_one_and_that_of_the_ring_by_their_variances(rows: int, columns: int):
    ring = select(slice(0, rows), slice(0, columns))
    found = _fit_locally(1.5 * LEVEL_R, ring)
    information = _information(rows * columns)
    expected = 1 + 0.5 * information / (information + PRIOR_SCALE**-2)
    assert found.level_R == pytest.approx(LEVEL_R * expected, rel=1e-5)
    spread_of_scale = np.hypot((information + PRIOR_SCALE**-2) ** -0.5, RESIDUAL)
    assert found.error_R == pytest.approx(LEVEL_R * spread_of_scale, rel=1e-5)


def test_large_ring_has_the_brightness_of_the_ring_and_the_error_of_the_fit():
    found = _fit_locally(1.5 * LEVEL_R, select(slice(0, 100), slice(0, 150)))
    assert found.level_R == pytest.approx(1.5 * LEVEL_R, rel=0.01)
    assert found.error_R == pytest.approx(RESIDUAL * LEVEL_R, rel=0.01)


def test_only_pixels_of_the_ring_are_used():
    ring = select(slice(0, 60), slice(0, 75))
    brightness_R = np.where(ring, LEVEL_R, 500.0)
    assert _fit_locally(brightness_R, ring).level_R == pytest.approx(LEVEL_R, rel=1e-5)


def test_structure_limits_the_weight_of_bright_pixels():
    """Of one pixel without photon noise the scale is known to a tenth."""
    found = _fit_locally(150.0, select(slice(0, 1), slice(0, 1)), disk=_make_disk_background(100.0, 0.0))
    information = STRUCTURE**-2
    assert found.level_R == pytest.approx(100 + 50 * information / (information + PRIOR_SCALE**-2), rel=1e-5)


@pytest.mark.parametrize("axis", [0, 1])
def test_slope_is_between_zero_and_that_of_the_ring_by_their_variances(axis: int):
    """On one half of 100 pixels the position is -1, on the other 1."""
    position = np.where(np.indices(SHAPE)[0] < 60, -1.0, 1.0)
    ring = select(slice(55, 65), slice(0, 10))
    positions = (position, ZERO) if axis == 0 else (ZERO, position)
    found = _fit_locally(LEVEL_R * (1 + 0.4 * position), ring, *positions)
    information = _information(100)
    slope = 0.4 * information / (information + PRIOR_SLOPE**-2)
    assert found.level_R == pytest.approx(LEVEL_R * (1 + slope * position), rel=1e-4)
    variances = 1 / (information + PRIOR_SCALE**-2) + 1 / (information + PRIOR_SLOPE**-2)
    assert found.error_R == pytest.approx(LEVEL_R * np.sqrt(variances + RESIDUAL**2), rel=1e-4)


def test_slope_across_the_ring_is_interpolated_into_the_box():
    x, y = spread(-1, 1, axis=1), spread(-1, 1, axis=0)
    box = np.hypot(x, y) < 0.5
    true_R = 50 * (1 + 0.3 * x - 0.2 * y)
    found = _fit_locally(true_R + np.where(box, 30, 0), ~box, x, y, _make_disk_background(50.0, 3.0))
    assert found.level_R == pytest.approx(true_R, rel=0.01)


def test_background_of_hundredths_of_a_rayleigh_is_scaled():
    ring = select(slice(0, 100), slice(0, 150))
    found = _fit_locally(0.03, ring, disk=_make_disk_background(0.02, 0.0))
    assert found.level_R == pytest.approx(0.03, rel=0.01)


def test_ring_without_background_and_noise_leaves_the_background_of_the_disk():
    found = _fit_locally(0.0, select(slice(0, 10), slice(0, 10)), disk=_make_disk_background(0.0, 0.0))
    assert not found.level_R.any()
    assert not found.error_R.any()


def test_noise_and_free_pixels_are_those_of_the_disk():
    disk = _make_disk_background()
    found = _fit_locally(5.0, select(slice(0, 10), slice(0, 10)), disk=disk)
    assert found.noise_R is disk.noise_R
    assert found.free is disk.free
