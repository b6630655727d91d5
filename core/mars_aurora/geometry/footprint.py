"""Footprints of pixels on the sphere: areas, overlap along the scan, their union."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from mars_aurora.geometry.outline import SIMPLIFY_KM, fill_holes
from mars_aurora.geometry.plane import Plane
from mars_aurora.observation import Float64Array
from mars_aurora.sphere import MARS_RADIUS_KM, unit_vectors

_GAP_KM = 10.0  # gaps up to twice this between footprints trimmed to the step are closed; pixels are wider


def pixel_areas_km2(corner_lat_deg: NDArray[Any], corner_lon_deg: NDArray[Any]) -> Float64Array:
    """Compute the area of each footprint, (N,), from corners (N, 4) in order around it: half the diagonals' product."""
    a, b, c, d = np.moveaxis(unit_vectors(corner_lat_deg, corner_lon_deg), -2, 0)
    area: Float64Array = np.linalg.norm(np.cross(c - a, d - b), axis=-1) / 2 * MARS_RADIUS_KM**2
    return area


def midlines(corners: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Compute the two midlines of footprints from corners (N, 4, 3) in order around them: (N, 3) each."""
    a, b, c, d = np.moveaxis(corners, 1, 0)
    return (b + c - a - d) / 2, (c + d - a - b) / 2


def trim(corners: Float64Array, step: Float64Array) -> Float64Array:
    """Shorten footprints that overlap along the scan to the step of the scan.

    Parameters
    ----------
    corners : (N, 4, 3) ndarray
        Unit vectors, in order around each footprint.
    step : (N, 3) ndarray
        Vector from one integration's pixel to the next; NaN where unknown, which leaves the footprint as it is.

    Returns
    -------
    (N, 4, 3) float64, about the same center
    """
    along, across = midlines(corners)  # one of them is along the scan
    tilt = np.abs((along * step).sum(-1)) * np.linalg.norm(across, axis=-1)
    turned = tilt > np.abs((across * step).sum(-1)) * np.linalg.norm(along, axis=-1)
    line = np.where(turned[:, None], along, across)
    with np.errstate(invalid="ignore"):
        fraction = np.linalg.norm(step, axis=-1) / np.linalg.norm(line, axis=-1)
    cut = np.where(fraction < 1, 1 - fraction, 0.0)[:, None, None] / 2
    signs = np.where(turned[:, None], [1, -1, -1, 1], [1, 1, -1, -1])
    trimmed: Float64Array = corners + cut * signs[..., None] * line[:, None]
    return trimmed


def unite(corner_lat_deg: NDArray[Any], corner_lon_deg: NDArray[Any], plane: Plane) -> BaseGeometry:
    """Unite footprints (N, 4) in the plane, overlap counted once and holes filled; MultiPolygon or Polygon in km."""
    corners = np.stack(plane.project(corner_lat_deg, corner_lon_deg), axis=-1)
    quads = shapely.convex_hull(shapely.multipoints(corners))  # the hull repairs corners given in a crossed order
    union = shapely.union_all(quads[shapely.get_dimensions(quads) == 2])
    closed = fill_holes(union.buffer(_GAP_KM, join_style="mitre")).buffer(-_GAP_KM, join_style="mitre")
    return closed.simplify(SIMPLIFY_KM)
