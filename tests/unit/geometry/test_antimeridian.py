"""Outlines for maps from -180 to 180: valid in each projection, with the area of the outline, and never too wide."""

import numpy as np
import pyproj
import pytest
import shapely

from mars_aurora.geometry.antimeridian import MARGIN_DEG, cut_all, cut_at_antimeridian
from mars_aurora.geometry.outline import to_longitude_latitude
from mars_aurora.geometry.plane import Plane

CENTERS = [
    *((0.0, 180.0), (0.0, 0.0), (10.0, 90.0), (60.0, 359.0), (-45.0, 181.0)),
    *((90.0, 0.0), (-90.0, 0.0), (86.0, 10.0), (-88.0, 180.0), (-70.0, 179.0), (80.0, 0.0)),
]
SYSTEMS = [49910, 49930, 49935]  # equirectangular, north and south polar stereographic


def _outline(lat: float, lon: float, seed: int = 0) -> shapely.Geometry:
    """An irregular outline of some 1000 km, in longitude 0 to 360."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 60))
    radius = rng.uniform(200, 900, 60)
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    plane = Plane(lat, lon)
    return to_longitude_latitude(shapely.MultiPolygon([shapely.Polygon(ring).buffer(10)]), plane)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("lat", "lon"), CENTERS)
def test_outline_is_on_the_map_with_its_area_and_no_part_is_wider_than_180_degrees(lat, lon, seed):
    outline = _outline(lat, lon, seed)
    mapped = cut_at_antimeridian(outline)
    bounds = shapely.bounds(shapely.get_parts(mapped))
    assert mapped.is_valid
    assert mapped.area == pytest.approx(outline.area, rel=1e-4)
    assert (bounds[:, 2] - bounds[:, 0]).max() <= 180
    assert bounds[:, [0, 2]].min() >= -180
    assert bounds[:, [0, 2]].max() <= 180
    inside = shapely.get_coordinates(shapely.get_parts(outline)[0].representative_point())[0]
    assert shapely.contains_xy(mapped, (inside[0] + 180) % 360 - 180, inside[1])
    assert all(part.exterior.is_ccw for part in mapped.geoms)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("lat", "lon"), CENTERS)
def test_outline_is_valid_in_other_projections(lat, lon, system):
    transformer = pyproj.Transformer.from_crs("IAU_2015:49900", f"IAU_2015:{system}", always_xy=True)
    projected = shapely.transform(
        cut_at_antimeridian(_outline(lat, lon)), lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
    )
    assert np.isfinite(shapely.get_coordinates(projected)).all()
    assert projected.is_valid


def test_parts_on_both_sides_of_0_are_joined_and_those_of_180_are_cut():
    at_0 = shapely.MultiPolygon([shapely.box(355, 0, 360, 5), shapely.box(0, 0, 5, 5)])
    assert cut_at_antimeridian(at_0).equals(shapely.box(-5, 0, 5, 5))
    west, east = sorted(part.bounds for part in cut_at_antimeridian(shapely.box(170, 0, 190, 5)).geoms)
    assert west == pytest.approx((-180, 0, -170, 5), abs=1.1 * MARGIN_DEG)
    assert east == pytest.approx((170, 0, 180, 5), abs=1.1 * MARGIN_DEG)


def test_outline_around_a_pole_is_cut_at_0_as_well_and_ends_at_the_pole():
    mapped = cut_at_antimeridian(shapely.box(0, 70, 360, 90))
    west, east = sorted(part.bounds for part in mapped.geoms)
    assert west == pytest.approx((-180, 70, 0, 90), abs=1.1 * MARGIN_DEG)
    assert east == pytest.approx((0, 70, 180, 90), abs=1.1 * MARGIN_DEG)


def test_outlines_converted_together_are_those_converted_alone():
    boxes = [(0, 1, 5, 5), (10, 1, 170, 5), (170, 1, 180, 5), (170, 1, 190, 5), (180, 1, 190, 5), (190, 1, 350, 5)]
    boxes += [(350, 1, 360, 5), (10, -90, 50, -80), (10, 80, 50, 90), (0, 1, 360, 5), (5, 1, 355, 5)]
    outlines = [shapely.box(*corners) for corners in boxes]
    outlines += [shapely.union(outlines[1], shapely.box(20, 20, 40, 40)), shapely.union(outlines[5], outlines[1])]
    outlines += [_outline(lat, lon) for lat, lon in CENTERS]
    for together, outline in zip(cut_all(outlines), outlines, strict=True):
        alone = cut_at_antimeridian(outline)
        assert together.geom_type == alone.geom_type == "MultiPolygon"
        assert together.normalize().equals_exact(alone.normalize(), 1e-9)
