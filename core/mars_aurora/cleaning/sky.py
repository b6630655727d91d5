"""Background of particles: light that the sky beside the disk cannot have, and that the disk has as well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mars_aurora.observation import BoolArray, Float64Array, FloatArray

MIN_PIXELS = 50  # of the sky
_BLOCKS = 8  # of integrations
_SIGMAS = 3.0
MAX_SKY = 2.0  # of the usual night: the most that corona and nightglow above the limb have
_NIGHT = 0.5  # of the usual night: the least that is left of the night


@dataclass(frozen=True)
class Sky:
    """Brightness of the dark sky, its error, and the background of particles in each integration, R: (nI,)."""

    level_R: float
    error_R: float
    particles_R: Float64Array


def measure_sky(brightness_R: FloatArray, sky: BoolArray, night: BoolArray, usual_night_R: float) -> Sky | None:
    """Measure the dark sky, and the part of it that is not from Mars; None with fewer than 50 pixels of sky.

    Parameters
    ----------
    brightness_R : (nI, nS) ndarray
    sky, night : (nI, nS) bool
        Dark pixels off and on the disk, with a known brightness.
    usual_night_R : float
        Brightness of the nightglow.
    """
    if np.count_nonzero(sky) < MIN_PIXELS:
        return None
    values = brightness_R[sky].astype(np.float64)
    level, error = float(values.mean()), float(values.std() / np.sqrt(values.size))
    none = np.zeros(len(brightness_R))
    if level - _SIGMAS * error <= MAX_SKY * usual_night_R:
        return Sky(level, error, none)
    excess = np.maximum(_follow(brightness_R, sky) - MAX_SKY * usual_night_R, 0)
    if night.any():
        most = float(brightness_R[night].mean()) - _NIGHT * usual_night_R
        in_night = float(np.average(excess, weights=night.sum(1)))
        excess *= np.clip(most / in_night, 0, 1) if in_night > 0 else 1
    return Sky(level, error, excess)


def _follow(brightness_R: FloatArray, sky: BoolArray) -> Float64Array:
    """Follow the brightness of the sky along the scan, as far as it varies by more than its noise: (nI,)."""
    rows = np.arange(len(sky))
    blocks = rows * _BLOCKS // len(sky)
    values, block = brightness_R[sky].astype(np.float64), np.repeat(blocks, sky.sum(1))
    count = np.maximum(np.bincount(block, minlength=_BLOCKS), 1)
    mean = np.bincount(block, values, _BLOCKS) / count
    variance = values.var() / count
    variance[np.bincount(block, minlength=_BLOCKS) == 0] = np.inf
    level = values.mean()
    spread = np.average((mean - level) ** 2, weights=count) - values.var() * _BLOCKS / values.size
    shrunk = level + (mean - level) * max(spread, 0) / (max(spread, 0) + variance)
    followed: Float64Array = np.interp(rows, np.bincount(blocks, rows) / np.bincount(blocks), shrunk)
    return followed
