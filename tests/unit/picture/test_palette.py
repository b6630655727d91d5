"""The colors of the levels."""

import matplotlib as mpl
import numpy as np
import pytest

from mars_aurora.picture.palette import inferno, levels_from_colors


def test_colors_are_those_of_matplotlib_inferno():
    expected = np.rint(mpl.colormaps["inferno"](np.arange(256))[:, :3] * 255)
    assert np.array_equal(inferno(), expected)


def test_all_colors_differ():
    assert len(np.unique(inferno(), axis=0)) == 256


@pytest.mark.parametrize("shape", [(256,), (16, 16)])
def test_colors_of_the_palette_give_their_exact_level(shape):
    levels = np.random.default_rng(0).permutation(256).astype(np.uint8).reshape(shape)
    found = levels_from_colors(inferno()[levels])
    assert found.dtype == np.uint8
    assert np.array_equal(found, levels)


def test_other_colors_give_the_level_of_their_gray():
    changed = inferno().astype(int)
    changed[:, 2] += np.where(changed[:, 2] < 255, 1, -1)  # blue is a ninth of the gray
    assert np.abs(levels_from_colors(changed.astype(np.uint8)).astype(int) - np.arange(256)).max() <= 2


@pytest.mark.parametrize("change", [(1, -128, 0), (0, 1, -128), (0, -1, 128), (0, 0, 1)])
def test_color_beside_the_palette_is_not_taken_for_its_color(change):
    changed = inferno().astype(int) + change  # packed in other than 8 bits per channel, it equals the palette color
    changed = changed[((changed >= 0) & (changed <= 255)).all(1)]
    assert len(changed) > 0
    found = inferno()[levels_from_colors(changed.astype(np.uint8))]
    gray = (0.299, 0.587, 0.114)  # ITU-R BT.601
    np.testing.assert_allclose(found @ gray, changed @ gray, atol=2)


def test_black_and_white_that_are_not_in_the_palette_are_the_ends_of_the_observed_levels():
    assert levels_from_colors(np.array([[0, 0, 0], [255, 255, 255]], np.uint8)).tolist() == [1, 255]
