"""The figure of Mars, a sphere or the ellipsoid of the IAU 2015 report, and the latitudes that files give on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mars_aurora_model.simulator.orbit import Array, normalize
from mars_aurora_model.simulator.world import MARS_RADIUS_KM, LatitudeFrame

POLAR_RADIUS_KM = 3376.20


@dataclass(frozen=True)
class Surface:
    """Where lines of sight meet a surface, or the points nearest to it; arrays as the directions, (nI, 3, ...).

    Attributes
    ----------
    place : unit vectors to the latitude and longitude that a file gives
    normal : unit vectors along the normal
    distance_km : (nI, ...) from the spacecraft
    altitude_km : (nI, ...) above the surface, 0 where it is met
    """

    place: Array
    normal: Array
    distance_km: Array
    altitude_km: Array


@dataclass(frozen=True)
class Figure:
    """``frame`` "sphere" stands for a sphere, the others for the latitudes of points on the ellipsoid."""

    frame: LatitudeFrame = "sphere"

    @property
    def is_sphere(self) -> bool:
        return self.frame == "sphere"

    def meet(self, position_km: Array, directions: Array, height_km: float = 0.0, *, far: bool = False) -> Surface:
        """Intersect lines of sight with the surface at a height; see `intersect`."""
        equatorial_km = MARS_RADIUS_KM + height_km
        if self.is_sphere:
            point, distance, altitude = intersect(position_km, directions, equatorial_km, far=far)
            return Surface(point, point, distance, altitude)
        stretch = np.array([1.0, 1.0, equatorial_km / (POLAR_RADIUS_KM + height_km)])
        along_axes = stretch.reshape(3, *[1] * (directions.ndim - 2))
        stretched = directions * along_axes
        length = np.linalg.norm(stretched, axis=1)
        point, distance, above = intersect(position_km * stretch, stretched / length[:, None], equatorial_km, far=far)
        normal = normalize_axis(point * along_axes)  # the gradient x/a2, y/a2, z/b2
        place = normal if self.frame == "planetographic" else normalize_axis(point / along_axes)
        nearest_km = (equatorial_km + above)[:, None] * point / along_axes
        altitude = np.linalg.norm(nearest_km - equatorial_km * point / along_axes, axis=1)
        return Surface(place, normal, distance / length, altitude)

    def find_below(self, position_km: Array) -> tuple[Array, Array]:
        """Return the latitude in degrees of the points below positions (nI, 3), and the altitudes in km."""
        distance = np.linalg.norm(position_km, axis=1)
        if self.is_sphere:
            return np.degrees(np.arcsin(position_km[:, 2] / distance)), distance - MARS_RADIUS_KM
        latitude, height = _to_geodetic(position_km)
        return latitude if self.frame == "planetographic" else _to_planetocentric(latitude), height

    def find_sub_solar(self, sun: Array) -> Array:
        """Return the latitude in degrees of the point on the line from the center to the Sun (nI, 3), as IUVS does."""
        own = np.degrees(np.arcsin(sun[:, 2]))
        if self.frame != "planetographic":
            return own
        ratio = (MARS_RADIUS_KM / POLAR_RADIUS_KM) ** 2
        latitude: Array = np.degrees(np.arctan(ratio * np.tan(np.radians(own))))
        return latitude


def intersect(
    position_km: Array, directions: Array, radius_km: float, *, far: bool = False
) -> tuple[Array, Array, Array]:
    """Intersect lines of sight with a sphere, or find their tangent points where they miss it.

    Parameters
    ----------
    position_km : (nI, 3) from the center of the sphere
    directions : (nI, 3, ...) unit vectors in the same frame
    far : return the far intersection instead of the near one

    Returns
    -------
    point : like ``directions``, unit vectors from the center of the sphere
    distance_km : (nI, ...) from the spacecraft
    altitude_km : (nI, ...) of the tangent point above the sphere; 0 where the line intersects it
    """
    spread = position_km.reshape(*position_km.shape, *[1] * (directions.ndim - 2))
    closest = -dot(directions, spread)
    squared = radius_km**2 - (dot(spread, spread) - closest**2)
    half_chord = np.sqrt(np.maximum(squared, 0))
    distance = closest + half_chord if far else closest - half_chord
    point = spread + distance[:, None] * directions
    length = np.sqrt(dot(point, point))
    return point / length[:, None], distance, np.where(squared > 0, 0.0, length - radius_km)


def dot(a: Array, b: Array) -> Array:
    """Return the scalar products of vectors (nI, 3, ...)."""
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]


def normalize_axis(vectors: Array) -> Array:
    """Scale vectors (nI, 3, ...) to length 1."""
    return np.moveaxis(normalize(np.moveaxis(vectors, 1, -1)), -1, 1)


def _to_planetocentric(latitude_deg: Array) -> Array:
    ratio = (POLAR_RADIUS_KM / MARS_RADIUS_KM) ** 2
    latitude: Array = np.degrees(np.arctan(ratio * np.tan(np.radians(latitude_deg))))
    return latitude


def _to_geodetic(position_km: Array) -> tuple[Array, Array]:
    """Return the geodetic latitude in degrees and the height of positions (nI, 3), by the routine of the IAU."""
    import erfa  # noqa: PLC0415 -- part of astropy; a sphere does not need it

    flattening = 1 - POLAR_RADIUS_KM / MARS_RADIUS_KM
    _, latitude, height = erfa.gc2gde(MARS_RADIUS_KM, flattening, position_km)
    return np.degrees(latitude), height
