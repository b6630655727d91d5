"""Coordinates on the sphere of Mars as unit vectors, which are free of the singularities at the poles and at 0/360.

Body-fixed frame: x to latitude 0, longitude 0; z to the north pole. Longitudes are east.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]

MARS_RADIUS_KM = 3396.19  # IAU 2015 equatorial radius


def unit_vectors(latitude_deg: NDArray[Any], longitude_deg: NDArray[Any]) -> Float64Array:
    """Convert latitudes and longitudes (or declinations and right ascensions), any shape, to unit vectors (..., 3)."""
    latitude = np.radians(latitude_deg, dtype=np.float64)
    longitude = np.radians(longitude_deg, dtype=np.float64)
    equatorial = np.cos(latitude)
    vectors = np.empty((*np.broadcast_shapes(latitude.shape, longitude.shape), 3))
    np.multiply(equatorial, np.cos(longitude), out=vectors[..., 0])
    np.multiply(equatorial, np.sin(longitude), out=vectors[..., 1])
    vectors[..., 2] = np.sin(latitude)
    return vectors


def coordinates(vectors: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Convert vectors (..., 3) of any length to latitude and east longitude in degrees, longitude 0 to 360."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    longitude = np.degrees(np.arctan2(y, x)) % 360
    longitude = np.where(longitude == 360, 0.0, longitude)  # tiny negative angles round up to 360
    return np.degrees(np.arctan2(z, np.hypot(x, y))), longitude


def mean_coordinates(
    latitude_deg: NDArray[Any], longitude_deg: NDArray[Any], weights: NDArray[Any]
) -> tuple[float, float]:
    """Average coordinates (N,) as vectors; return latitude and east longitude."""
    total = (unit_vectors(latitude_deg, longitude_deg) * np.asarray(weights, np.float64)[:, None]).sum(0)
    latitude, longitude = coordinates(total)
    return float(latitude), float(longitude)


def local_axes(latitude_deg: NDArray[Any], longitude_deg: NDArray[Any]) -> Float64Array:
    """Compute the unit vectors to the east, to the north and up at coordinates of any shape: (..., 3, 3), in rows."""
    up = unit_vectors(latitude_deg, longitude_deg)
    longitude = np.radians(longitude_deg, dtype=np.float64)
    east = np.stack((-np.sin(longitude), np.cos(longitude), np.zeros_like(longitude)), axis=-1)
    return np.stack((east, np.cross(up, east), up), axis=-2)
