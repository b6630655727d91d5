"""The noise of a picture, as counts per rayleigh: estimated from the scatter of its pixels.

The errors in a file are not used. They may be too small, as those of MAVEN/IUVS are, and those of pixels with few
counts do not tell the mean: where nothing was counted, the variance of one count is stated. The background of particles
that cleaning has removed was counted as well.
"""

from __future__ import annotations

import numpy as np

from mars_aurora.emission import NIGHT_SZA_DEG
from mars_aurora.observation import BoolArray, FloatArray, Observation

BLOCK = 16  # pixels along a side of the blocks in which the scatter is compared with the brightness
MIN_BLOCK = 50  # pixels, least of a block
MIN_NIGHT_BLOCKS = 5


def find_sensitivity(observation: Observation) -> float | None:
    """Estimate the counts per rayleigh of the night, or of the whole disk where there is little night.

    None where no block of pixels is large enough. Noise that is not photon noise lowers the value.
    """
    counted_R = observation.brightness_R + np.float32(find_removed(observation))
    night = observation.on_disk & (observation.sza_deg > NIGHT_SZA_DEG)
    for where, blocks in ((night, MIN_NIGHT_BLOCKS), (observation.on_disk, 1)):
        values = find_block_sensitivities(counted_R, where, 1)
        if len(values) >= blocks:
            return as_stated(float(np.median(values)))
    return None


def find_removed(observation: Observation) -> float:
    """Return the mean background of particles in R that cleaning removed from all pixels."""
    return as_stated(observation.facts.cleaning.get("particle_background_R", 0.0))


def as_stated(value: float) -> float:
    """Round as a PNG states it, for the same detections."""
    return float(np.float32(f"{value:.6g}"))


def find_block_sensitivities(brightness_R: FloatArray, where: BoolArray, lag: int) -> FloatArray:
    """Estimate the counts per rayleigh of each block with enough pixels.

    The variance is that of second differences along the first axis, from which gradients cancel.

    Parameters
    ----------
    brightness_R : (N, M) float32
        NaN where unknown.
    where : (N, M) bool
        Pixels to use.
    lag : int
        Distance of the pixels that are compared.

    Returns
    -------
    (K,) float32; blocks that are not brighter than 0, or without scatter, are left out
    """
    before, middle, after = brightness_R[: -2 * lag], brightness_R[lag:-lag], brightness_R[2 * lag :]
    difference = before - 2 * middle + after
    used = np.isfinite(difference) & where[: -2 * lag] & where[lag:-lag] & where[2 * lag :]
    rows, columns = np.nonzero(used)
    block = rows // BLOCK * (used.shape[1] // BLOCK + 1) + columns // BLOCK
    variance = np.bincount(block, difference[used].astype(np.float64) ** 2)
    expected = np.bincount(block, (before + 4 * middle + after)[used], minlength=len(variance))
    kept = (np.bincount(block, minlength=len(variance)) >= MIN_BLOCK) & (expected > 0) & (variance > 0)
    return (expected[kept] / variance[kept]).astype(np.float32)
