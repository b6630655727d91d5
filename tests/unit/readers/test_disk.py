"""The disk is found at any altitude that a file gives it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mars_aurora.readers.disk import level_disk

EMISSION = np.tile(np.array([10, 40, 70, 84, 89.999995, 89.999995, np.nan], "f4"), (20, 1))
ALTITUDE = np.tile(np.array([0, 0, 0, 0, 60, 200, np.nan], "f4"), (20, 1))
DISK = ALTITUDE == 0


@pytest.mark.parametrize("offset_km", [0.0, 0.001, -0.3, 5.0, -1500.0, 21.2])
def test_disk_at_one_altitude_is_shifted_to_zero(offset_km):
    shifted = np.where(DISK, np.float32(offset_km), ALTITUDE)
    altitude, found = level_disk(shifted, EMISSION)
    assert_array_equal(altitude, ALTITUDE)
    assert found == pytest.approx(offset_km, rel=1e-6)


@pytest.mark.parametrize("scatter_km", [1e-6, 1e-3, 0.2])
@pytest.mark.parametrize("offset_km", [0.0, 0.5, 5.0])
def test_disk_with_jitter_is_shifted_to_zero_on_average(scatter_km, offset_km):
    jitter = np.random.default_rng(1).normal(offset_km, scatter_km, ALTITUDE.shape).astype("f4")
    altitude, found = level_disk(np.where(DISK, jitter, ALTITUDE), EMISSION)
    assert found == pytest.approx(offset_km, abs=scatter_km)
    assert_allclose(altitude[DISK], 0, atol=5 * scatter_km)
    assert_array_equal(altitude[~DISK], ALTITUDE[~DISK])


def test_altitudes_above_every_surface_are_left_as_they_are():
    shifted = np.where(DISK, np.float32(60.2), ALTITUDE)
    assert level_disk(shifted, EMISSION)[1] == 0


def test_tangent_points_at_the_altitude_of_the_disk_are_left_as_they_are():
    limb = np.where(ALTITUDE == 60, np.float32(4.5), ALTITUDE)
    assert_array_equal(level_disk(np.where(DISK, np.float32(5), limb), EMISSION)[0], limb)


def test_depths_of_the_line_of_sight_below_the_surface_are_left_as_they_are():
    depth = np.where(DISK, np.linspace(-3390, -1, ALTITUDE.size, dtype="f4").reshape(ALTITUDE.shape), ALTITUDE)
    altitude, found = level_disk(depth, EMISSION)
    assert_array_equal(altitude, depth)
    assert found == 0


def test_limb_alone_has_no_offset():
    altitude, found = level_disk(ALTITUDE[:, 4:], EMISSION[:, 4:])
    assert_array_equal(altitude, ALTITUDE[:, 4:])
    assert found == 0
