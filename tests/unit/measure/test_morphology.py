"""Shapes of known outlines."""

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
