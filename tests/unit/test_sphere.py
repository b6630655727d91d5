"""Coordinates on the sphere as unit vectors."""

import numpy as np
import pytest

from mars_aurora.sphere import coordinates, local_axes, mean_coordinates, unit_vectors


def test_unit_vectors_follow_the_body_fixed_frame():
    vectors = unit_vectors(np.array([0.0, 0.0, 90.0, -30.0]), np.array([0.0, 90.0, 0.0, 180.0]))
    assert np.allclose(vectors, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-(0.75**0.5), 0, -0.5]])


def test_unit_vectors_convert_back_to_coordinates():
    lat = np.array([[-89.9, -45.0, 0.0], [0.0, 60.0, 89.9]])
    lon = np.array([[0.0, 0.1, 90.0], [180.0, 270.0, 359.9]])
    vectors = unit_vectors(lat, lon)
    assert vectors.shape == (2, 3, 3)
    assert np.allclose(coordinates(vectors), (lat, lon))
    assert np.allclose(coordinates(3390 * vectors), (lat, lon))


@pytest.mark.parametrize("pole", [-90.0, 90.0])
def test_pole_is_one_vector_at_every_longitude(pole):
    vectors = unit_vectors(np.full(4, pole), np.array([0.0, 123.0, 200.0, 360.0]))
    assert np.allclose(vectors, [0, 0, np.sign(pole)])
    lat, lon = coordinates(vectors)
    assert np.allclose(lat, pole)
    assert ((lon >= 0) & (lon < 360)).all()


def test_longitude_just_below_zero_is_not_360():
    assert coordinates(np.array([[1.0, -1e-17, 0.0]]))[1] == 0


@pytest.mark.parametrize("lon", [-370.0, -0.1, 360.0, 719.9])
def test_longitude_is_wrapped_to_0_to_360(lon):
    (found,) = coordinates(unit_vectors(np.array([20.0]), np.array([lon])))[1]
    assert 0 <= found <= 360
    assert np.cos(np.radians(found - lon)) == pytest.approx(1)


def test_mean_of_coordinates_across_0_longitude_is_not_180():
    lat, lon = mean_coordinates(np.array([10.0, 10.0]), np.array([359.0, 3.0]), np.ones(2))
    assert (lat, lon) == pytest.approx((10.0, 1.0), abs=0.01)


def test_mean_of_coordinates_is_weighted():
    lat, lon = mean_coordinates(np.zeros(2), np.array([358.0, 2.0]), np.array([3.0, 1.0]))
    assert (lat, lon) == pytest.approx((0.0, 359.0), abs=0.001)


@pytest.mark.parametrize(("lat", "lon"), [(0.0, 10.0), (-45.0, 359.9), (60.0, 0.1), (90.0, 200.0), (-90.0, 0.0)])
def test_local_axes_are_right_handed_and_orthonormal(lat, lon):
    axes = local_axes(np.array(lat), np.array(lon))
    assert np.allclose(axes @ axes.T, np.eye(3))
    assert np.linalg.det(axes) == pytest.approx(1)
    assert np.allclose(axes[2], unit_vectors(np.array(lat), np.array(lon)))


def test_local_axes_point_east_and_north():
    lat, lon, step = np.array([20.0, -60.0]), np.array([30.0, 359.0]), 1e-4
    east, north, _ = np.moveaxis(local_axes(lat, lon), -2, 0)
    middle = unit_vectors(lat, lon)
    to_east = (unit_vectors(lat, lon + step) - middle) / np.radians(step) / np.cos(np.radians(lat))[:, None]
    to_north = (unit_vectors(lat + step, lon) - middle) / np.radians(step)
    assert np.allclose(east, to_east, atol=1e-5)
    assert np.allclose(north, to_north, atol=1e-5)


def test_coordinates_of_an_unknown_vector_are_unknown():
    assert np.isnan(coordinates(np.full((1, 3), np.nan))).all()
