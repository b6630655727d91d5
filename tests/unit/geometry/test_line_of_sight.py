"""Lines of sight: from the spacecraft to the surface and the shell, and from celestial coordinates."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from pyproj_mars import RADIUS_KM, distance_km, travel

from mars_aurora.geometry.footprint import pixel_areas_km2
from mars_aurora.geometry.line_of_sight import (
    MIN_PAIRS,
    cross_shell,
    lines_of_sight,
    shell_area_ratio,
    spacecraft_km,
)
from mars_aurora.sphere import MARS_RADIUS_KM

SHAPE = (6, 20)


def _vectors(lat_deg: object, lon_deg: object) -> NDArray[np.float64]:
    lat, lon = np.broadcast_arrays(np.radians(lat_deg), np.radians(lon_deg))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def _degrees(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    unit = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.degrees(np.arcsin(unit[..., 2])), np.degrees(np.arctan2(unit[..., 1], unit[..., 0])) % 360


def test_shell_is_crossed_nearer_to_the_spacecraft_by_the_emission_angle():
    spacecraft = np.array([[MARS_RADIUS_KM + 30_000, 0.0, 0.0]])
    lat, lon = cross_shell(np.array([0.0, 0.0]), np.array([0.0, 50.0]), np.repeat(spacecraft, 2, 0), 130.0)
    assert lat == pytest.approx(0)
    assert lon[0] == pytest.approx(0)
    emission = np.radians(50) + np.arctan2(np.sin(np.radians(50)), 1 + 30_000 / MARS_RADIUS_KM - np.cos(np.radians(50)))
    assert np.radians(50 - lon[1]) * MARS_RADIUS_KM == pytest.approx(130 * np.tan(emission), rel=0.1)


@pytest.mark.parametrize(("lat", "lon"), [(0.0, 0.0), (50.0, 359.0), (-89.0, 10.0), (90.0, 0.0)])
@pytest.mark.parametrize("shell_km", [0.0, 130.0, 400.0])
def test_crossing_is_on_the_line_from_the_spacecraft_to_the_surface(lat, lon, shell_km):
    surface = travel(lat, lon, np.array([0.0, 80, 170, 290]), np.array([1.0, 900, 2500, 4000]))
    spacecraft = np.repeat(_vectors(lat, lon)[None] * 25_000, 4, axis=0)
    shell = cross_shell(*surface, spacecraft, shell_km)
    ends, crossings = RADIUS_KM * _vectors(*surface), (RADIUS_KM + shell_km) * _vectors(*shell)
    whole, part = ends - spacecraft, crossings - spacecraft
    fraction = (part * whole).sum(-1) / (whole**2).sum(-1)
    assert np.linalg.norm(part - fraction[:, None] * whole, axis=-1).max() < 1e-6
    assert ((fraction > 0.8) & (fraction <= 1 + 1e-12)).all()
    assert ((shell[1] >= 0) & (shell[1] <= 360)).all()


def test_corners_are_seen_from_the_spacecraft_of_their_pixel():
    lat, lon = travel(10.0, 355.0, np.array([[20.0, 110, 200, 290]] * 2), np.array([[500.0] * 4, [900.0] * 4]))
    spacecraft = np.stack([25_000 * _vectors(0, 0), 9_000 * _vectors(30, 350)])
    found = cross_shell(lat, lon, spacecraft, 130.0)
    for pixel in range(2):
        of_pixel = cross_shell(lat[pixel], lon[pixel], np.repeat(spacecraft[pixel : pixel + 1], 4, 0), 130.0)
        assert np.allclose(np.array(found)[:, pixel], of_pixel)


def _make_observation(rotation: NDArray[np.float64] | None = None) -> SimpleNamespace:
    """A spacecraft at 20,000 km that moves to the north; the right ascension of a pixel follows from a rotation.

    The rotation is the one from the frame in which the Sun is at longitude 0 to J2000.
    """
    rows = np.arange(SHAPE[0])
    lat, lon = travel(5.0, 358.0, np.linspace(0, 340, SHAPE[1])[None] + 0 * rows[:, None], 100.0 * (1 + rows[:, None]))
    observation = SimpleNamespace(
        latitude_deg=lat,
        longitude_deg=lon,
        tangent_altitude_km=np.full(SHAPE, -3.0),
        sub_spacecraft_latitude_deg=2.0 * rows,
        sub_spacecraft_longitude_deg=np.full(SHAPE[0], 350.0),
        spacecraft_altitude_km=20_000.0 + 10 * rows,
        sub_solar_longitude_deg=(3.0 - rows) % 360,
        ra_deg=np.full(SHAPE, np.nan),
        dec_deg=np.full(SHAPE, np.nan),
    )
    if rotation is not None:
        directions = _sight_km(observation)
        angle = -np.radians(observation.sub_solar_longitude_deg)[:, None]
        x, y, z = np.moveaxis(directions, -1, 0)
        turned = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle), z], axis=-1)
        observation.dec_deg, observation.ra_deg = _degrees(turned @ rotation.T)
    return observation


def _sight_km(observation: SimpleNamespace) -> NDArray[np.float64]:
    spacecraft = _vectors(observation.sub_spacecraft_latitude_deg, observation.sub_spacecraft_longitude_deg)
    spacecraft *= (RADIUS_KM + observation.spacecraft_altitude_km)[:, None]
    return RADIUS_KM * _vectors(observation.latitude_deg, observation.longitude_deg) - spacecraft[:, None]


def _make_rotation(seed: int) -> NDArray[np.float64]:
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return rotation * np.sign(np.linalg.det(rotation))


def test_spacecraft_is_above_the_sub_spacecraft_point():
    position = spacecraft_km(_make_observation())
    assert np.linalg.norm(position, axis=-1) == pytest.approx(RADIUS_KM + 20_000 + 10 * np.arange(6))
    assert distance_km(*_degrees(position), 2.0 * np.arange(6), 350).max() < 1e-6


def test_line_of_sight_ends_on_the_surface():
    observation = _make_observation()
    assert np.allclose(lines_of_sight(observation), _sight_km(observation))


def test_line_of_sight_off_the_disk_ends_at_the_tangent_point():
    observation = _make_observation()
    off_disk = lines_of_sight(SimpleNamespace(**{**vars(observation), "tangent_altitude_km": np.full(SHAPE, 250.0)}))
    ends = off_disk + spacecraft_km(observation)[:, None]
    assert np.linalg.norm(ends, axis=-1) == pytest.approx(RADIUS_KM + 250)
    assert np.allclose(ends / (RADIUS_KM + 250), _vectors(observation.latitude_deg, observation.longitude_deg))


@pytest.mark.parametrize("seed", range(4))
def test_direction_without_coordinates_follows_from_right_ascension_and_declination(seed):
    observation = _make_observation(_make_rotation(seed))
    true = _sight_km(observation)
    observation.latitude_deg[:, 10:] = np.nan
    found = lines_of_sight(observation)
    assert np.allclose(found[:, :10], true[:, :10])
    unit = true / np.linalg.norm(true, axis=-1, keepdims=True)
    assert np.allclose(found[:, 10:], unit[:, 10:], atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_rotation_is_not_a_reflection_where_all_known_directions_are_in_a_plane(seed):
    observation = _make_observation()
    observation.sub_solar_longitude_deg[:] = 0
    observation.sub_spacecraft_latitude_deg[:] = 0
    observation.sub_spacecraft_longitude_deg[:] = 0
    observation.latitude_deg[:], observation.longitude_deg[:] = 0, np.linspace(-40, 40, 120).reshape(SHAPE) % 360
    observation.latitude_deg[5, 5:] = 30
    true = _sight_km(observation)
    observation.dec_deg, observation.ra_deg = _degrees(true @ _make_rotation(seed).T)
    observation.latitude_deg[5, 5:] = np.nan
    unit = true / np.linalg.norm(true, axis=-1, keepdims=True)
    assert np.allclose(lines_of_sight(observation)[5, 5:], unit[5, 5:], atol=1e-6)


@pytest.mark.parametrize(("pairs", "filled"), [(MIN_PAIRS - 1, False), (MIN_PAIRS, True)])
def test_directions_stay_unknown_with_fewer_than_50_pairs(pairs, filled):
    assert MIN_PAIRS == 50
    observation = _make_observation(_make_rotation(1))
    observation.latitude_deg.flat[pairs:] = np.nan
    found = lines_of_sight(observation)
    assert np.isfinite(found.reshape(-1, 3)[:pairs]).all()
    assert np.isfinite(found.reshape(-1, 3)[pairs:]).all() == filled
    assert np.isnan(found.reshape(-1, 3)[pairs:]).all() != filled


@pytest.mark.parametrize("name", ["ra_deg", "dec_deg", "sub_solar_longitude_deg"])
def test_directions_stay_unknown_without_right_ascension_declination_or_sun(name):
    observation = _make_observation(_make_rotation(1))
    observation.latitude_deg[4:] = np.nan
    getattr(observation, name)[5] = np.nan
    found = lines_of_sight(observation)
    assert np.isfinite(found[:5]).all()
    assert np.isnan(found[5]).all()


@pytest.mark.parametrize("altitude_km", [400.0, 20_000.0, 1e7])
@pytest.mark.parametrize("emission_deg", [0.0, 40.0, 74.0])
def test_area_ratio_is_that_of_a_small_footprint_projected_to_the_shell(altitude_km, emission_deg):
    angle, far_km = np.radians(emission_deg), MARS_RADIUS_KM + altitude_km
    path_km = np.sqrt(far_km**2 - (MARS_RADIUS_KM * np.sin(angle)) ** 2) - MARS_RADIUS_KM * np.cos(angle)
    spacecraft = np.array([[MARS_RADIUS_KM + path_km * np.cos(angle), path_km * np.sin(angle), 0.0]])
    side_deg = 0.01 * np.array([[-1, -1, 1, 1], [-1, 1, 1, -1]])[:, None]
    on_shell = cross_shell(*side_deg, spacecraft, 130.0)
    expected = pixel_areas_km2(*on_shell) / pixel_areas_km2(*side_deg)
    assert shell_area_ratio(np.array([emission_deg]), np.array([altitude_km]), 130.0) == pytest.approx(
        expected, rel=1e-5
    )


def test_area_ratio_is_1_where_the_spacecraft_is_not_known():
    assert shell_area_ratio(np.array([20.0]), np.array([np.nan]), 130.0).tolist() == [1]
