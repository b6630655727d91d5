"""Geodesy and projections of Mars by pyproj, independent of the package."""

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

RADIUS_KM = 3396.19
GEOD = pyproj.Geod(a=1000 * RADIUS_KM, b=1000 * RADIUS_KM)

Array = NDArray[np.float64]


def distance_km(lat_deg: object, lon_deg: object, other_lat_deg: object, other_lon_deg: object) -> Array:
    """Length of the geodesic between points."""
    lat, lon, other_lat, other_lon = (
        np.array(values, np.float64) for values in np.broadcast_arrays(lat_deg, lon_deg, other_lat_deg, other_lon_deg)
    )
    return np.asarray(GEOD.inv(lon, lat, other_lon, other_lat)[2]) / 1000


def travel(lat_deg: float, lon_deg: float, azimuth_deg: object, distance_km: object) -> tuple[Array, Array]:
    """Latitude and east longitude at a distance along geodesics from a point."""
    azimuth, distance = np.broadcast_arrays(np.asarray(azimuth_deg, float), np.asarray(distance_km, float))
    start = np.full(azimuth.shape, lon_deg), np.full(azimuth.shape, lat_deg)
    lon, lat, _ = GEOD.fwd(*start, azimuth.copy(), 1000 * distance)
    return np.asarray(lat), np.asarray(lon) % 360


def area_km2(lat_deg: object, lon_deg: object) -> float:
    """Area of a polygon of geodesics."""
    return abs(GEOD.polygon_area_perimeter(lon_deg, lat_deg)[0]) / 1e6


def area_in_degrees_km2(geometry: shapely.Geometry) -> float:
    """Area of polygons in longitude and latitude, from the cylindrical equal-area projection."""
    cylinder = pyproj.Proj(proj="cea", R=RADIUS_KM, lon_0=180)  # so that 0 and 360 are its edges

    def project(points: Array) -> Array:
        inside = np.clip(points[:, 0], 1e-9, 360 - 1e-9)
        return np.stack(cylinder(inside, points[:, 1]), axis=1)

    return float(shapely.transform(shapely.segmentize(geometry, 0.2), project).area)


def equal_area_plane(lat_deg: float, lon_deg: float) -> pyproj.Proj:
    """The Lambert azimuthal equal-area projection: longitude, latitude to x, y in km."""
    return pyproj.Proj(proj="laea", lat_0=lat_deg, lon_0=lon_deg, R=RADIUS_KM)
