"""Overlap of the footprints of successive integrations, from the corners of their pixels."""

from __future__ import annotations

import numpy as np

from mars_aurora.observation import Float64Array, Observation
from mars_aurora.sphere import unit_vectors

_BINS_USED = 8  # the overlap is the same along the slit


def overlaps(observation: Observation) -> Float64Array:
    """Compute which fraction of a footprint the next integration sees again: (nI - 1,), 0 where it is not known.

    The median over pixels on the disk. It is 1 where the scan pauses, and 0 or less where footprints do not overlap.
    """
    n_integrations, n_slit = observation.shape
    if n_integrations < 2:
        return np.zeros(0)
    columns = slice(None, None, max(n_slit // _BINS_USED, 1))
    corners = unit_vectors(observation.corner_latitude_deg[:, columns], observation.corner_longitude_deg[:, columns])
    corners[~observation.on_disk[:, columns]] = np.nan
    a, b, c, d = np.moveaxis(corners, 2, 0)
    step = np.diff((a + b + c + d) / 4, axis=0)
    width = np.maximum(*(np.abs((line[:-1] * step).sum(-1)) for line in ((b + c - a - d) / 2, (c + d - a - b) / 2)))
    squared = (step**2).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = np.where(squared > 0, 1 - squared / width, 1.0)
    fraction[np.isnan(squared)] = np.nan
    known = np.isfinite(fraction).any(axis=1)
    overlap = np.full(n_integrations - 1, np.nan)
    overlap[known] = np.nanmedian(fraction[known], axis=1)
    usual = float(np.median(overlap[known])) if known.any() else 0.0
    return np.where(known, overlap, usual)
