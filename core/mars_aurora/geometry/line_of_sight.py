"""Lines of sight: where the spacecraft is, which direction a pixel sees, and where that line crosses a shell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import Float64Array, Observation
from mars_aurora.sphere import MARS_RADIUS_KM, coordinates, unit_vectors

MIN_PAIRS = 50  # pixels that have both coordinates and right ascension, to determine the rotation between the frames


def spacecraft_km(observation: Observation) -> Float64Array:
    """Compute the position of the spacecraft at each integration, from Mars's center, body-fixed: (nI, 3)."""
    up = unit_vectors(observation.sub_spacecraft_latitude_deg, observation.sub_spacecraft_longitude_deg)
    position: Float64Array = up * (MARS_RADIUS_KM + observation.spacecraft_altitude_km)[:, None]
    return position


def cross_shell(
    lat_deg: NDArray[Any], lon_deg: NDArray[Any], position_km: Float64Array, altitude_km: float
) -> tuple[Float64Array, Float64Array]:
    """Find where the lines of sight to points on the surface cross a shell above it.

    Parameters
    ----------
    lat_deg, lon_deg : (N,) or (N, K) ndarray
        Where the lines of sight meet the surface.
    position_km : (N, 3) ndarray
        Spacecraft, from Mars's center, body-fixed.
    altitude_km : float
        Altitude of the shell.

    Returns
    -------
    lat_deg, lon_deg : ndarray
        Like the input; longitude east, 0 to 360.
    """
    surface = unit_vectors(lat_deg, lon_deg) * MARS_RADIUS_KM
    towards = position_km.reshape(-1, *[1] * (surface.ndim - 2), 3) - surface
    towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
    slope = (surface * towards).sum(-1)
    path_km = np.sqrt(slope**2 + (MARS_RADIUS_KM + altitude_km) ** 2 - MARS_RADIUS_KM**2) - slope
    return coordinates(surface + path_km[..., None] * towards)


def shell_area_ratio(
    emission_angle_deg: NDArray[Any], spacecraft_altitude_km: NDArray[Any], altitude_km: float
) -> Float64Array:
    """Compute the ratio of the area of a small footprint on a shell, seen from Mars's center, to that on the surface.

    Arrays of any shape; 1 where an angle or the altitude of the spacecraft is not known. ``altitude_km`` is that of the
    shell. On the shell a footprint is nearer to the spacecraft and less slanted, and is seen from further below.
    """
    cosine = np.cos(np.radians(emission_angle_deg, dtype=np.float64))
    across_km2 = MARS_RADIUS_KM**2 * (1 - cosine**2)  # squared distance of the line of sight from the center
    to_spacecraft, to_shell, to_surface = (
        np.sqrt(radius**2 - across_km2)
        for radius in (MARS_RADIUS_KM + spacecraft_altitude_km, MARS_RADIUS_KM + altitude_km, MARS_RADIUS_KM)
    )
    nearer = (to_spacecraft - to_shell) / (to_spacecraft - to_surface)
    shell_cosine = to_shell / (MARS_RADIUS_KM + altitude_km)
    ratio = nearer**2 * cosine / shell_cosine / (1 + altitude_km / MARS_RADIUS_KM) ** 2
    return np.where(np.isfinite(ratio), ratio, 1.0)


def lines_of_sight(observation: Observation) -> Float64Array:
    """Compute the vector from the spacecraft to each pixel's surface or tangent point, body-fixed.

    Pixels without coordinates get the direction of their right ascension and declination, where the file has them.

    Returns
    -------
    (nI, nS, 3) float64, km where the coordinates are known, else of unit length; NaN where neither is known
    """
    position = spacecraft_km(observation)
    radius_km = MARS_RADIUS_KM + np.maximum(observation.tangent_altitude_km, 0)
    points = unit_vectors(observation.latitude_deg, observation.longitude_deg)
    return _add_from_celestial(observation, points * radius_km[..., None] - position[:, None])


def _add_from_celestial(observation: Observation, known_km: Float64Array) -> Float64Array:
    """Fill in directions that are known only as right ascension and declination.

    The rotation from J2000 to the body-fixed frame is fitted on the pixels that have both. Mars rotates as the
    sub-solar longitude does, so that one rotation is enough for a swath.
    """
    known = np.isfinite(known_km[..., 0])
    has_celestial = np.isfinite(observation.ra_deg + observation.dec_deg + observation.sub_solar_longitude_deg[:, None])
    both, missing = known & has_celestial, has_celestial & ~known
    if not missing.any() or np.count_nonzero(both) < MIN_PAIRS:
        return known_km
    celestial = unit_vectors(observation.dec_deg, observation.ra_deg)
    spin = _rotations_about_pole(observation.sub_solar_longitude_deg)
    unrotated = (known_km @ spin)[both]
    unrotated /= np.linalg.norm(unrotated, axis=-1, keepdims=True)
    u, _, vt = np.linalg.svd(unrotated.T @ celestial[both])  # Wahba's problem (Markley 1988)
    rotation = u @ np.diag((1.0, 1.0, np.linalg.det(u @ vt))) @ vt
    filled = known_km.copy()
    filled[missing] = (celestial @ rotation.T @ spin.swapaxes(1, 2))[missing]
    return filled


def _rotations_about_pole(longitude_deg: Float64Array) -> Float64Array:
    """Compute the rotation matrices about the pole by each longitude: (nI, 3, 3)."""
    angle = np.radians(longitude_deg)
    rotation = np.zeros((angle.size, 3, 3))
    rotation[:, 0, 0] = rotation[:, 1, 1] = np.cos(angle)
    rotation[:, 1, 0], rotation[:, 0, 1] = np.sin(angle), -np.sin(angle)
    rotation[:, 2, 2] = 1
    return rotation
