"""The equal-area plane, including the poles and 0/360."""

import numpy as np
import pytest
from pyproj_mars import area_km2, distance_km, equal_area_plane, travel
from square_footprints import CENTERS

from mars_aurora.geometry.plane import Plane

AZIMUTHS_DEG, DISTANCES_KM = np.meshgrid(np.arange(0.0, 360.0, 30.0), [1.0, 300.0, 2000.0, 6000.0, 10_000.0])


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
def test_unprojected_points_are_projected_back(lat, lon):
    plane = Plane(lat, lon)
    coordinates = plane.unproject(np.array([300.0, -900.0]), np.array([-700.0, 50.0]))
    assert np.allclose(plane.project(*coordinates), [[300, -900], [-700, 50]])
    assert ((coordinates[1] >= 0) & (coordinates[1] <= 360)).all()


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
def test_projection_is_that_of_pyproj(lat, lon):
    points = travel(lat, lon, AZIMUTHS_DEG, DISTANCES_KM)
    assert np.allclose(Plane(lat, lon).project(*points), equal_area_plane(lat, lon)(*points[::-1]), atol=1e-3)


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
def test_inverse_projection_is_that_of_pyproj(lat, lon):
    x, y = np.meshgrid(np.linspace(-4000, 4000, 9), np.linspace(-4000, 4000, 9))
    lon_deg, lat_deg = equal_area_plane(lat, lon)(x, y, inverse=True)
    assert distance_km(*Plane(lat, lon).unproject(x, y), lat_deg, lon_deg).max() < 1e-3


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
def test_area_in_the_plane_is_that_on_the_sphere(lat, lon):
    fine = np.linspace(-1, 1, 50)[:-1]
    x = 800 * np.concatenate([fine, 0 * fine + 1, -fine, 0 * fine - 1])
    y = 500 * np.concatenate([0 * fine - 1, fine, 0 * fine + 1, -fine])
    assert area_km2(*Plane(lat, lon).unproject(x, y)) == pytest.approx(1600 * 1000, rel=1e-4)


def test_points_out_of_the_plane_are_the_antipode():
    lat, lon = Plane(30.0, 50.0).unproject(np.array([9000.0]), np.array([0.0]))
    assert distance_km(lat, lon, -30, 230) == pytest.approx(0, abs=1e-3)


def test_antipode_is_projected_to_finite_numbers():
    assert np.isfinite(Plane(30.0, 50.0).project(np.array(-30.0), np.array(230.0))).all()


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
def test_distance_is_the_length_of_the_geodesic(lat, lon):
    points = travel(lat, lon, AZIMUTHS_DEG, DISTANCES_KM)
    assert np.allclose(Plane(lat, lon).distance_km(*points), DISTANCES_KM, atol=1e-3)


def test_distance_is_finite_where_rounding_exceeds_the_range_of_the_cosine():
    for lat, lon in np.random.default_rng(0).uniform((-90, 0), (90, 360), (100, 2)):
        found = Plane(lat, lon).distance_km(np.array([lat, -lat]), np.array([lon, lon + 180]))
        assert found == pytest.approx([0, np.pi * 3396.19], abs=1e-3)
