"""Outlines in longitude and latitude, including the poles and 0/360."""

import re

import numpy as np
import pytest
import shapely
from pyproj_mars import area_in_degrees_km2, area_km2, equal_area_plane, travel
from square_footprints import CENTERS, make_grid

from mars_aurora.geometry.outline import (
    fill_holes,
    find_cut,
    from_longitude_latitude,
    join,
    to_longitude_latitude,
    to_wkt,
    unite,
)
from mars_aurora.geometry.plane import Plane


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
def test_outline_in_degrees_is_valid_and_converts_back(lat, lon):
    plane = Plane(lat, lon)
    outline = unite(*make_grid(plane, 8, 50.0), plane)
    degrees = to_longitude_latitude(outline, plane)
    west, south, east, north = degrees.bounds
    assert degrees.is_valid
    assert 0 <= west < east <= 360
    assert -90 <= south < north <= 90
    back = from_longitude_latitude(shapely.from_wkt(to_wkt(outline, plane)), plane)
    assert back.area == pytest.approx(outline.area, rel=0.03)


def test_outline_across_0_longitude_is_cut_there():
    plane = Plane(10.0, 0.0)
    degrees = to_longitude_latitude(unite(*make_grid(plane, 4, 60.0), plane), plane)
    assert len(shapely.get_parts(degrees)) == 2
    assert degrees.bounds[0] == pytest.approx(0)
    assert degrees.bounds[2] == pytest.approx(360)


def test_outline_around_pole_contains_pole_at_all_longitudes():
    plane = Plane(-90.0, 0.0)
    degrees = to_longitude_latitude(unite(*make_grid(plane, 6, 100.0), plane), plane)
    assert degrees.bounds == pytest.approx((0, -90, 360, degrees.bounds[3]))
    assert degrees.contains(shapely.Point(123, -89.9))


@pytest.mark.parametrize("past_m", [1, 20, 40])
def test_corner_just_past_0_longitude_leaves_no_sliver_that_rounding_collapses(past_m):
    plane = Plane(30.0, 1.0)
    x, y = plane.project(np.array(30.0), np.array(0.0))
    x -= past_m / 1000
    outline = shapely.MultiPolygon([shapely.Polygon([(x, y), (x + 300, y - 300), (x + 300, y + 300)])])
    back = from_longitude_latitude(shapely.from_wkt(to_wkt(outline, plane)), plane)
    assert back.area == pytest.approx(outline.area, rel=0.03)


def _circle(radius_km: float = 300.0) -> shapely.Geometry:
    return shapely.MultiPolygon([shapely.Point(0, 0).buffer(radius_km, quad_segs=64)])


@pytest.mark.parametrize(("lat", "lon"), [*CENTERS, (88.0, 30.0), (-87.0, 181.0), (0.0, 180.0), (90.0, 0.0)])
@pytest.mark.parametrize("clockwise", [False, True])
def test_outline_in_degrees_has_the_area_and_the_points_of_the_one_in_the_plane(lat, lon, clockwise):
    plane, circle = Plane(lat, lon), _circle()
    outline = shapely.reverse(circle) if clockwise else circle
    degrees = to_longitude_latitude(outline, plane)
    assert area_in_degrees_km2(degrees) == pytest.approx(np.pi * 300**2, rel=0.005)
    azimuths = np.arange(7.0, 360.0, 15.0)  # none of them along 0/360, the edge in degrees
    for distance_km, inside in ((150, True), (294, True), (306, False), (600, False)):
        lat_deg, lon_deg = travel(lat, lon, azimuths, distance_km)
        assert (shapely.contains_xy(degrees, lon_deg, lat_deg) == inside).all()


@pytest.mark.parametrize(("lat", "lon"), [*CENTERS, (90.0, 0.0)])
def test_outline_in_the_plane_has_the_area_and_the_points_of_the_one_in_degrees(lat, lon):
    plane = Plane(lat, lon)
    back = from_longitude_latitude(to_longitude_latitude(_circle(), plane), plane)
    assert len(shapely.get_parts(back)) == 1
    assert shapely.hausdorff_distance(back.boundary, _circle().boundary) < 5
    assert back.area == pytest.approx(np.pi * 301**2, rel=0.005)  # grown by 1 km, so that parts at 0/360 overlap


def test_long_edges_in_degrees_are_divided_before_they_are_projected():
    square = shapely.box(100, 40, 130, 60)
    lon, lat = shapely.get_coordinates(shapely.segmentize(square, 0.5)).T
    found = from_longitude_latitude(square, Plane(50.0, 115.0))
    assert found.area == pytest.approx(area_km2(lat, lon), rel=0.01)
    assert shapely.contains_xy(found, *equal_area_plane(50.0, 115.0)(115, 59.9))


