"""Spikes: light in one integration that its overlapping neighbors do not see, so that it is not on Mars.

The thinnest source that could be seen is a line. One along the slit is seen by the next integration as well: through a
slit of width w, at a step d of the scan, with exp(-6 (d / w)^2) of its light, for a Gaussian of the variance of the
slit. One along the scan is seen by both neighbors in full. So of the light above the background in and beside a window
of bins, at most a known fraction is in the window. The brightest line that fits the counts in both is compared with
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mars_aurora.observation import BoolArray, Float64Array, FloatArray

MIN_OVERLAP = 0.3
MAX_PROBABILITY = 1e-6
_WINDOWS = (1, 3, 5, 9, 15)  # bins: a spike is one pixel, or a run of bins
_ALONG_SCAN = 2.0  # light of a line along the scan in both neighbors, in units of that in the window
_MEMBER_PROBABILITY = 0.05  # of each pixel that a run has
_MIN_CONTRAST = 1.5  # of a spike, over what is expected: the background is not exact
_BACKGROUND_BINS, _BACKGROUND_ROWS = 9, 7  # without the three rows in the middle


@dataclass(frozen=True)
class _Counts:
    """Counts of each pixel and of its two neighbors, 0 where it is not compared; all as `_cumulate` returns them.

    Attributes
    ----------
    inside, beside : in the pixel, and in both neighbors
    compared : 1 where two neighbors are known
    seen : light of a line along the slit in both neighbors, in units of that in the pixel
    background : expected in one pixel, from the integrations beyond the neighbors
    """

    inside: FloatArray
    beside: FloatArray
    compared: FloatArray
    seen: FloatArray
    background: FloatArray


def find_spikes(brightness_R: FloatArray, counts_per_R: float, overlap: Float64Array, on_disk: BoolArray) -> BoolArray:
    """Find pixels whose light would be in the neighboring integrations, too, if it came from Mars: (nI, nS).

    A pixel is compared with the integrations before and after it, at an edge or gap with two on one side, if they
    overlap by 30 %. A spike is a pixel, or a run of bins, of a probability below 1e-6, by the Chernoff bound, which is
    never below the Poisson probability.

    Parameters
    ----------
    brightness_R : (nI, nS) ndarray
        NaN where unknown.
    counts_per_R : float
    overlap : (nI - 1,) ndarray
        Fraction of a footprint that the next integration sees, too.
    on_disk : (nI, nS) bool
        Pixels of disk and sky are not compared with each other.
    """
    spikes = np.zeros(brightness_R.shape, bool)
    if not (overlap >= MIN_OVERLAP).any():
        return spikes
    counts = _count(brightness_R, counts_per_R, overlap, on_disk)
    for bins in _WINDOWS:
        found = _is_improbable(counts, bins, MAX_PROBABILITY)
        if found.any():
            spikes |= cv2.dilate(found.astype(np.uint8), np.ones((1, bins), np.uint8)) > 0
    return spikes & _is_improbable(counts, 1, _MEMBER_PROBABILITY) if spikes.any() else spikes


def _count(brightness_R: FloatArray, counts_per_R: float, overlap: Float64Array, on_disk: BoolArray) -> _Counts:
    """Count each pixel, its two neighbors, and the background."""
    known = np.isfinite(brightness_R)
    counts = np.where(known, brightness_R, 0).astype(np.float32) * np.float32(counts_per_R)
    near = np.pad(overlap, 2, constant_values=0.0)
    linked = near >= MIN_OVERLAP
    far = np.where(linked[:-1] & linked[1:], near[:-1] + near[1:] - 1, -np.inf)
    near = np.where(linked, near, -np.inf)
    n = len(counts)
    light, is_known, is_disk = (np.pad(array, ((2, 2), (0, 0))) for array in (counts, known, on_disk))
    has, absent, line = {}, {}, {}
    for shift, fractions in {-2: far[:n], -1: near[1 : n + 1], 1: near[2 : n + 2], 2: far[2 : n + 2]}.items():
        rows = slice(2 + shift, n + 2 + shift)
        line[shift] = np.exp(-6 * (1 - fractions) ** 2)[:, None].astype(np.float32)
        absent[shift] = ~is_known[rows] | (line[shift] == 0)
        has[shift] = known & ~absent[shift] & (is_disk[rows] == on_disk)
    compared, beside, seen = (np.zeros_like(counts) for _ in range(3))
    for pair, alone in {(-1, 1): known, (1, 2): absent[-1], (-2, -1): absent[1]}.items():
        where = (has[pair[0]] & has[pair[1]] & alone).astype(np.float32)
        compared += where
        beside += where * sum(light[2 + shift : n + 2 + shift] for shift in pair)
        seen += where * sum(line[shift] ** (1 if pair == (-1, 1) else 2) for shift in pair)
    around = [
        _sum(array, _BACKGROUND_BINS, _BACKGROUND_ROWS) - _sum(array, _BACKGROUND_BINS, 3)
        for array in (counts, known.astype(np.float32))
    ]
    background = np.maximum(around[0], 0) / np.maximum(around[1], 1)
    return _Counts(*(_cumulate(part) for part in (counts * compared, beside, compared, seen, background * compared)))


def _cumulate(values: FloatArray) -> FloatArray:
    """Return sums along the slit up to each bin, from beyond its ends: (nI, nS + 17)."""
    half = max(_WINDOWS) // 2 + 1
    return np.cumsum(np.pad(values, ((0, 0), (half + 1, half))), axis=1, dtype=np.float32)


def _is_improbable(counts: _Counts, bins: int, probability: float) -> BoolArray:
    """Select windows of bins, by their middle, that no line on Mars explains with at least this probability."""
    limit = -np.log(probability)
    inside = _sum_bins(counts.inside, bins)
    found: BoolArray = inside * np.float32(np.log1p(_ALONG_SCAN)) > limit  # necessary without a background
    inside, pixels, behind = (
        inside[found],
        _sum_bins(counts.compared, bins)[found],
        _sum_bins(counts.background, bins)[found],
    )
    beside = np.maximum(_sum_bins(counts.beside, bins + 2)[found], 0)
    pixels_beside = 2 * _sum_bins(counts.compared, bins + 2)[found]
    ratio = np.clip(_sum_bins(counts.seen, bins + 2)[found] / np.maximum(pixels, 1), 1e-6, _ALONG_SCAN)
    background = np.minimum(behind / np.maximum(pixels, 1), beside / np.maximum(pixels_beside, 1))
    expected = background * pixels + (beside - background * pixels_beside) / ratio
    improbable = (inside > _MIN_CONTRAST * expected) & ((inside - expected) ** 2 > limit * expected) & (pixels > 0)
    parts = (inside, beside, background * pixels, background * pixels_beside, ratio)
    improbable[improbable] = _deviate(*(part[improbable].astype(np.float64) for part in parts)) > limit
    found[found] = improbable
    return found


def _deviate(
    inside: Float64Array, beside: Float64Array, behind: Float64Array, behind_beside: Float64Array, ratio: Float64Array
) -> Float64Array:
    """Compute half the deviance of counts from the brightest line that fits, above the backgrounds behind both."""
    square = (1 + ratio) * ratio
    linear = (1 + ratio) * (behind_beside + ratio * behind) - ratio * (inside + beside)
    constant = (1 + ratio) * behind * behind_beside - inside * behind_beside - beside * ratio * behind
    line = (np.sqrt(np.maximum(linear**2 - 4 * square * constant, 0)) - linear) / (2 * square)
    deviance = np.zeros_like(inside)
    for found, expected in ((inside, behind + line), (beside, behind_beside + ratio * line)):
        with np.errstate(divide="ignore", invalid="ignore"):
            deviance += np.where(found > 0, found * np.log(found / expected), 0) - found + expected
    return deviance


def _sum_bins(cumulated: FloatArray, bins: int) -> FloatArray:
    """Sum over a window of bins around each bin: (nI, nS)."""
    half = max(_WINDOWS) // 2 + 1
    n_slit = cumulated.shape[1] - 1 - 2 * half
    first = half - bins // 2
    return cumulated[:, first + bins : first + bins + n_slit] - cumulated[:, first : first + n_slit]


def _sum(values: FloatArray, bins: int, rows: int = 1) -> FloatArray:
    total = cv2.boxFilter(values, -1, (bins, rows), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total, np.float32)
