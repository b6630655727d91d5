"""Footprints of pixels on the sphere: areas, and overlap along the scan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import BoolArray, Float64Array, Observation
from mars_aurora.sphere import MARS_RADIUS_KM, unit_vectors


def pixel_areas_km2(corner_lat_deg: NDArray[Any], corner_lon_deg: NDArray[Any]) -> Float64Array:
    """Compute the area of each footprint, (N,), from corners (N, 4) in order around it: half the diagonals' product."""
    return _areas_km2(unit_vectors(corner_lat_deg, corner_lon_deg))


def _areas_km2(corners: Float64Array) -> Float64Array:
    a, b, c, d = np.moveaxis(corners, -2, 0)
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


def net_areas_km2(observation: Observation, pixels: BoolArray) -> Float64Array:
    """Compute the area of Mars that each pixel adds to its swath, so that overlap along the scan counts once.

    A pixel has what is nearer to it than to the pixels of the integrations before and after, out to half its own size
    where one of these is not on the disk.

    Parameters
    ----------
    observation : Observation
    pixels : (nI, nS) bool
        Pixels on the disk with known corners.

    Returns
    -------
    (nI, nS) float64, NaN for all other pixels
    """
    corners = unit_vectors(observation.corner_latitude_deg[pixels], observation.corner_longitude_deg[pixels])
    centers = np.full((pixels.shape[0] + 2, pixels.shape[1], 3), np.nan)
    on_disk = observation.on_disk
    centers[1:-1][on_disk] = unit_vectors(observation.latitude_deg[on_disk], observation.longitude_deg[on_disk])
    steps = np.diff(centers, axis=0)
    lines = midlines(corners)
    halves = (_half_to_next(lines, step[pixels]) for step in (steps[:-1], steps[1:]))
    areas = np.full(pixels.shape, np.nan)
    areas[pixels] = _areas_km2(corners) * sum(halves)
    return areas


def _half_to_next(lines: tuple[Float64Array, Float64Array], step: Float64Array) -> Float64Array:
    """Compute the fraction of each footprint, up to a half, that is nearer to it than to the next one; steps (N, 3)."""
    squared, *widths = (np.einsum("ij,ij->i", step, other) for other in (step, *lines))
    with np.errstate(divide="ignore", invalid="ignore"):
        half: Float64Array = np.fmin(np.where(squared == 0, 0, squared / np.maximum(*np.abs(widths))), 1.0) / 2
    return half
