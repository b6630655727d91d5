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


def _pixels(degrees):
    """Angles of 300 pixels a degree, (1, N), in the first 0.9 deg of each; the centers are at 0.45, 1.45, ..."""
    return np.concatenate([degree + np.linspace(0, 0.9, 300) for degree in range(degrees)])[None]


def _cut(angle_deg, *args):
    return Bins.cut(angle_deg, np.ones(angle_deg.shape, bool), *args)


def _numbers(bins):
    return np.bincount(bins.number.reshape(-1)).tolist()


def test_bins_have_the_least_number_of_pixels_and_the_last_one_the_rest():
    assert _numbers(_cut(np.linspace(90, 91, 1050)[None], 0.0)) == [200, 200, 200, 200, 250]


def test_bins_below_the_dark_angle_have_a_fifth_of_the_pixels():
    assert _numbers(_cut(np.linspace(90, 91, 210)[None], 0.0, 100.0)) == [40, 40, 40, 40, 50]


def test_bins_of_many_pixels_have_the_least_width():
    angle_deg = np.arange(100, 110, 0.001)[None]
    assert _numbers(_cut(angle_deg, 2.5)) == [2500, 2500, 2500, 2500]
    assert np.diff(_cut(angle_deg, 2.5).centers_deg) == pytest.approx(2.5, abs=0.01)


def test_center_of_a_bin_is_the_mean_angle_of_its_pixels():
    angle_deg = np.concatenate([np.linspace(100, 101, 100), np.full(150, 101.5), np.linspace(103, 104, 300)])[None]
    bins = _cut(angle_deg, 2.0)
    assert bins.centers_deg.tolist() == pytest.approx([angle_deg[0, :250].mean(), angle_deg[0, 250:].mean()])


def test_too_few_pixels_for_a_bin_are_one_bin():
    angle_deg = np.linspace(90, 150, 30)[None]
    bins = _cut(angle_deg, 1.0, 110.0)
    assert bins.size == 1
    assert bins.centers_deg == pytest.approx(120)


def test_pixels_that_are_not_selected_have_the_bin_of_their_angle():
    angle_deg = _pixels(3)
    where = np.ones(angle_deg.shape, bool)
    where[:, 3::4] = False
    bins = Bins.cut(angle_deg, where, 1.0)
    assert bins.number.tolist() == [[0] * 300 + [1] * 300 + [2] * 300]
    assert bins.counts(where).tolist() == [225, 225, 225]
    assert bins.counts(~where).tolist() == [75, 75, 75]


@pytest.fixture
def three_bins():
    return _cut(_pixels(3), 1.0)


def test_means_and_medians_are_of_the_selected_pixels_of_each_bin(three_bins):
    values = np.random.default_rng(3).uniform(0, 50, (1, 900)).astype(np.float32)
    where = np.zeros((1, 900), bool)
    where[0, 3:14] = where[0, 610:630] = True  # 11, 0 and 20 pixels
    for found, average in ((three_bins.means(values, where), np.mean), (three_bins.medians(values, where), np.median)):
        assert found[[0, 2]] == pytest.approx([average(values[0, 3:14]), average(values[0, 610:630])], rel=1e-6)
        assert np.isnan(found[1])


@pytest.mark.parametrize("number", [1, 2])
def test_median_of_one_or_two_pixels_is_their_mean(three_bins, number):
    values = np.arange(900, dtype=np.float32)[None] ** 2
    where = np.zeros((1, 900), bool)
    where[0, 5 : 5 + number] = where[0, 899 - number : 899] = True
    assert three_bins.medians(values, where)[[0, 2]].tolist() == [
        values[0, 5 : 5 + number].mean(),
        values[0, 899 - number : 899].mean(),
    ]


def test_ratio_is_that_of_the_sums_and_finite_where_nothing_is_expected(three_bins):
    values, expected = np.ones((1, 900)), np.ones((1, 900))
    values[0, :100], expected[0, :150] = 9, 3
    expected[0, 600:] = 0
    ratios = three_bins.ratios(values, expected, np.ones((1, 900), bool))
    assert ratios[:2] == pytest.approx([(900 + 200) / (450 + 150), 1])
    assert ratios[2] == pytest.approx(1 / 1e-3)


def test_values_are_interpolated_between_centers_and_constant_before_the_first(three_bins):
    found = three_bins.interpolate(np.array([10.0, 20.0, 5.0]))
    assert three_bins.centers_deg == pytest.approx([0.45, 1.45, 2.45])
    at = np.interp([0.2, 0.45, 0.9, 1.45, 1.9], three_bins.angle_deg[0], found[0])
    exponential = [10, 10, np.exp(np.interp(0.45, [0, 1], np.log([10, 20]))), 20]
    assert at[:4] == pytest.approx(exponential, rel=0.02)
    faint = three_bins.interpolate(np.array([0.1, 0.2, 0.05]))
    assert np.interp(0.9, three_bins.angle_deg[0], faint[0]) == pytest.approx(0.145, rel=0.02)


def test_bin_of_unknown_value_is_interpolated_across(three_bins):
    found = three_bins.interpolate(np.array([0.1, np.nan, 0.3]))
    assert np.interp(1.45, three_bins.angle_deg[0], found[0]) == pytest.approx(0.2, rel=0.02)


def test_decrease_is_extrapolated_exponentially_and_not_below_the_night_level():
    angle_deg = np.concatenate([_pixels(2), np.linspace(2, 8, 61)[None]], axis=1)
    bins = Bins.cut(angle_deg, angle_deg < 2, 1.0)
    assert bins.centers_deg == pytest.approx([0.45, 1.45])
    found = bins.interpolate(np.array([100.0, 50.0]), night_R=3.0)
    at_deg = np.array([2.45, 3.45, 4.45])
    assert np.interp(at_deg, angle_deg[0], found[0]) == pytest.approx([25, 12.5, 6.25], rel=0.02)
    assert found[0, -1] == pytest.approx(3)
    increasing = bins.interpolate(np.array([50.0, 100.0]), night_R=3.0)
    assert increasing[0, -1] == pytest.approx(100)


def test_night_level_changes_nothing_up_to_the_last_center_or_with_one_bin():
    bins = _cut(_pixels(2), 1.0)
    before = bins.angle_deg < 1.45
    values = np.array([100.0, 50.0])
    assert np.array_equal(bins.interpolate(values, night_R=3.0)[before], bins.interpolate(values)[before])
    single = _cut(np.linspace(120, 121, 50)[None], 1.0)
    assert single.interpolate(np.array([7.0]), night_R=0.8) == pytest.approx(7)
