"""Background of particles: light that the sky beside the disk cannot have, and that the disk has as well."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import BoolArray, Float64Array, FloatArray

MIN_PIXELS = 50  # of the sky
_BLOCKS = 24  # of integrations
_CELLS = 16  # of bins
_MIN_CELLS = 5  # of the night of a block
_QUANTILE = 0.25  # of the cells of the night: auroras are in fewer than three quarters
_MIN_PIXELS = 5  # of a cell of the night
_QUANTILE_VARIANCE = 1.86  # of that quantile, over that of a mean
_LEAST = 1e-6  # variance, R**2
_LEAST_LEVEL = 0.2  # of the sky, whose photon noise a fainter mean has at least
_SIGMAS = 3.0
MAX_SKY = 2.0  # of the usual night: the most that corona and nightglow above the limb have
_NIGHT = 0.5  # of the usual night: the least that is left of the night

# of the Gaussian process that follows the background of particles; times are fractions of the scan
_VARIATION = (0.0, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0)  # standard deviation, as a fraction of the level of the sky
_TIMES = (0.08, 0.16, 0.32)
_NIGHT_VARIATION_R, _NIGHT_TIME = 1.0, 0.15  # of that quantile, which is not of particles
_DIFFUSE_R = 30.0  # standard deviation of the difference of night and sky


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


@dataclass(frozen=True)
class _Means:
    """Means of blocks of integrations: times as fractions of the scan, values, variances, and which are of the disk."""

    times: Float64Array
    values_R: Float64Array
    variances_R2: Float64Array
    on_disk: BoolArray


def _follow(brightness_R: FloatArray, sky: BoolArray, night: BoolArray) -> Float64Array:
    """Follow the brightness of the sky along the scan, as far as it varies by more than its noise: (nI,).

    Where the slit lies on the disk, the night of the disk is followed, less its excess over the sky elsewhere. By
    regression with Gaussian processes (Rasmussen and Williams 2006, chapters 2 and 5), averaged over their time scales
    and standard deviations by marginal likelihood.
    """
    level_R = float(brightness_R[sky].mean(dtype=np.float64))
    means = _find_means(brightness_R, sky, night)
    both_on_disk = means.on_disk[:, None] & means.on_disk
    lags = np.abs(means.times[:, None] - means.times)
    fixed = level_R**2 + np.diag(means.variances_R2)
    fixed += both_on_disk * (_DIFFUSE_R**2 + _NIGHT_VARIATION_R**2 * _correlate(lags, _NIGHT_TIME))
    rows = (np.arange(len(sky)) + 0.5) / len(sky)
    row_lags = np.abs(rows[:, None] - means.times)
    likelihoods, courses = [], []
    for time, variation in product(_TIMES, _VARIATION):
        variance = (variation * level_R) ** 2
        covariance = fixed + variance * _correlate(lags, time)
        weights = np.linalg.solve(covariance, means.values_R - level_R)
        courses.append(level_R + (level_R**2 + variance * _correlate(row_lags, time)) @ weights)
        likelihoods.append(-((means.values_R - level_R) @ weights + np.linalg.slogdet(covariance)[1]) / 2)
    followed: Float64Array = np.average(courses, axis=0, weights=np.exp(np.array(likelihoods) - max(likelihoods)))
    return followed


def _correlate(lags: Float64Array, time: float) -> Float64Array:
    """Return the correlation of a Matern process of order 3/2 at time lags."""
    scaled = np.sqrt(3) * lags / time
    correlation: Float64Array = (1 + scaled) * np.exp(-scaled)
    return correlation


def _find_means(brightness_R: FloatArray, sky: BoolArray, night: BoolArray) -> _Means:
    """Find the mean of the sky in each block, and a low quantile of its night, which most auroras do not change.

    The noise is photon noise, whose size is that of the sky.
    """
    rows = np.arange(len(sky))
    blocks = rows * _BLOCKS // len(sky)
    cells = np.arange(sky.shape[1]) * _CELLS // sky.shape[1]
    middles = (np.bincount(blocks, rows) / np.maximum(np.bincount(blocks), 1) + 0.5) / len(sky)
    of_sky, in_sky = (part[:, 0] for part in _average(brightness_R, sky, blocks, np.zeros_like(cells)))
    of_cells, in_cells = _average(brightness_R, night, blocks, cells)
    is_known = in_cells >= _MIN_PIXELS
    sees_sky, sees_night = np.flatnonzero(in_sky), np.flatnonzero(is_known.sum(1) >= _MIN_CELLS)
    of_night = np.array([np.quantile(of_cells[block, is_known[block]], _QUANTILE) for block in sees_night])
    in_night = (in_cells * is_known).sum(1)[sees_night] / _QUANTILE_VARIANCE
    values = np.concatenate([of_sky[sees_sky], of_night])
    pixels = np.concatenate([in_sky[sees_sky], in_night])
    level = float(np.average(of_sky, weights=in_sky))
    scatter = float(((brightness_R - of_sky[blocks, None])[sky].astype(np.float64) ** 2).mean())
    variances = np.maximum(scatter * np.maximum(values / level, _LEAST_LEVEL) / pixels, _LEAST)
    on_disk = np.arange(len(values)) >= len(sees_sky)
    return _Means(middles[np.concatenate([sees_sky, sees_night])], values, variances, on_disk)


def _average(
    brightness_R: FloatArray, chosen: BoolArray, blocks: NDArray[np.intp], cells: NDArray[np.intp]
) -> tuple[Float64Array, Float64Array]:
    """Average the chosen pixels of each block and cell of bins: means and numbers of pixels, (blocks, cells)."""
    shape = int(blocks[-1]) + 1, int(cells[-1]) + 1
    rows, columns = np.nonzero(chosen)
    index = blocks[rows] * shape[1] + cells[columns]
    pixels = np.bincount(index, minlength=shape[0] * shape[1]).astype(np.float64)
    total = np.bincount(index, brightness_R[chosen].astype(np.float64), pixels.size)
    return (total / np.maximum(pixels, 1)).reshape(shape), pixels.reshape(shape)
