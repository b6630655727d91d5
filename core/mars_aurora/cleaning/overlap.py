"""Overlap of the footprints of successive integrations, from the corners of their pixels."""

from __future__ import annotations

import numpy as np

from mars_aurora.observation import Float64Array, Observation
from mars_aurora.sphere import unit_vectors

_BINS_USED = 8  # the overlap is the same along the slit
_MAX_EMISSION_DEG = 70.0  # nearer to the limb footprints are too distorted


def overlaps(observation: Observation) -> Float64Array:
    """Compute which fraction of a footprint the next integration sees, too: (nI - 1,), 0 where it is not known.

    The median over pixels on the disk away from the limb, whose footprints are taken for parallelograms; the median of
    the others for integrations without any. It is 1 where the scan pauses.
    """
    n_integrations, n_slit = observation.shape
    columns = slice(None, None, max(n_slit // _BINS_USED, 1))
    corners = unit_vectors(observation.corner_latitude_deg[:, columns], observation.corner_longitude_deg[:, columns])
    emission_deg = observation.emission_angle_deg[:, columns]
    corners[~(observation.on_disk[:, columns] & (emission_deg < _MAX_EMISSION_DEG))] = np.nan
    a, b, c, d = np.moveaxis(corners, 2, 0)
    one, other = ((b + c - a - d) / 2)[:-1], ((c + d - a - b) / 2)[:-1]
    step = np.diff((a + b + c + d) / 4, axis=0)
    area = np.linalg.norm(np.cross(one, other), axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shifts = [np.linalg.norm(np.cross(step, side), axis=-1) / area for side in (one, other)]
    fraction = np.maximum(1 - shifts[0], 0) * np.maximum(1 - shifts[1], 0)
    known = np.isfinite(fraction).any(axis=1)
    overlap = np.zeros(n_integrations - 1)
    overlap[known] = np.nanmedian(fraction[known], axis=1)
    overlap[~known] = np.median(overlap[known]) if known.any() else 0
    return overlap
