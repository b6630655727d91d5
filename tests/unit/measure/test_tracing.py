"""Outlines of pixels as text, short enough for a cell of a table."""

import numpy as np
import pytest
import shapely

from mars_aurora.geometry.canvas import Canvas
from mars_aurora.geometry.outline import MAX_CHARACTERS
from mars_aurora.measure.tracing import trace, trace_on_picture


def _polygons(text: str) -> shapely.MultiPolygon:
    rings = (np.array(part.split(","), float).reshape(-1, 2) for part in text.split(";"))
    return shapely.MultiPolygon([shapely.Polygon(ring) for ring in rings])


@pytest.mark.parametrize("shape", [(400, 400), (3, 4000)])
def test_ragged_outline_is_simplified_to_the_length_of_a_cell(shape):
    mask = np.random.default_rng(0).random(shape) < 0.7
    text = trace(mask)
    assert 0 < len(text) <= MAX_CHARACTERS < 32_767


def test_outline_on_the_picture_covers_the_picture_of_the_pixels():
    rows, columns = np.mgrid[:60, :80].astype(np.float32)
    canvas = Canvas(200 + 2 * columns, 100 + 2 * rows)
    pixels = np.zeros((60, 80), bool)
    pixels[10:20, 30:50] = True
    pixels[40:45, 5:15] = True
    outlines = _polygons(trace_on_picture(pixels, canvas))
    shown = np.isin(canvas.index, np.flatnonzero(pixels))
    y, x = np.mgrid[:480, :640] + 0.5
    assert len(outlines.geoms) == 2
    assert (shapely.contains_xy(outlines, x, y) == shown).mean() == 1


def test_pixels_off_the_picture_have_no_outline():
    canvas = Canvas(np.full((5, 5), -100, np.float32), np.full((5, 5), 10, np.float32))
    assert trace_on_picture(np.ones((5, 5), bool), canvas) == ""
