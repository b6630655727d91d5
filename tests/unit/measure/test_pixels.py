"""Segmentation of patches of known brightness: limits from both sides, pieces, holes, other boxes, traces."""

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from mars_aurora.background.observed import Background
from mars_aurora.box import Box
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.measure.pixels import pixels_near, pixels_of_others, segment
from mars_aurora.measure.tracing import trace

SHAPE = (40, 40)
EVERYWHERE = np.ones(SHAPE, bool)
INTERIOR = np.zeros(SHAPE, bool)
INTERIOR[5:-5, 5:-5] = True  # away from the edges of the grid, where fewer pixels are averaged
NOWHERE = np.zeros(SHAPE, bool)
LIMIT = 1.12  # in units of the visible brightness
BRIGHT_R = (
    5.7  # on rectangles with sides of at least 2 pixels, and there only, means of 3 x 3 pixels then exceed 2.24 R
)


def _select(*pieces: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """Rectangles of pixels, each as first row, first column, rows, columns."""
    selected = np.zeros(SHAPE, bool)
    for row, column, rows, columns in pieces:
        selected[row : row + rows, column : column + columns] = True
    return selected


def _segment(
    excess_R: object,
    region: NDArray[np.bool_] = EVERYWHERE,
    *,
    usable: NDArray[np.bool_] = EVERYWHERE,
    others: NDArray[np.bool_] = NOWHERE,
    level_R: float = 1.0,
    noise_R: float = 0.0,
    visible_R: float = 2.0,
) -> NDArray[np.bool_]:
    level, noise = (np.full(SHAPE, value, np.float32) for value in (level_R, noise_R))
    excess = np.broadcast_to(np.asarray(excess_R, np.float32), SHAPE)
    return segment(excess, Background(level, noise, noise, EVERYWHERE), region, usable, others, visible_R)


@pytest.mark.parametrize("piece", [(8, 8, 10, 6), (8, 8, 2, 2), (0, 0, 4, 4), (36, 30, 4, 10)])
def test_bright_rectangle_is_segmented_exactly(piece):
    assert (_segment(BRIGHT_R * _select(piece)) == _select(piece)).all()


def test_line_of_single_pixels_is_averaged_with_its_surroundings():
    assert not _segment(BRIGHT_R * _select((8, 8, 1, 20))).any()
    assert (_segment(7 * _select((8, 8, 1, 20))) >= _select((8, 9, 1, 18))).all()


@pytest.mark.parametrize("visible_R", [0.5, 2.0])
def test_excess_is_significant_from_the_visible_brightness(visible_R):
    assert not _segment(LIMIT * visible_R - 0.01, visible_R=visible_R).any()
    assert _segment(LIMIT * visible_R + 0.01, visible_R=visible_R).all()


def test_excess_is_significant_from_3_sigma_of_the_scatter_of_25_pixels():
    sigma_R = np.hypot(8 / 5, 0.1)
    assert not _segment(3 * sigma_R - 0.05, INTERIOR, noise_R=8).any()
    assert (_segment(3 * sigma_R + 0.05, INTERIOR, noise_R=8) == INTERIOR).all()


def test_excess_is_significant_from_3_sigma_of_the_structure_of_the_background():
    assert not _segment(2.99, level_R=10).any()
    assert _segment(3.01, level_R=10).all()


def test_background_below_zero_has_structure_too():
    assert not _segment(2.99, level_R=-10).any()
    assert _segment(3.01, level_R=-10).all()


def test_fewer_usable_pixels_around_are_noisier():
    columns = np.broadcast_to(np.arange(40) % 5 == 2, SHAPE)  # one of the five columns of any square
    limit_R = 3 * np.hypot(8 / np.sqrt(5), 0.1)
    assert not _segment(limit_R - 0.05, INTERIOR & columns, usable=columns, noise_R=8).any()
    assert _segment(limit_R + 0.05, INTERIOR & columns, usable=columns, noise_R=8).any()


def test_noise_and_structure_are_added_in_quadrature():
    sigma_R = np.hypot(8 / 5, 0.1 * 16)
    assert not _segment(3 * sigma_R - 0.05, INTERIOR, noise_R=8, level_R=16).any()
    assert (_segment(3 * sigma_R + 0.05, INTERIOR, noise_R=8, level_R=16) == INTERIOR).all()


def test_isolated_pixel_has_its_own_noise():
    isolated = (np.indices(SHAPE) % 5 == 2).all(0)
    assert not _segment(3 * 8 - 0.1, isolated, usable=isolated, noise_R=8).any()
    assert (_segment(3 * 8 + 0.1, isolated, usable=isolated, noise_R=8) == isolated).all()


def test_squares_of_3_pixels_are_averaged_where_they_are_significant_and_of_5_elsewhere():
    small = _select((10, 10, 3, 3))
    assert (_segment(BRIGHT_R * small, noise_R=2.1) == small).all()  # 3 sigma of nine pixels is 2.12 R
    assert not _segment(BRIGHT_R * small, noise_R=2.3).any()  # 2.32 R; the mean of 25 pixels is 2.05 R


def test_unusable_pixels_are_neither_averaged_nor_selected():
    usable = ~_select((12, 10, 1, 1), (8, 5, 1, 15))
    found = _segment(np.where(usable, BRIGHT_R * _select((9, 8, 8, 8)), 1000), region=usable, usable=usable)
    assert (found == (_select((9, 8, 8, 8)) & usable)).all()


def test_nothing_outside_the_region_is_selected():
    assert (_segment(BRIGHT_R * _select((9, 8, 8, 8)), region=_select((0, 0, 40, 14))) == _select((9, 8, 8, 6))).all()


def test_nothing_is_selected_if_only_pixels_outside_the_region_are_significant():
    assert not _segment(BRIGHT_R * _select((9, 8, 8, 8)), region=_select((20, 0, 10, 40))).any()


@pytest.mark.parametrize(("rows_outside", "kept"), [(4, True), (5, False)])
def test_piece_mostly_outside_the_region_is_dropped(rows_outside, kept):
    inside, crossing = _select((10, 5, 6, 6)), _select((20 - rows_outside, 20, 4 + rows_outside, 3))
    region = _select((10, 0, 10, 20), (20, 20, 10, 20))
    found = _segment(BRIGHT_R * (inside | crossing), region=region)
    assert (found == inside | ((crossing & region) if kept else NOWHERE)).all()


def test_region_with_less_than_a_fifth_of_its_signal_in_own_pieces_keeps_the_crossing_ones():
    own, crossing = _select((10, 5, 2, 2)), _select((4, 20, 16, 4))
    enough, region = _select((0, 0, 30, 20), (16, 20, 4, 20)), _select((0, 0, 30, 20), (15, 20, 5, 20))
    assert (_segment(BRIGHT_R * (own | crossing), region=enough) == own).all()  # 4 of 20 pixels
    assert (_segment(BRIGHT_R * (own | crossing), region=region) == (own | (crossing & region))).all()  # 4 of 24


@pytest.mark.parametrize(("apart", "kept"), [(4, True), (3, False)])
def test_piece_with_four_fifths_in_smaller_boxes_is_dropped(apart, kept):
    own, shared = _select((10, 5, 6, 6)), _select((10, 20, 2, 10))
    others = shared & ~_select((10, 20, 1, apart))
    found = _segment(BRIGHT_R * (own | shared), others=others)
    assert (found == (own | shared if kept else own)).all()


def test_box_whose_only_piece_is_in_a_smaller_box_keeps_it():
    piece = _select((10, 5, 6, 6))
    assert (_segment(BRIGHT_R * piece, others=piece) == piece).all()


@pytest.mark.parametrize(("side", "kept"), [(8, True), (9, False)])
def test_pieces_from_a_twentieth_of_the_largest_are_kept(side, kept):
    largest, smallest = _select((5, 5, side, 18 - side)), _select((25, 25, 2, 2))
    assert largest.sum() == {8: 80, 9: 81}[side]
    assert (_segment(BRIGHT_R * (largest | smallest)) == (largest | smallest if kept else largest)).all()


def test_pieces_that_touch_at_a_corner_are_one():
    largest, corner = _select((5, 5, 10, 10)), _select((15, 15, 2, 2))
    usable = ~_select((14, 15, 1, 1), (15, 14, 1, 1))
    found = _segment(BRIGHT_R * (largest | corner), region=usable, usable=usable)
    assert (found == (largest | corner)).all()


def test_pieces_that_touch_at_unusable_pixels_only_are_separate():
    largest, smallest = _select((5, 5, 10, 10)), _select((8, 16, 2, 2))
    usable = ~_select((0, 15, 40, 1))
    assert (_segment(BRIGHT_R * (largest | smallest), region=usable, usable=usable) == largest).all()


def test_holes_are_filled_with_usable_pixels():
    ring, hole = _select((5, 5, 15, 15)) & ~_select((9, 9, 7, 7)), _select((9, 9, 7, 7))
    usable = ~_select((12, 12, 1, 1))
    found = _segment(BRIGHT_R * ring, region=usable, usable=usable)
    assert (found == ((ring | hole) & usable)).all()


def test_trace_of_a_pixel_is_a_square_about_its_numbers_from_1():
    text = trace(_select((4, 7, 1, 1)))
    assert text == "7.667,4.667,7.667,5.333,8.333,5.333,8.333,4.667"


def test_trace_encloses_the_centers_of_the_pixels_and_no_others():
    mask = _select((4, 7, 10, 3), (11, 7, 3, 12), (30, 20, 5, 5))
    outlines = [shapely.Polygon(np.array(part.split(","), float).reshape(-1, 2)) for part in trace(mask).split(";")]
    assert len(outlines) == 2
    scan, slit = np.mgrid[1:41, 1:41]
    assert (shapely.contains_xy(shapely.union_all(outlines), slit, scan) == mask).all()


def test_trace_follows_only_the_outer_boundary():
    assert ";" not in trace(_select((5, 5, 10, 10)) & ~_select((8, 8, 3, 3)))
    assert trace(NOWHERE) == ""


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    y, x = np.meshgrid(np.arange(40, dtype=np.float32), np.arange(40, dtype=np.float32), indexing="ij")
    return Canvas(x, y)


def test_boxes_are_grown_by_3_pixels_of_the_canvas(canvas):
    assert (pixels_near(canvas, Box("aurora", 1, 10, 20, 15, 22)) == _select((17, 7, 9, 12))).all()
    assert (pixels_near(canvas, Box("aurora", 1, 10.1, 20.1, 14.9, 21.9)) == _select((18, 8, 7, 10))).all()
    assert (pixels_near(canvas, Box("aurora", 1, 10, 20, 15, 22), margin_px=0) == _select((20, 10, 3, 6))).all()


def test_pixels_of_others_are_those_near_smaller_boxes(canvas):
    box, smaller = Box("aurora", 1, 10, 10, 20, 20), Box("aurora", 1, 18, 12, 24, 16)
    larger, equal = Box("aurora", 1, 0, 0, 30, 30), Box("aurora", 1, 20, 20, 30, 30)
    found = pixels_of_others(box, [larger, box, smaller, equal], canvas)
    assert (found == pixels_near(canvas, smaller)).all()
    assert not pixels_of_others(smaller, [larger, box, smaller, equal], canvas).any()
    both = pixels_of_others(larger, [larger, smaller, equal], canvas)
    assert (both == (pixels_near(canvas, smaller) | pixels_near(canvas, equal))).all()
