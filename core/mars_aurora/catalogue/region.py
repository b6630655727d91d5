"""Outlines for the virtual observatory: their bounds, and one polygon on the sphere."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mars_aurora.catalogue.tables import Row
from mars_aurora.geometry.outline import from_longitude_latitude
from mars_aurora.geometry.plane import Plane
from mars_aurora.observation import Float64Array


def find_bounds(outline: BaseGeometry) -> tuple[float, float, float, float]:
    """Find the west, east, south and north end of an outline in longitude 0 to 360 and latitude.

    West is larger than east where it crosses 0; an outline around a pole has 0 and 360.
    """
    _, south, _, north = outline.bounds
    ranges = sorted((part.bounds[0], part.bounds[2]) for part in shapely.get_parts(outline))
    reached, gaps = ranges[0][1], []
    for west, east in [*ranges[1:], (ranges[0][0] + 360, ranges[0][0] + 360)]:
        gaps.append((west - reached, reached, west % 360))
        reached = max(reached, east)
    width, east, west = max(gaps)
    return (west, east, south, north) if width > 0 else (0.0, 360.0, south, north)


def find_region(row: Row, outline: BaseGeometry) -> Float64Array:
    """Return the outline of a row as one polygon on the sphere, (2 N,): longitude and latitude of the corners, open.

    Corners are counterclockwise seen from above. An outline of several parts is that of their convex hull.
    """
    west, south, east, north = outline.bounds
    parts = shapely.get_parts(outline)
    if len(parts) == 1 and west > 0 and east < 360 and south > -90 and north < 90:
        return _list_corners(parts[0]).reshape(-1)
    plane = Plane(row.lat_deg, row.lon_deg)
    joined = from_longitude_latitude(outline, plane)
    corners = _list_corners(joined if joined.geom_type == "Polygon" else joined.convex_hull)
    lat, lon = plane.unproject(corners[:, 0], corners[:, 1])
    return np.column_stack([np.round(lon, 3) % 360, np.round(lat, 3)]).reshape(-1)


def _list_corners(polygon: shapely.Polygon) -> Float64Array:
    """Return the corners (N, 2) of a polygon, counterclockwise."""
    corners: Float64Array = shapely.get_coordinates(shapely.orient_polygons(polygon).exterior)[:-1]
    return corners