def test_long_edges_in_the_plane_are_divided_before_they_are_converted():
    square = shapely.MultiPolygon([shapely.box(-1500, -300, 1500, 300)])
    degrees = to_longitude_latitude(square, Plane(60.0, 180.0))
    lon, lat = equal_area_plane(60.0, 180.0)(0, -299, inverse=True)
    assert shapely.contains_xy(degrees, lon, lat)
    assert area_in_degrees_km2(degrees) == pytest.approx(3000 * 600, rel=0.002)


def test_separate_parts_stay_separate_and_empty_ones_are_dropped():
    parts = [shapely.box(-400, -50, -200, 50), shapely.box(200, -50, 400, 50), shapely.Polygon()]
    degrees = to_longitude_latitude(shapely.MultiPolygon(parts), Plane(-20.0, 100.0))
    assert degrees.geom_type == "MultiPolygon"
    assert [area_in_degrees_km2(part) for part in degrees.geoms] == pytest.approx([20_000] * 2, rel=0.005)


def test_single_part_is_a_polygon():
    assert to_longitude_latitude(_circle(), Plane(-20.0, 100.0)).geom_type == "Polygon"


def test_holes_are_filled_and_lines_dropped():
    ring = shapely.box(0, 0, 9, 9) - shapely.box(3, 3, 6, 6)
    mixed = shapely.GeometryCollection([ring, shapely.LineString([(20, 0), (30, 0)]), shapely.box(12, 0, 14, 9)])
    filled = fill_holes(mixed)
    assert filled.geom_type == "MultiPolygon"
    assert filled.area == pytest.approx(81 + 18)


def test_text_has_thousandths_of_a_degree():
    text = to_wkt(_circle(), Plane(-20.0, 100.0))
    assert text.startswith("POLYGON ((")
    assert max(len(number.partition(".")[2]) for number in re.findall(r"[-.0-9]+", text)) == 3


@pytest.mark.parametrize("limit", [20000, 6000])
def test_text_of_many_corners_is_simplified_to_the_length_of_a_cell(limit):
    angle = np.linspace(0, 2 * np.pi, 3000)
    radius = 800 + 20 * np.cos(300 * angle)
    star = shapely.MultiPolygon([shapely.Polygon(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))])
    plane = Plane(40.0, 100.0)
    assert len(to_wkt(star, plane, 10**6)) > 20000
    text = to_wkt(star, plane, limit)
    assert limit / 4 < len(text) <= limit
    assert area_in_degrees_km2(shapely.from_wkt(text)) == pytest.approx(star.area, rel=0.05)


@pytest.mark.parametrize(("lat", "lon"), [(0.0, 100.0), (-30.0, 359.0), (88.0, 10.0)])
def test_joined_outlines_have_the_union_of_the_areas_and_few_corners(lat, lon):
    plane = Plane(lat, lon)
    circles = [shapely.MultiPolygon([shapely.Point(x, 0).buffer(300, quad_segs=16)]) for x in (-150, 150)]
    placed = [from_longitude_latitude(to_longitude_latitude(circle, plane), plane) for circle in circles]
    union = join(placed)
    assert union.area == pytest.approx(shapely.union_all(circles).area, rel=0.005)
    assert shapely.get_num_coordinates(union) < 130


def test_outline_is_rounded_to_thousandths_of_a_degree():
    coordinates = shapely.get_coordinates(to_longitude_latitude(_circle(), Plane(-20.0, 100.0)))
    assert np.allclose(coordinates, np.round(coordinates, 3), atol=1e-9)


def test_spikes_without_area_are_dropped():
    spike = [(0, 0), (100, 0), (100, 100), (50, 100), (50, 300), (50, 100), (0, 100)]
    degrees = to_longitude_latitude(shapely.MultiPolygon([shapely.Polygon(spike)]), Plane(0.0, 100.0))
    assert degrees.geom_type == "Polygon"
    assert area_in_degrees_km2(degrees) == pytest.approx(100**2, rel=0.002)
    assert degrees.bounds[3] == pytest.approx(100 / np.radians(3396.19), abs=0.01)


def test_edges_along_0_360_and_the_poles_are_of_the_cut():
    ring = np.array(
        [[0, 10], [0, 80], [3, 90], [359, 90], [360, 80], [360, 70], [361, 70], [361, 60], [0, 60], [0, 10.0]]
    )
    assert find_cut(ring).tolist() == [True, True, True, True, True, False, False, False, True]
