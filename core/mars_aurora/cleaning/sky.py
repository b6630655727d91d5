"""Background of particles: light that the sky beside the disk cannot have, and that the disk has as well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import BoolArray, Float64Array, FloatArray

MIN_PIXELS = 50  # of the sky
_BLOCKS = 8  # of integrations
_CELLS = 8  # of bins
_MIN_CELLS = 3  # of the night of a block
_MEDIAN_VARIANCE = np.pi / 2  # of a median, over that of a mean
_NONE = 1e-12
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
    excess = np.maximum(_follow(brightness_R, sky, night) - MAX_SKY * usual_night_R, 0)
    if night.any():
        most = float(brightness_R[night].mean()) - _NIGHT * usual_night_R
        in_night = float(np.average(excess, weights=night.sum(1)))
        excess *= np.clip(most / in_night, 0, 1) if in_night > 0 else 1
    return Sky(level, error, excess)


def _follow(brightness_R: FloatArray, sky: BoolArray, night: BoolArray) -> Float64Array:
    """Follow the brightness of the sky along the scan, as far as it varies by more than its noise: (nI,).

    Where the slit lies on the disk, the night of the disk is followed, less its excess over the sky elsewhere.
    """
    rows = np.arange(len(sky))
    blocks = rows * _BLOCKS // len(sky)
    cells = np.arange(sky.shape[1]) * _CELLS // sky.shape[1]
    mean, weight = _average(brightness_R, sky, blocks, np.zeros_like(cells))[:, :, 0]
    on_disk, weight_on_disk = _find_middle(*_average(brightness_R, night, blocks, cells))
    both = weight * weight_on_disk > 0
    if both.any():
        trust = 1 / (1 / weight[both] + 1 / weight_on_disk[both])
        excess = (on_disk - mean)[both]
        usual = np.average(excess, weights=trust)
        variance = max(np.average((excess - usual) ** 2, weights=trust), 1 / trust.sum())
        also = weight_on_disk / (1 + weight_on_disk * variance)
        mean = (weight * mean + also * (on_disk - usual)) / np.maximum(weight + also, _NONE)
        weight = weight + also
    level = float(np.average(mean, weights=weight))
    spread = max(np.average((mean - level) ** 2, weights=weight) - np.count_nonzero(weight) / weight.sum(), 0)
    shrunk = level + (mean - level) * spread * weight / (1 + spread * weight)
    followed: Float64Array = np.interp(rows, np.bincount(blocks, rows) / np.bincount(blocks), shrunk)
    return followed


def _average(
    brightness_R: FloatArray, chosen: BoolArray, blocks: NDArray[np.intp], cells: NDArray[np.intp]
) -> Float64Array:
    """Average the chosen pixels of each block and cell of bins: means and inverse variances, (2, blocks, cells)."""
    shape = (_BLOCKS, int(cells[-1]) + 1)
    rows, columns = np.nonzero(chosen)
    index = blocks[rows] * shape[1] + cells[columns]
    values = brightness_R[chosen].astype(np.float64)
    count = np.bincount(index, minlength=shape[0] * shape[1])
    mean = np.bincount(index, values, count.size) / np.maximum(count, 1)
    variance = float(values.var()) if values.size else 1.0
    return np.array([mean, count / max(variance, _NONE)]).reshape(2, *shape)


def _find_middle(mean: Float64Array, weight: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Find the median of the cells of each block, and its inverse variance; auroras are in fewer than half of them."""
    known = weight > 0
    middle = np.zeros(len(mean))
    for block in np.flatnonzero(known.sum(1) >= _MIN_CELLS):
        middle[block] = np.median(mean[block][known[block]])
    return middle, np.where(known.sum(1) >= _MIN_CELLS, weight.sum(1) / _MEDIAN_VARIANCE, 0)
