"""Shapes of known outlines."""

import numpy as np
import pytest
import shapely
from shapely import affinity

from mars_aurora.measure import morphology


@pytest.mark.parametrize("turn_deg", [0, 30, 90, 150])
def test_rectangle_has_its_known_shape(turn_deg):
    along_north = shapely.box(-100, -400, 100, 400)
    found = morphology.describe(affinity.rotate(along_north, -turn_deg))
    assert found.area_km2 == pytest.approx(160_000)
    assert found.length_km == pytest.approx((800**2 + 200**2) ** 0.5)
    assert found.elongation == pytest.approx(4)
    assert found.eccentricity == pytest.approx((1 - 1 / 16) ** 0.5)
    assert min(abs(found.orientation_deg - turn_deg), 180 - abs(found.orientation_deg - turn_deg)) < 0.01


def test_parts_of_an_outline_are_one_shape():
    pair = shapely.MultiPolygon([shapely.box(-300, -50, -200, 50), shapely.box(200, -50, 300, 50)])
    assert morphology.describe(pair).orientation_deg == pytest.approx(90)


@pytest.mark.parametrize(
    ("length", "width", "form"), [(2000, 200, "sinuous"), (900, 90, "patch"), (1500, 900, "patch")]
)
def test_only_long_and_narrow_shapes_are_sinuous(length, width, form):
    assert morphology.describe(shapely.box(0, 0, length, width)).morphology == form


@pytest.mark.parametrize(
    ("length_km", "width_km", "form"),
    [(1000, 250, "sinuous"), (999.9, 100, "patch"), (1000, 250.1, "patch"), (5000, 1250, "sinuous")],
)
def test_sinuous_is_at_least_1000_km_long_and_4_times_as_long_as_wide(length_km, width_km, form):
    shape = morphology.Shape(1.0, 1.0, length_km, width_km, 0.0, 1.0, 0.0)
    assert shape.morphology == form


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("base", "height"), [(300, 900), (900, 300)])
def test_right_triangle_has_its_known_shape(base, height, reverse):
    triangle = shapely.Polygon([(1000, 500), (1000 + base, 500), (1000, 500 + height)])
    found = morphology.describe(shapely.reverse(triangle) if reverse else triangle)
    hypotenuse = np.hypot(base, height)
    assert found.area_km2 == pytest.approx(base * height / 2)
    assert found.boundary_km == pytest.approx(base + height + hypotenuse)
    assert found.length_km == pytest.approx(hypotenuse)
    assert found.width_km == pytest.approx(base * height / 2 / hypotenuse)
    x, y, xy = base**2 / 18, height**2 / 18, -base * height / 36
    half_trace, root = (x + y) / 2, np.hypot((x - y) / 2, xy)
    assert found.elongation == pytest.approx(np.sqrt((half_trace + root) / (half_trace - root)))
    assert found.eccentricity == pytest.approx(np.sqrt(2 * root / (half_trace + root)))
    major_axis_from_east = np.degrees(np.arctan2(2 * xy, x - y)) / 2
    assert found.orientation_deg == pytest.approx((90 - major_axis_from_east) % 180)


def test_circle_is_not_elongated():
    found = morphology.describe(shapely.Point(50, -20).buffer(200, quad_segs=64))
    assert found.length_km == pytest.approx(400)
    assert found.elongation == pytest.approx(1, abs=1e-6)
    assert found.eccentricity == pytest.approx(0, abs=1e-3)


def test_second_moments_of_separate_parts_are_about_their_common_centroid():
    pair = shapely.MultiPolygon([shapely.box(-350, -50, -250, 50), shapely.box(250, -50, 350, 50)])
    found = morphology.describe(pair)
    assert found.elongation == pytest.approx(np.sqrt((300**2 + 100**2 / 12) / (100**2 / 12)))
    assert found.length_km == pytest.approx(np.hypot(700, 100))


def test_sliver_has_a_finite_shape():
    found = morphology.describe(shapely.box(0, 0, 1e6, 1e-6))
    assert found.elongation == pytest.approx(1000)
    assert found.eccentricity < 1
