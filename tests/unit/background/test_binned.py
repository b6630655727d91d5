"""Profiles along an angle."""

import numpy as np
import pytest

from mars_aurora.background.binned import BIN_PIXELS, Bins


@pytest.fixture(scope="module")
def angle_deg():
    return np.linspace(90, 150, 6000).reshape(60, 100)


def _falling(angle_deg):
    return 200 * np.exp(-(angle_deg - 90) / 6)


def test_twilight_goes_on_falling_where_the_night_is_out_of_view(angle_deg):
    bins = Bins.cut(angle_deg, angle_deg < 112, 1.5, 110)
    found = bins.interpolate(bins.means(_falling(angle_deg), angle_deg < 112), darkest=0.8)
    near, far = angle_deg < 116, angle_deg > 130
    assert found[near] == pytest.approx(_falling(angle_deg)[near], rel=0.15)
    assert found[far] == pytest.approx(0.8)


def test_what_is_not_to_fall_stays_as_it_was_last(angle_deg):
    bins = Bins.cut(angle_deg, angle_deg < 112, 1.5, 110)
    found = bins.interpolate(bins.means(_falling(angle_deg), angle_deg < 112))
    assert found[angle_deg > 120] == pytest.approx(found[angle_deg > 120][0])


def test_a_night_that_is_seen_is_kept_even_where_it_is_darker(angle_deg):
    bins = Bins.cut(angle_deg, angle_deg < 140, 1.5, 110)
    found = bins.interpolate(np.full(bins.size, 0.3), darkest=0.8)
    assert found == pytest.approx(0.3)


def test_no_bin_goes_from_twilight_into_the_dark_and_dark_ones_hold_more(angle_deg):
    everywhere = np.ones(angle_deg.shape, bool)
    bins = Bins.cut(angle_deg, everywhere, 0.1, 110)
    counts = bins.counts(everywhere)
    dark = bins.centres_deg > 110
    assert counts[~dark].min() >= BIN_PIXELS // 5
    assert counts[dark].min() >= BIN_PIXELS
    assert bins.number[angle_deg < 110].max() + 1 == bins.number[angle_deg >= 110].min()
