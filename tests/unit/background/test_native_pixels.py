"""The size of native pixels, from a picture that repeats each of them, and white areas."""

import numpy as np
import pytest

from mars_aurora.background import native_pixels


def draw_pixels(height: int, width: int, seed: int = 0, size: int = 365) -> np.ndarray:
    """Draw levels that differ from pixel to pixel, in native pixels of a size."""
    rows, columns = np.mgrid[:size, :size]
    values = np.random.default_rng(seed).integers(2, 256, (size // height + 1, size // width + 1))
    return values[rows // height, columns // width].astype(np.uint8)


FULL = np.full((365, 365), 255, np.uint8)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (3, 3), (2, 6), (6, 2), (8, 12)])
def test_area_is_that_of_the_native_pixels(height: int, width: int):
    expected = native_pixels.AREA_FACTOR * height * width
    assert native_pixels.find_area_px(draw_pixels(height, width), FULL) == pytest.approx(expected, rel=0.1)


def test_pixels_without_counts_do_not_enlarge_the_area():
    levels = draw_pixels(3, 3)
    empty = draw_pixels(3, 3, seed=1) < 200
    levels[empty] = native_pixels.FLOOR_LEVEL
    assert native_pixels.find_area_px(levels, FULL) == pytest.approx(9 * native_pixels.AREA_FACTOR, rel=0.1)


def test_pixels_outside_the_mask_are_ignored():
    levels, mask = draw_pixels(3, 3), FULL.copy()
    levels[:, 200:], mask[:, 200:] = 99, 0
    assert native_pixels.find_area_px(levels, mask) == pytest.approx(9 * native_pixels.AREA_FACTOR, rel=0.05)


def test_area_of_nothing_is_one_pixel():
    assert native_pixels.find_area_px(draw_pixels(3, 3), np.zeros_like(FULL)) >= 1
    assert not native_pixels.is_white(draw_pixels(3, 3), np.zeros_like(FULL))


def add_area(level: int, side: int) -> np.ndarray:
    levels = draw_pixels(3, 3)
    levels[100 : 100 + side, 100 : 100 + side] = level
    return levels


@pytest.mark.parametrize(("level", "white"), [(199, False), (200, True), (255, True)])
def test_bright_area_of_equal_level_is_white(level: int, *, white: bool):
    assert native_pixels.is_white(add_area(level, 60), FULL) is white


@pytest.mark.parametrize(("side", "white"), [(36, False), (38, True)])  # 16 and 18 px beyond half a square: 256, 324
def test_white_area_is_more_than_2_in_1000_of_the_picture(side: int, *, white: bool):
    assert native_pixels.is_white(add_area(255, side), FULL) is white


def test_white_area_outside_the_mask_is_ignored():
    mask = FULL.copy()
    mask[90:170, 90:170] = 0
    assert not native_pixels.is_white(add_area(255, 60), mask)


@pytest.mark.parametrize(("height", "width"), [(3, 3), (15, 15), (6, 60)])
def test_native_pixels_are_not_white(height: int, width: int):
    bright = 200 + draw_pixels(height, width) % 56
    assert not native_pixels.is_white(bright, FULL)
