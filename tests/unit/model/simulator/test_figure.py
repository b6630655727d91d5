"""The figure of Mars: lines of sight meet the ellipsoid, and its latitudes are those of pyproj."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pyproj import Transformer

from mars_aurora_model.simulator.figure import POLAR_RADIUS_KM, Figure
from mars_aurora_model.simulator.world import MARS_RADIUS_KM

POSITION_KM = np.array([[20_000.0, 3_000.0, 9_000.0], [-4_000.0, 7_000.0, 30_000.0]])
TO_GEODETIC = Transformer.from_pipeline(f"+proj=cart +a={MARS_RADIUS_KM}e3 +b={POLAR_RADIUS_KM}e3 +inv")


def _look_at(points_km: np.ndarray) -> np.ndarray:
    """Unit vectors (2, 3, n) from the positions to points (n, 3)."""
    towards = points_km[None] - POSITION_KM[:, None]
    return np.moveaxis(towards / np.linalg.norm(towards, axis=-1, keepdims=True), -1, 1)


def _near_points() -> np.ndarray:
    return np.random.default_rng(0).uniform(-2000, 2000, (300, 3))


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("height_km", [0.0, 130.0])
@pytest.mark.parametrize("frame", ["sphere", "planetographic", "planetocentric"])
def test_lines_of_sight_meet_the_surface(frame, height_km, far):
    polar_km = MARS_RADIUS_KM if frame == "sphere" else POLAR_RADIUS_KM
    directions = _look_at(_near_points())
    surface = Figure(frame).meet(POSITION_KM, directions, height_km, far=far)
    met = POSITION_KM[..., None] + surface.distance_km[:, None] * directions
    x, y, z = np.moveaxis(met, 1, 0)
    scaled = np.hypot(np.hypot(x, y) / (MARS_RADIUS_KM + height_km), z / (polar_km + height_km))
    assert (surface.altitude_km == 0).all()
    assert_allclose(scaled, 1, atol=1e-12)
    assert (np.sum(surface.normal * directions, axis=1) > 0).all() == far


@pytest.mark.parametrize("frame", ["planetographic", "planetocentric"])
def test_places_and_normals_are_those_of_pyproj(frame):
    directions = _look_at(_near_points())
    surface = Figure(frame).meet(POSITION_KM, directions)
    met = POSITION_KM[..., None] + surface.distance_km[:, None] * directions
    longitude, planetographic, height = TO_GEODETIC.transform(*(1000 * np.moveaxis(met, 1, 0)))
    assert_allclose(height, 0, atol=1e-3)
    assert_allclose(np.degrees(np.arcsin(surface.normal[:, 2])), planetographic, atol=1e-8)
    expected = (
        planetographic if frame == "planetographic" else np.degrees(np.arcsin(met[:, 2] / np.linalg.norm(met, axis=1)))
    )
    assert_allclose(np.degrees(np.arcsin(surface.place[:, 2])), expected, atol=1e-8)
    assert_allclose(np.degrees(np.arctan2(surface.place[:, 1], surface.place[:, 0])), longitude, atol=1e-8)


@pytest.mark.parametrize("frame", ["planetographic", "planetocentric"])
def test_tangent_points_off_the_disk_have_their_altitude(frame):
    sideways = np.stack([np.cross(position, (0.3, -0.5, 0.8)) for position in POSITION_KM])
    tangent = 4000 * sideways / np.linalg.norm(sideways, axis=1, keepdims=True)
    surface = Figure(frame).meet(POSITION_KM, _look_at(tangent))
    own = np.diagonal(surface.altitude_km)
    assert ((own > 500) & (own < 4000 - POLAR_RADIUS_KM)).all()  # somewhat lower than at right angles to the position


@pytest.mark.parametrize("frame", ["planetographic", "planetocentric"])
def test_point_below_the_spacecraft_is_that_of_pyproj(frame):
    _, planetographic, height = TO_GEODETIC.transform(*(1000 * POSITION_KM.T))
    latitude, altitude = Figure(frame).find_below(POSITION_KM)
    assert_allclose(altitude, height / 1000, atol=1e-6)
    ratio = (POLAR_RADIUS_KM / MARS_RADIUS_KM) ** 2
    below = (
        planetographic
        if frame == "planetographic"
        else np.degrees(np.arctan(ratio * np.tan(np.radians(planetographic))))
    )
    assert_allclose(latitude, below, atol=1e-8)
