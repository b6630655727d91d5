"""Areas and outlines on the sphere, at the poles and at 0/360 too."""

import numpy as np
import pytest
import shapely

from mars_aurora.geometry import footprint
from mars_aurora.geometry.canvas import MARS_RADIUS_KM
from mars_aurora.geometry.footprint import Plane

PLACES = [(0.0, 10.0), (-45.0, 359.9), (60.0, 0.1), (89.0, 200.0), (-90.0, 0.0)]


def _grid(plane: Plane, cells: int, side_km: float, overlap: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Corners (N, 4) of square footprints that tile a square round the plane's centre."""
    x, y = np.meshgrid(*[(np.arange(cells) - (cells - 1) / 2) * side_km] * 2)
    half = side_km * (1 + overlap) / 2
    corners_x = x.reshape(-1, 1) + half * np.array([-1, 1, 1, -1])
    corners_y = y.reshape(-1, 1) + half * np.array([-1, -1, 1, 1])
    return plane.unproject(corners_x, corners_y)


@pytest.mark.parametrize(("lat", "lon"), PLACES)
def test_the_plane_and_back_is_where_it_began(lat, lon):
    plane = Plane(lat, lon)
    there = plane.unproject(np.array([300.0, -900.0]), np.array([-700.0, 50.0]))
    assert np.allclose(plane.project(*there), [[300, -900], [-700, 50]])
    assert ((there[1] >= 0) & (there[1] <= 360)).all()


@pytest.mark.parametrize(("lat", "lon"), PLACES)
@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_the_union_counts_overlap_once(lat, lon, overlap):
    plane = Plane(lat, lon)
    outline = footprint.outline(*_grid(plane, 8, 50.0, overlap), plane)
    assert outline.area == pytest.approx((50 * (8 + overlap)) ** 2, rel=0.002)


def test_footprint_areas_are_those_of_the_sphere():
    corners = footprint.pixel_areas_km2(np.array([[59.5, 59.5, 60.5, 60.5]]), np.array([[359.5, 0.5, 0.5, 359.5]]))
    exact = np.radians(1) * (np.sin(np.radians(60.5)) - np.sin(np.radians(59.5))) * MARS_RADIUS_KM**2
    assert corners[0] == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(("lat", "lon"), PLACES)
def test_an_outline_in_degrees_is_valid_and_comes_back_the_same(lat, lon):
    plane = Plane(lat, lon)
    outline = footprint.outline(*_grid(plane, 8, 50.0), plane)
    degrees = footprint.to_longitude_latitude(outline, plane)
    west, south, east, north = degrees.bounds
    assert degrees.is_valid
    assert 0 <= west < east <= 360
    assert -90 <= south < north <= 90
    back = footprint.from_longitude_latitude(shapely.from_wkt(footprint.to_wkt(degrees)), plane)
    assert back.area == pytest.approx(outline.area, rel=0.03)


def test_an_outline_across_0_is_cut_there():
    plane = Plane(10.0, 0.0)
    degrees = footprint.to_longitude_latitude(footprint.outline(*_grid(plane, 4, 60.0), plane), plane)
    assert len(shapely.get_parts(degrees)) == 2
    assert degrees.bounds[0] == pytest.approx(0)
    assert degrees.bounds[2] == pytest.approx(360)


def test_an_outline_round_the_pole_reaches_it_at_all_longitudes():
    plane = Plane(-90.0, 0.0)
    degrees = footprint.to_longitude_latitude(footprint.outline(*_grid(plane, 6, 100.0), plane), plane)
    assert degrees.bounds == pytest.approx((0, -90, 360, degrees.bounds[3]))
    assert degrees.contains(shapely.Point(123, -89.9))


def test_the_mean_of_places_round_0_is_not_180():
    lat, lon = footprint.mean_place(np.array([10.0, 10.0]), np.array([359.0, 3.0]), np.ones(2))
    assert (lat, lon) == pytest.approx((10.0, 1.0), abs=0.01)


def test_lifting_moves_a_place_towards_the_spacecraft_by_the_emission_angle():
    spacecraft = np.array([[MARS_RADIUS_KM + 30_000, 0.0, 0.0]])
    lat, lon = footprint.lift(np.array([0.0, 0.0]), np.array([0.0, 50.0]), np.repeat(spacecraft, 2, 0), 130.0)
    assert lat == pytest.approx(0)
    assert lon[0] == pytest.approx(0)
    emission = np.radians(50) + np.arctan2(np.sin(np.radians(50)), 1 + 30_000 / MARS_RADIUS_KM - np.cos(np.radians(50)))
    assert np.radians(50 - lon[1]) * MARS_RADIUS_KM == pytest.approx(130 * np.tan(emission), rel=0.1)


def test_trimming_shortens_along_the_scan_alone():
    plane = Plane(20.0, 40.0)
    corners = footprint.unit_vectors(*plane.unproject(np.array([[-30, 30, 30, -30]]), np.array([[-60, -60, 60, 60]])))
    middle, ahead = (footprint.unit_vectors(*plane.unproject(np.array(0.0), np.array(y))) for y in (0.0, 40.0))
    trimmed = footprint.places(footprint.trim(corners, (ahead - middle)[None]))
    x, y = plane.project(*trimmed)
    assert np.ptp(x) == pytest.approx(60, rel=0.01)
    assert np.ptp(y) == pytest.approx(40, rel=0.01)


@pytest.mark.parametrize("past_m", [1, 20, 40])
def test_a_corner_just_past_0_leaves_nothing_that_writing_would_collapse(past_m):
    plane = Plane(30.0, 1.0)
    x, y = plane.project(np.array(30.0), np.array(0.0))
    x -= past_m / 1000
    outline = shapely.MultiPolygon([shapely.Polygon([(x, y), (x + 300, y - 300), (x + 300, y + 300)])])
    degrees = footprint.to_longitude_latitude(outline, plane)
    back = footprint.from_longitude_latitude(shapely.from_wkt(footprint.to_wkt(degrees)), plane)
    assert back.area == pytest.approx(outline.area, rel=0.03)
