"""Footprints on the sphere of Mars: areas and outlines that hold at the poles and at 0/360.

Geometry is done in a Lambert equal-area plane centred on the aurora (Snyder 1987, eqs 24-2 to 24-4): areas
there are areas on the sphere. Longitudes are east.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from mars_aurora.geometry.canvas import MARS_RADIUS_KM
from mars_aurora.observation import Float64Array

_GAP_KM = 10.0  # seams between footprints trimmed to the step, up to twice this, are closed; pixels are wider
_FINE_KM = 1.0
_PLACE_DEG = 0.001  # 60 m: how finely outlines are written
_STEP_KM = 50.0  # outlines are cut to edges of this length before they become longitude and latitude


@dataclass(frozen=True)
class Plane:
    """The equal-area plane that touches Mars at a place: x to the east, y to the north, in km."""

    lat_deg: float
    lon_deg: float

    def project(self, lat_deg: NDArray[Any], lon_deg: NDArray[Any]) -> tuple[Float64Array, Float64Array]:
        """Project places (any shape) to x, y in km."""
        east, north, up = np.moveaxis(unit_vectors(lat_deg, lon_deg) @ self._axes().T, -1, 0)
        scale = MARS_RADIUS_KM * np.sqrt(2 / np.maximum(1 + up, 1e-9))
        return east * scale, north * scale

    def unproject(self, x_km: NDArray[Any], y_km: NDArray[Any]) -> tuple[Float64Array, Float64Array]:
        """Turn x, y in km to latitude and east longitude, 0 to 360."""
        x, y = np.asarray(x_km, np.float64) / MARS_RADIUS_KM, np.asarray(y_km, np.float64) / MARS_RADIUS_KM
        square = np.minimum(x**2 + y**2, 4.0)
        local = np.stack([x * np.sqrt(1 - square / 4), y * np.sqrt(1 - square / 4), 1 - square / 2], axis=-1)
        return places(local @ self._axes())

    def _axes(self) -> Float64Array:
        lat, lon = np.radians(self.lat_deg), np.radians(self.lon_deg)
        east = [-np.sin(lon), np.cos(lon), 0.0]
        north = [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)]
        up = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
        return np.array([east, north, up])


def unit_vectors(lat_deg: NDArray[Any], lon_deg: NDArray[Any]) -> Float64Array:
    """Turn latitudes and longitudes (any shape) into unit vectors (shape, 3)."""
    lat, lon = np.radians(np.asarray(lat_deg, np.float64)), np.radians(np.asarray(lon_deg, np.float64))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def places(vectors: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Turn vectors (shape, 3) of any length into latitude and east longitude, 0 to 360."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x)) % 360


def mean_place(lat_deg: NDArray[Any], lon_deg: NDArray[Any], weights: NDArray[Any]) -> tuple[float, float]:
    """Average places (N,) as vectors; return latitude and east longitude."""
    total = (unit_vectors(lat_deg, lon_deg) * np.asarray(weights, np.float64)[:, None]).sum(0)
    lat, lon = places(total)
    return float(lat), float(lon)


def lift(
    lat_deg: NDArray[Any], lon_deg: NDArray[Any], spacecraft_km: Float64Array, altitude_km: float
) -> tuple[Float64Array, Float64Array]:
    """Move places on the surface up their lines of sight to a shell; return latitude and east longitude there.

    Parameters
    ----------
    lat_deg, lon_deg : (N,) or (N, K)
    spacecraft_km : (N, 3) from Mars's centre, body-fixed
    altitude_km : of the shell
    """
    surface = unit_vectors(lat_deg, lon_deg) * MARS_RADIUS_KM
    sight = spacecraft_km.reshape(-1, *[1] * (surface.ndim - 2), 3) - surface
    sight /= np.linalg.norm(sight, axis=-1, keepdims=True)
    slope = (surface * sight).sum(-1)
    way_km = np.sqrt(slope**2 + (MARS_RADIUS_KM + altitude_km) ** 2 - MARS_RADIUS_KM**2) - slope
    return places(surface + way_km[..., None] * sight)


def distance_km(lat_deg: NDArray[Any], lon_deg: NDArray[Any], plane: Plane) -> Float64Array:
    """Great-circle distance of places (any shape) from the plane's centre."""
    cosine = unit_vectors(lat_deg, lon_deg) @ unit_vectors(np.array(plane.lat_deg), np.array(plane.lon_deg))
    distance: Float64Array = MARS_RADIUS_KM * np.arccos(np.clip(cosine, -1, 1))
    return distance


