"""The Lambert azimuthal equal-area projection about a point (Snyder 1987, equations 24-2 to 24-4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.sphere import MARS_RADIUS_KM, Float64Array, coordinates, local_axes, unit_vectors


@dataclass(frozen=True)
class Plane:
    """The equal-area plane tangent to Mars at a point: x to the east, y to the north, in km.

    Areas in the plane are areas on the sphere.
    """

    lat_deg: float
    lon_deg: float

    def project(self, lat_deg: NDArray[Any], lon_deg: NDArray[Any]) -> tuple[Float64Array, Float64Array]:
        """Project coordinates of any shape to x, y in km."""
        east, north, up = np.moveaxis(unit_vectors(lat_deg, lon_deg) @ self._axes().T, -1, 0)
        scale = MARS_RADIUS_KM * np.sqrt(2 / np.maximum(1 + up, 1e-9))
        return east * scale, north * scale

    def unproject(self, x_km: NDArray[Any], y_km: NDArray[Any]) -> tuple[Float64Array, Float64Array]:
        """Convert x, y in km to latitude and east longitude, 0 to 360."""
        x, y = np.asarray(x_km, np.float64) / MARS_RADIUS_KM, np.asarray(y_km, np.float64) / MARS_RADIUS_KM
        squared = np.minimum(x**2 + y**2, 4.0)
        local = np.stack([x * np.sqrt(1 - squared / 4), y * np.sqrt(1 - squared / 4), 1 - squared / 2], axis=-1)
        return coordinates(local @ self._axes())

    def distance_km(self, lat_deg: NDArray[Any], lon_deg: NDArray[Any]) -> Float64Array:
        """Compute the great-circle distance of coordinates of any shape from the tangent point."""
        cosine = unit_vectors(lat_deg, lon_deg) @ unit_vectors(np.array(self.lat_deg), np.array(self.lon_deg))
        distance: Float64Array = MARS_RADIUS_KM * np.arccos(np.clip(cosine, -1, 1))
        return distance

    def _axes(self) -> Float64Array:
        return local_axes(np.array(self.lat_deg), np.array(self.lon_deg))
