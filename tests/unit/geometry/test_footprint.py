"""Areas, unions and trimming of footprints on the sphere, including the poles and 0/360."""

import numpy as np
import pytest
import shapely
from pyproj_mars import area_km2, equal_area_plane
from square_footprints import CENTERS, make_grid

from mars_aurora import sphere
from mars_aurora.geometry import footprint, outline
from mars_aurora.geometry.plane import Plane
from mars_aurora.sphere import MARS_RADIUS_KM


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_union_counts_overlap_once(lat, lon, overlap):
    plane = Plane(lat, lon)
    union = outline.unite(*make_grid(plane, 8, 50.0, overlap), plane)
    assert union.area == pytest.approx((50 * (8 + overlap)) ** 2, rel=0.002)


def test_footprint_area_is_that_on_the_sphere():
    areas_km2 = footprint.pixel_areas_km2(np.array([[59.5, 59.5, 60.5, 60.5]]), np.array([[359.5, 0.5, 0.5, 359.5]]))
    exact = np.radians(1) * (np.sin(np.radians(60.5)) - np.sin(np.radians(59.5))) * MARS_RADIUS_KM**2
    assert areas_km2[0] == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0]])
def test_area_of_a_skewed_footprint_is_that_of_its_geodesics(lat, lon, order):
    x, y = np.array([-30.0, 25, 40, -20])[order], np.array([-20.0, -30, 15, 45])[order]
    lon_deg, lat_deg = equal_area_plane(lat, lon)(x, y, inverse=True)
    found = footprint.pixel_areas_km2(np.array([lat_deg, lat_deg]), np.array([lon_deg, lon_deg]))
    assert found == pytest.approx([area_km2(lat_deg, lon_deg)] * 2, rel=1e-4)


RECTANGLE = np.array([(-30.0, -60.0), (30, -60), (30, 60), (-30, 60)])  # x across, y along the scan


def _trim(corners_km: np.ndarray, step_km: tuple[float, float], lat: float = 20.0, lon: float = 40.0) -> np.ndarray:
    """Trim a footprint given in the plane about a point; corners (4, 2) in the plane."""
    plane = Plane(lat, lon)
    corners = sphere.unit_vectors(*plane.unproject(*corners_km.T))
    center, ahead = (sphere.unit_vectors(*plane.unproject(*np.array(xy, float))) for xy in ((0, 0), step_km))
    return np.stack(plane.project(*sphere.coordinates(footprint.trim(corners[None], (ahead - center)[None])[0])), -1)


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("sense", [1, -1])
def test_trimming_shortens_only_along_the_scan(lat, lon, first, direction, sense):
    corners = np.roll(RECTANGLE, first, axis=0)[::direction]
    trimmed = _trim(corners, (0, sense * 40), lat, lon)
    assert trimmed == pytest.approx(corners * [1, 40 / 120], abs=0.2)


@pytest.mark.parametrize("first", range(4))
def test_scan_along_the_short_side_shortens_that(first):
    corners = np.roll(RECTANGLE, first, axis=0)
    assert _trim(corners, (40, 0)) == pytest.approx(corners * [40 / 60, 1], abs=0.2)


def test_oblique_scan_shortens_the_side_that_is_nearer_to_its_direction():
    assert _trim(RECTANGLE, (20, 25)) == pytest.approx(RECTANGLE * [1, np.hypot(20, 25) / 120], abs=0.2)
    assert _trim(RECTANGLE, (25, 20)) == pytest.approx(RECTANGLE * [np.hypot(20, 25) / 60, 1], abs=0.2)


@pytest.mark.parametrize("step_km", [(0, 120), (0, 500), (61, 0)])
def test_step_longer_than_the_footprint_leaves_it_whole(step_km):
    assert _trim(RECTANGLE, step_km) == pytest.approx(RECTANGLE, abs=0.2)


def test_unknown_step_leaves_the_footprint_whole():
    corners = sphere.unit_vectors(*Plane(20.0, 40.0).unproject(*RECTANGLE.T))[None]
    assert (footprint.trim(corners, np.full((1, 3), np.nan)) == corners).all()


def test_each_footprint_is_trimmed_by_its_own_step():
    plane = Plane(20.0, 40.0)
    corners = sphere.unit_vectors(*plane.unproject(*RECTANGLE.T))
    center = sphere.unit_vectors(*plane.unproject(np.array(0.0), np.array(0.0)))
    steps = [
        sphere.unit_vectors(*plane.unproject(np.array(x), np.array(y))) - center for x, y in ((0.0, 30.0), (15.0, 0.0))
    ]
    trimmed = footprint.trim(np.stack([corners, corners]), np.stack(steps))
    assert footprint.pixel_areas_km2(*sphere.coordinates(trimmed)) == pytest.approx([60 * 30, 120 * 15], rel=1e-3)


def _unite(squares: list[tuple[float, float, float, float]], order: tuple[int, ...] = (0, 1, 2, 3)) -> shapely.Geometry:
    """Unite rectangles in the plane, given as x0, y0, x1, y1 in km."""
    plane = Plane(-40.0, 359.9)
    x = np.array([[x0, x1, x1, x0] for x0, _, x1, _ in squares])[:, order]
    y = np.array([[y0, y0, y1, y1] for _, y0, _, y1 in squares])[:, order]
    return outline.unite(*plane.unproject(x, y), plane)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (0, 2, 1, 3)])
def test_union_does_not_depend_on_the_order_of_corners(order):
    assert _unite([(0, 0, 50, 80)], order).area == pytest.approx(4000, rel=1e-3)


@pytest.mark.parametrize(("gap_km", "parts"), [(19, 1), (21, 2)])
def test_gaps_of_20_km_are_closed(gap_km, parts):
    union = _unite([(0, 0, 50, 80), (50 + gap_km, 0, 100 + gap_km, 80)])
    assert len(shapely.get_parts(union)) == parts
    assert union.area == pytest.approx(80 * (100 + (gap_km if parts == 1 else 0)), rel=1e-3)


def test_holes_are_inside_the_outline():
    ring = [(0, 0, 200, 50), (0, 150, 200, 200), (0, 0, 50, 200), (150, 0, 200, 200)]
    assert _unite(ring).area == pytest.approx(200 * 200, rel=1e-3)


def test_footprints_without_area_are_left_out():
    assert _unite([(0, 0, 50, 80), (300, 0, 300, 80), (600, 0, 600, 0)]).area == pytest.approx(4000, rel=1e-3)
