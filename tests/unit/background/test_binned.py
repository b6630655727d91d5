"""Profiles of a value against an angle, in bins."""

import numpy as np
import pytest

from mars_aurora.background.binned import MIN_BIN_PIXELS, Bins


@pytest.fixture(scope="module")
def angle_deg():
    return np.linspace(90, 150, 6000).reshape(60, 100)


def _decreasing(angle_deg):
    return 200 * np.exp(-(angle_deg - 90) / 6)


def test_twilight_is_extrapolated_to_the_night_level(angle_deg):
    bins = Bins.cut(angle_deg, angle_deg < 112, 1.5, 110)
    found = bins.interpolate(bins.means(_decreasing(angle_deg), angle_deg < 112), night_R=0.8)
    near, far = angle_deg < 116, angle_deg > 130
    assert found[near] == pytest.approx(_decreasing(angle_deg)[near], rel=0.15)
    assert found[far] == pytest.approx(0.8)


def test_without_night_level_the_last_value_is_kept(angle_deg):
    bins = Bins.cut(angle_deg, angle_deg < 112, 1.5, 110)
    found = bins.interpolate(bins.means(_decreasing(angle_deg), angle_deg < 112))
    assert found[angle_deg > 120] == pytest.approx(found[angle_deg > 120][0])


def test_observed_night_fainter_than_the_night_level_is_kept(angle_deg):
    bins = Bins.cut(angle_deg, angle_deg < 140, 1.5, 110)
    found = bins.interpolate(np.full(bins.size, 0.3), night_R=0.8)
    assert found == pytest.approx(0.3)


def test_no_bin_crosses_from_twilight_to_dark_and_dark_bins_have_more_pixels(angle_deg):
    everywhere = np.ones(angle_deg.shape, bool)
    bins = Bins.cut(angle_deg, everywhere, 0.1, 110)
    counts = bins.counts(everywhere)
    dark = bins.centers_deg > 110
    assert counts[~dark].min() >= MIN_BIN_PIXELS // 5
    assert counts[dark].min() >= MIN_BIN_PIXELS
    assert bins.number[angle_deg < 110].max() + 1 == bins.number[angle_deg >= 110].min()
