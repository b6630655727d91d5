"""Outlines of auroras on the equal-area plane and in longitude, latitude, valid at the poles and at 0/360."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from mars_aurora.geometry.plane import Plane

SIMPLIFY_KM = 1.0
MAX_CHARACTERS = 32_766  # of a text: a cell of a spreadsheet has at most 32,767
_GAP_KM = 10.0  # gaps up to twice this between footprints trimmed to the step are closed; pixels are wider
_PRECISION_DEG = 0.001  # of written outlines: 60 m
_EDGE_KM = 50.0  # edges are divided to this length before the projection makes them curves


def unite(corner_lat_deg: NDArray[Any], corner_lon_deg: NDArray[Any], plane: Plane) -> BaseGeometry:
    """Unite footprints (N, 4) in the plane, overlap counted once and holes filled; MultiPolygon or Polygon in km."""
    corners = np.stack(plane.project(corner_lat_deg, corner_lon_deg), axis=-1)
    quads = shapely.convex_hull(shapely.linestrings(corners))  # the hull repairs corners given in a crossed order
    union = shapely.union_all(quads[shapely.get_dimensions(quads) == 2])
    grown = fill_holes(union).buffer(_GAP_KM, join_style="mitre")  # without the slivers between footprints
    closed = fill_holes(grown).buffer(-_GAP_KM, join_style="mitre")
    return closed.simplify(SIMPLIFY_KM)


def join(outlines: Sequence[BaseGeometry]) -> BaseGeometry:
    """Unite outlines from `from_longitude_latitude`, and fill holes; what these were grown by is taken off again."""
    union = fill_holes(shapely.union_all(outlines)).buffer(-SIMPLIFY_KM, join_style="mitre")
    return fill_holes(union.simplify(SIMPLIFY_KM))


def fill_holes(geometry: BaseGeometry) -> BaseGeometry:
    """Fill the holes of a Polygon or MultiPolygon: the area of an aurora is that inside its outer boundary."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return shapely.MultiPolygon([shapely.Polygon(part.exterior) for part in parts])


def to_longitude_latitude(geometry: BaseGeometry, plane: Plane) -> BaseGeometry:
    """Convert an outline in the plane to east longitude (0 to 360) and latitude, cut at 0/360.

    An outline around a pole is continued along the pole, as maps with straight meridians require.
    """
    parts = [part for part in shapely.get_parts(geometry) if not part.is_empty]
    whole = shapely.union_all([_part_to_longitude_latitude(part, plane) for part in parts])
    return _keep_polygons(shapely.set_precision(whole, _PRECISION_DEG))  # drops slivers that rounding would collapse


def from_longitude_latitude(geometry: BaseGeometry, plane: Plane) -> BaseGeometry:
    """Convert an outline in east longitude and latitude to the plane, its parts at 0/360 joined."""
    fine = shapely.segmentize(geometry, 1.0)

    def project(points: NDArray[Any]) -> NDArray[Any]:
        return np.column_stack(plane.project(points[:, 1], points[:, 0]))

    return shapely.transform(fine, project).buffer(SIMPLIFY_KM, join_style="mitre")


def to_wkt(geometry: BaseGeometry, plane: Plane, max_characters: int = MAX_CHARACTERS) -> str:
    """Write an outline in the plane as well-known text in longitude and latitude, see `to_longitude_latitude`.

    It is simplified, and small parts are dropped, as far as needed to have no more than a number of characters.
    """
    text = _write_wkt(geometry, plane)
    for simplify_km in SIMPLIFY_KM * 2.0 ** np.arange(1, 10):
        if len(text) <= max_characters:
            break
        parts = shapely.get_parts(geometry.simplify(simplify_km))
        area_km2 = shapely.area(parts)
        kept = parts[area_km2 >= min(simplify_km**2, area_km2.max())]
        text = _write_wkt(shapely.MultiPolygon(list(kept)), plane)
    return text


def _write_wkt(geometry: BaseGeometry, plane: Plane) -> str:
    text: str = shapely.to_wkt(to_longitude_latitude(geometry, plane), rounding_precision=3)
    return text


def find_cut(ring: NDArray[Any]) -> NDArray[np.bool_]:
    """Select the edges (N - 1) of a ring (N, 2) of longitudes and latitudes along the cut at 0/360 or a pole.

    They are no edges of an aurora.
    """
    on_cut: NDArray[np.bool_] = (ring[:, 0] % 360 == 0) | (np.abs(ring[:, 1]) == 90)
    return on_cut[:-1] & on_cut[1:]


def _part_to_longitude_latitude(part: BaseGeometry, plane: Plane) -> BaseGeometry:
    ring = shapely.get_coordinates(shapely.segmentize(part.exterior, _EDGE_KM))
    lat, lon = plane.unproject(ring[:, 0], ring[:, 1])
    lon = np.degrees(np.unwrap(np.radians(lon)))
    turn = lon[-1] - lon[0]
    if abs(turn) > 180:  # the ring encloses a pole
        pole = 90.0 if lat.mean() > 0 else -90.0
        lon, lat = np.append(lon, [lon[-1], lon[0]]), np.append(lat, [pole, pole])
    polygon = shapely.make_valid(shapely.Polygon(np.column_stack([lon, lat])))
    pieces = [
        shapely.transform(
            shapely.intersection(polygon, shapely.box(shift, -90, shift + 360, 90)),
            lambda xy, shift=shift: xy - [shift, 0],
        )
        for shift in (-360, 0, 360)
    ]
    return shapely.union_all([piece for piece in pieces if piece.area > 0])


def _keep_polygons(geometry: BaseGeometry) -> BaseGeometry:
    """Remove the points and lines that slivers have shrunk to."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
