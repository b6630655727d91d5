"""The ellipsoid of Mars: planetographic and planetocentric latitudes, normals and points.

A planetographic (geodetic) latitude is the direction of the surface's normal, a planetocentric one that of the point as
seen from the center of Mars. They differ by up to 0.34 deg.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.sphere import MARS_RADIUS_KM, Float64Array, unit_vectors

POLAR_RADIUS_KM = 3376.20  # IAU 2015
_SQUARED_RATIO = (POLAR_RADIUS_KM / MARS_RADIUS_KM) ** 2
_ROUNDS = 6  # each reduces the error of the geodetic latitude by a factor of a hundred or more


def to_planetocentric(planetographic_deg: NDArray[Any]) -> Float64Array:
    """Convert planetographic latitudes on the surface, any shape, to planetocentric ones in degrees."""
    latitude: Float64Array = np.degrees(np.arctan(_SQUARED_RATIO * _tangent(planetographic_deg)))
    return latitude


def to_planetographic(planetocentric_deg: NDArray[Any]) -> Float64Array:
    """Convert planetocentric latitudes on the surface, any shape, to planetographic ones in degrees."""
    latitude: Float64Array = np.degrees(np.arctan(_tangent(planetocentric_deg) / _SQUARED_RATIO))
    return latitude


def find_points(
    planetographic_deg: NDArray[Any], longitude_deg: NDArray[Any], height_km: NDArray[Any] | float = 0.0
) -> Float64Array:
    """Compute points at a height along the normal, in km from the center: (..., 3)."""
    normal = unit_vectors(planetographic_deg, longitude_deg)
    curvature_km = MARS_RADIUS_KM / np.sqrt(1 - (1 - _SQUARED_RATIO) * normal[..., 2] ** 2)
    surface = curvature_km[..., None] * normal * np.array([1, 1, _SQUARED_RATIO])
    points: Float64Array = surface + np.asarray(height_km)[..., None] * normal
    return points


def find_latitude(position_km: Float64Array) -> Float64Array:
    """Compute the planetographic latitude of the point below positions (..., 3), at any height, in degrees."""
    equatorial, axial = np.hypot(position_km[..., 0], position_km[..., 1]), position_km[..., 2]
    latitude = np.arctan2(axial, equatorial * _SQUARED_RATIO)
    for _ in range(_ROUNDS):
        sine = np.sin(latitude)
        curvature_km = MARS_RADIUS_KM / np.sqrt(1 - (1 - _SQUARED_RATIO) * sine**2)
        latitude = np.arctan2(axial + (1 - _SQUARED_RATIO) * curvature_km * sine, equatorial)
    return np.degrees(latitude)


def _tangent(latitude_deg: NDArray[Any]) -> Float64Array:
    tangent: Float64Array = np.tan(np.radians(latitude_deg, dtype=np.float64))
    return tangent
