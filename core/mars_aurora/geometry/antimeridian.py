"""Outlines for maps with longitudes from -180 to 180: cut at the antimeridian and at the poles (RFC 7946, 3.1.9).

Parts end a ten-thousandth of a degree, 6 m, before the cuts: parts that met there would overlap in projections in which
both sides of a cut are one line, and the pole of the other hemisphere has no place in a stereographic projection.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

MARGIN_DEG = 1e-4  # between a part and the cut
_EDGE_DEG = 2.0  # edges are divided to this length, as they are curves in other projections


def cut_at_antimeridian(outline: BaseGeometry) -> shapely.MultiPolygon:
    """Convert an outline in east longitude 0 to 360 and latitude to a map from -180 to 180.

    No part is wider than 180 degrees: wider ones, such as those around a pole, are cut at 0 as well. Exterior rings are
    counterclockwise.
    """
    outline = shapely.set_precision(outline, 0)  # else results would be on its grid
    east = shapely.intersection(outline, shapely.box(0, -90, 180, 90))
    west = shapely.intersection(outline, shapely.box(180, -90, 360, 90))
    joined = shapely.union_all([east, shapely.transform(west, lambda xy: xy - [360, 0])])  # at longitude 0
    pieces = [piece for part in shapely.get_parts(joined) for piece in shapely.get_parts(_cut(part))]
    polygons = [piece for piece in pieces if piece.geom_type == "Polygon" and piece.area > 0]
    return shapely.MultiPolygon(list(shapely.orient_polygons(shapely.segmentize(polygons, _EDGE_DEG))))


def cut_all(outlines: Sequence[BaseGeometry]) -> list[shapely.MultiPolygon]:
    """Convert outlines as `cut_at_antimeridian`; those of one part far from the cuts are converted at once."""
    geometries = np.array(outlines, object)
    west, south, east, north = shapely.bounds(geometries).T
    is_west = west >= 180 + MARGIN_DEG
    within = (is_west & (east <= 360 - MARGIN_DEG)) | ((west >= MARGIN_DEG) & (east <= 180 - MARGIN_DEG))
    is_single = shapely.get_num_geometries(geometries) == 1
    simple = within & is_single & (south >= MARGIN_DEG - 90) & (north <= 90 - MARGIN_DEG)
    parts = shapely.get_geometry(geometries[simple], 0)
    shifts = np.repeat(-360.0 * is_west[simple], shapely.get_num_coordinates(parts))
    moved = shapely.set_coordinates(
        parts, shapely.get_coordinates(parts) + np.stack([shifts, np.zeros_like(shifts)], 1)
    )
    oriented = shapely.orient_polygons(shapely.segmentize(moved, _EDGE_DEG))
    result = np.empty(len(geometries), object)
    if len(oriented):
        result[simple] = shapely.multipolygons(oriented, indices=np.arange(len(oriented)))
    for number in np.flatnonzero(~simple):
        result[number] = cut_at_antimeridian(geometries[number])
    return list(result)


def _cut(part: BaseGeometry) -> BaseGeometry:
    west, _, east, _ = part.bounds
    ranges = ((-180.0, 0.0), (0.0, 180.0)) if east - west > 180 else ((-180.0, 180.0),)
    south, north = MARGIN_DEG - 90, 90 - MARGIN_DEG
    return shapely.GeometryCollection(
        [
            piece
            for low, high in ranges
            for piece in shapely.get_parts(part & shapely.box(low + MARGIN_DEG, south, high - MARGIN_DEG, north))
        ]
    )
