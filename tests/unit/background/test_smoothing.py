"""Means over squares of pixels, of observed pixels only."""

import numpy as np
import pytest

from mars_aurora.background.smoothing import count_neighbors, smooth


@pytest.mark.parametrize("side", [3, 5])
def test_mean_is_over_observed_pixels_of_the_square(side):
    rng = np.random.default_rng(4)
    values = rng.uniform(0, 50, (12, 15)).astype(np.float32)
    where = rng.uniform(size=values.shape) < 0.6
    mean, count = smooth(values, where, side), count_neighbors(where, side)
    half = side // 2
    for row, column in ((0, 0), (5, 7), (11, 14), (3, 0)):
        square = np.s_[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1]
        assert count[row, column] == where[square].sum()
        assert mean[row, column] == pytest.approx(values[square][where[square]].mean(), rel=1e-5)


def test_nan_outside_the_observed_pixels_is_ignored():
    where = np.arange(81).reshape(9, 9) % 2 == 0
    values = np.where(where, np.float32(2), np.float32(np.nan))
    assert np.array_equal(smooth(values, where, 3), np.full((9, 9), 2, np.float32))


def test_square_without_observed_pixel_is_nan():
    where = np.zeros((9, 9), bool)
    where[0, 0] = True
    mean = smooth(np.ones((9, 9), np.float32), where, 3)
    assert np.isfinite(mean).sum() == 4
    assert np.isnan(mean[5, 5])
