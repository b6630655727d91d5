"""The significance of a known excess over a known background, from the counts that the noise filter averages."""

import numpy as np
import pytest

from mars_aurora.background.significance import find_significance
from mars_aurora.background.window import cut, draw_mask
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.picture.heatmap import to_levels
from mars_aurora.picture.picture import Picture

Y, X = np.mgrid[:480, :640]
TILES = np.where((X // 3 + Y // 3) % 2 == 0, 1.05, 0.95)  # native pixels of 3 by 3 px
FILTER_PX = 4 * np.pi * (3**2 + 4**2 / 12)  # area of the noise filter: 3 px, on cells of 4 px
PIXELS = 1 + FILTER_PX / (1.14 * 9)
MIDNIGHT = np.array([-0.9, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)
SPOT = np.hypot(X - 380, Y - 250) < 30


def _find(brightness_R, counts_per_R, sza=MIDNIGHT, removed_R=0.0):
    levels = to_levels((TILES * brightness_R).astype(np.float32), OXYGEN_1304)
    picture = Picture(levels, sza, counts_per_R=counts_per_R, removed_R=removed_R)
    window = cut(picture.levels)
    return find_significance(picture, window, draw_mask(window))


def _expect(excess_R, background_R, counts_per_R, removed_R=0.0):
    counts = counts_per_R * PIXELS
    few_counts, structure_R, visible_R = 3 / counts**2, 0.08 * background_R, 0.1 * OXYGEN_1304.visible_R
    return excess_R / np.sqrt((background_R + removed_R) / counts + few_counts + structure_R**2 + visible_R**2)


@pytest.mark.parametrize(
    ("excess_R", "background_R", "counts_per_R"),
    [(4, 0.7, 0.36), (10, 0.7, 0.05), (3, 0.7, 100.0), (40, 50.0, 100.0), (6, 5.0, 0.36)],
)
def test_significance_is_the_excess_in_units_of_its_noise(excess_R, background_R, counts_per_R):
    """Each part of the noise is the largest once, and in the last case all are alike."""
    found = _find(background_R + excess_R * SPOT, counts_per_R)
    row, column = (250 - 48) // 4, (380 - 138) // 4
    assert found[row, column] == pytest.approx(_expect(excess_R, background_R, counts_per_R), rel=0.08)
    assert np.abs(found[20:30, 20:30]).max() < 0.1 * found[row, column]


def test_light_that_was_removed_adds_photon_noise():
    found = _find(0.7 + 10 * SPOT, 0.36, removed_R=30.0)
    assert found[(250 - 48) // 4, (380 - 138) // 4] == pytest.approx(_expect(10, 0.7, 0.36, 30), rel=0.08)
    estimated = [_find(0.7 + 10 * SPOT, None, removed_R=removed_R) for removed_R in (0.0, 30.0)]
    assert np.array_equal(*estimated)  # the noise that the estimate is made from has it already


def test_day_side_and_what_is_not_observed_are_not_significant():
    for sza_deg, is_searched in ((99.5, False), (100.5, True)):
        everywhere = np.array([np.cos(np.radians(sza_deg)), *[0] * 8], np.float32)
        assert _find(0.7 + 10 * SPOT, 0.36, everywhere).any() == is_searched
    unobserved = X < 383
    found = _find(np.where(unobserved, np.nan, 0.7 + 10 * SPOT), 0.36)
    assert not found[:, : (380 - 138) // 4].any()
    assert found[(250 - 48) // 4, (390 - 138) // 4] > 5