def pixel_areas_km2(corner_lat_deg: NDArray[Any], corner_lon_deg: NDArray[Any]) -> Float64Array:
    """Area of each footprint from its corners in order round it, (N, 4) -> (N,): half its diagonals' cross product."""
    a, b, c, d = np.moveaxis(unit_vectors(corner_lat_deg, corner_lon_deg), -2, 0)
    area: Float64Array = np.linalg.norm(np.cross(c - a, d - b), axis=-1) / 2 * MARS_RADIUS_KM**2
    return area


def trim(corners: Float64Array, step: Float64Array) -> Float64Array:
    """Trim footprints that overlap along the scan to what each adds to it.

    Parameters
    ----------
    corners : (N, 4, 3) unit vectors in order round each footprint
    step : (N, 3) from one integration's pixel to the next; NaN where not known, which trims nothing

    Returns
    -------
    (N, 4, 3), shortened along the scan to the step where they are longer, about the same middle
    """
    a, b, c, d = np.moveaxis(corners, 1, 0)
    along, across = (b + c - a - d) / 2, (c + d - a - b) / 2  # the two middle lines; which one is along the scan?
    tilt = np.abs((along * step).sum(-1)) * np.linalg.norm(across, axis=-1)
    turned = tilt > np.abs((across * step).sum(-1)) * np.linalg.norm(along, axis=-1)
    line = np.where(turned[:, None], along, across)
    with np.errstate(invalid="ignore"):
        share = np.linalg.norm(step, axis=-1) / np.linalg.norm(line, axis=-1)
    cut = np.where(share < 1, 1 - share, 0.0)[:, None, None] / 2
    signs = np.where(turned[:, None], [1, -1, -1, 1], [1, 1, -1, -1])
    trimmed: Float64Array = corners + cut * signs[..., None] * line[:, None]
    return trimmed


def outline(corner_lat_deg: NDArray[Any], corner_lon_deg: NDArray[Any], plane: Plane) -> BaseGeometry:
    """Join footprints (N, 4) to their union in the plane, overlap counted once and holes filled.

    Returns a Polygon or MultiPolygon in km.
    """
    corners = np.stack(plane.project(corner_lat_deg, corner_lon_deg), axis=-1)
    quads = shapely.convex_hull(shapely.multipoints(corners))  # the hull mends corners given in a crossed order
    union = shapely.union_all(quads[shapely.get_dimensions(quads) == 2])
    closed = fill_holes(union.buffer(_GAP_KM, join_style="mitre")).buffer(-_GAP_KM, join_style="mitre")
    return closed.simplify(_FINE_KM)


def fill_holes(geometry: BaseGeometry) -> BaseGeometry:
    """Fill the holes of a Polygon or MultiPolygon: an aurora is all that its outer outline holds."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return shapely.MultiPolygon([shapely.Polygon(part.exterior) for part in parts])


def to_longitude_latitude(geometry: BaseGeometry, plane: Plane) -> BaseGeometry:
    """Turn an outline in the plane into one in east longitude (0 to 360) and latitude, cut at 0/360.

    An outline round a pole is led along the pole, as maps with straight meridians need it.
    """
    parts = [part for part in shapely.get_parts(geometry) if not part.is_empty]
    whole = shapely.union_all([_part_to_longitude_latitude(part, plane) for part in parts])
    return _polygons(shapely.set_precision(whole, _PLACE_DEG))  # slivers that writing would collapse go here


def _polygons(geometry: BaseGeometry) -> BaseGeometry:
    """Leave out the points and lines to which slivers may shrink."""
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def from_longitude_latitude(geometry: BaseGeometry, plane: Plane) -> BaseGeometry:
    """Turn an outline in east longitude and latitude back into one in the plane, its parts at 0/360 joined."""
    fine = shapely.segmentize(geometry, 1.0)

    def project(places: NDArray[Any]) -> NDArray[Any]:
        return np.column_stack(plane.project(places[:, 1], places[:, 0]))

    return shapely.transform(fine, project).buffer(_FINE_KM)


def _part_to_longitude_latitude(part: BaseGeometry, plane: Plane) -> BaseGeometry:
    ring = shapely.get_coordinates(shapely.segmentize(part.exterior, _STEP_KM))
    lat, lon = plane.unproject(ring[:, 0], ring[:, 1])
    lon = np.degrees(np.unwrap(np.radians(lon)))
    turn = lon[-1] - lon[0]
    if abs(turn) > 180:  # once round a pole
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


def to_wkt(geometry: BaseGeometry) -> str:
    """Write an outline of `to_longitude_latitude` as well-known text."""
    text: str = shapely.to_wkt(geometry, rounding_precision=3)
    return text
