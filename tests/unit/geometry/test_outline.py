"""Outlines in longitude and latitude, including the poles and 0/360."""

import numpy as np
import pytest
import shapely
from square_footprints import CENTERS, make_grid

from mars_aurora.geometry import footprint
from mars_aurora.geometry.outline import from_longitude_latitude, to_longitude_latitude, to_wkt
from mars_aurora.geometry.plane import Plane


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
def test_outline_in_degrees_is_valid_and_converts_back(lat, lon):
    plane = Plane(lat, lon)
    outline = footprint.unite(*make_grid(plane, 8, 50.0), plane)
    degrees = to_longitude_latitude(outline, plane)
    west, south, east, north = degrees.bounds
    assert degrees.is_valid
    assert 0 <= west < east <= 360
    assert -90 <= south < north <= 90
    back = from_longitude_latitude(shapely.from_wkt(to_wkt(degrees)), plane)
    assert back.area == pytest.approx(outline.area, rel=0.03)


def test_outline_across_0_longitude_is_cut_there():
    plane = Plane(10.0, 0.0)
    degrees = to_longitude_latitude(footprint.unite(*make_grid(plane, 4, 60.0), plane), plane)
    assert len(shapely.get_parts(degrees)) == 2
    assert degrees.bounds[0] == pytest.approx(0)
    assert degrees.bounds[2] == pytest.approx(360)


def test_outline_around_pole_contains_pole_at_all_longitudes():
    plane = Plane(-90.0, 0.0)
    degrees = to_longitude_latitude(footprint.unite(*make_grid(plane, 6, 100.0), plane), plane)
    assert degrees.bounds == pytest.approx((0, -90, 360, degrees.bounds[3]))
    assert degrees.contains(shapely.Point(123, -89.9))


@pytest.mark.parametrize("past_m", [1, 20, 40])
def test_corner_just_past_0_longitude_leaves_no_sliver_that_rounding_collapses(past_m):
    plane = Plane(30.0, 1.0)
    x, y = plane.project(np.array(30.0), np.array(0.0))
    x -= past_m / 1000
    outline = shapely.MultiPolygon([shapely.Polygon([(x, y), (x + 300, y - 300), (x + 300, y + 300)])])
    degrees = to_longitude_latitude(outline, plane)
    back = from_longitude_latitude(shapely.from_wkt(to_wkt(degrees)), plane)
    assert back.area == pytest.approx(outline.area, rel=0.03)
