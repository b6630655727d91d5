"""Spikes: light in one integration that its overlapping neighbors do not see, so that it is not on Mars.

The thinnest source that could be seen is a line. One along the slit is seen by the next integration as well: through a
slit of width w, at a step d of the scan, with exp(-6 (d / w)^2) of its light, for a Gaussian of the variance of the
slit. One along the scan is seen by both neighbors in full. So at most a known fraction of the light in and beside a
window of bins is in the window, and its counts are binomial with that probability at most.
"""

from __future__ import annotations

import cv2
import numpy as np

from mars_aurora.observation import BoolArray, Float64Array, FloatArray

MIN_OVERLAP = 0.3
MAX_PROBABILITY = 1e-6
_WINDOWS = (1, 3, 5, 9, 15)  # bins: a spike is one pixel, or a run of bins
_ALONG_SCAN = 1 / 3  # of the light of a line along the scan, in one integration of three
_MEMBER_PROBABILITY = 0.05  # of each pixel that a run has


def find_spikes(brightness_R: FloatArray, counts_per_R: float, overlap: Float64Array, on_disk: BoolArray) -> BoolArray:
    """Find pixels whose light would be in the neighboring integrations, too, if it came from Mars: (nI, nS).

    A pixel is compared with the integrations before and after it, at an edge or gap with two on one side, if they
    overlap by 30 %. A spike is a pixel, or a run of bins, of a probability below 1e-6, by the Chernoff bound, which is
    never below the binomial probability.

    Parameters
    ----------
    brightness_R : (nI, nS) ndarray
        NaN where unknown.
    counts_per_R : float
    overlap : (nI - 1,) ndarray
        Fraction of a footprint that the next integration sees, too.
    on_disk : (nI, nS) bool
        Pixels of the disk are compared with others of the disk, pixels of the sky with others of the sky.
    """
    spikes = np.zeros(brightness_R.shape, bool)
    if not (overlap >= MIN_OVERLAP).any():
        return spikes
    known = np.isfinite(brightness_R)
    counts = np.where(known, brightness_R, 0).astype(np.float32) * np.float32(counts_per_R)
    beside, seen = _sum_neighbors(counts, known, overlap, on_disk)
    compared = known & (seen > 0)
    counts *= compared
    members = _is_improbable(counts, compared, beside, seen, 1, _MEMBER_PROBABILITY)
    for bins in _WINDOWS:
        found = _is_improbable(counts, compared, beside, seen, bins, MAX_PROBABILITY)
        if found.any():
            spikes |= cv2.dilate(found.astype(np.uint8), np.ones((1, bins), np.uint8)) > 0
    return spikes & members


def _sum_neighbors(
    counts: FloatArray, known: BoolArray, overlap: Float64Array, on_disk: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Sum the counts of the two neighbors of each pixel, and the fractions of a line in the pixel that they see.

    Both sums are 0 where two neighbors are not known.
    """
    near = np.pad(overlap, 2, constant_values=0.0)
    linked = near >= MIN_OVERLAP
    far = np.where(linked[:-1] & linked[1:], near[:-1] + near[1:] - 1, -np.inf)
    near = np.where(linked, near, -np.inf)
    n = len(counts)
    light, is_known, is_disk = (np.pad(array, ((2, 2), (0, 0))) for array in (counts, known, on_disk))
    has, seen = {}, {}
    for shift, fractions in {-2: far[:n], -1: near[1 : n + 1], 1: near[2 : n + 2], 2: far[2 : n + 2]}.items():
        line = np.exp(-6 * (1 - fractions) ** 2)[:, None].astype(np.float32)
        rows = slice(2 + shift, n + 2 + shift)
        has[shift] = is_known[rows] & (is_disk[rows] == on_disk) & (line > 0)
        seen[shift] = line
    beside, total = np.zeros_like(counts), np.zeros_like(counts)
    sides = {(-1, 1): True, (1, 2): ~has[-1], (-2, -1): ~has[1]}
    for pair, alone in sides.items():
        where = (has[pair[0]] & has[pair[1]] & alone).astype(np.float32)
        beside += where * sum(light[2 + shift : n + 2 + shift] for shift in pair)
        total += where * sum(seen[shift] for shift in pair)
    return beside, total


def _is_improbable(  # noqa: PLR0913, PLR0917 -- the pixels and the test
    counts: FloatArray, compared: BoolArray, beside: FloatArray, seen: FloatArray, bins: int, probability: float
) -> BoolArray:
    """Select windows of bins, by their middle, with more of the counts than a source on Mars, below a probability."""
    inside = np.maximum(_sum_bins(counts, bins), 0)
    total = inside + np.maximum(_sum_bins(beside, bins + 2), 0)
    n_inside = _sum_bins(compared.astype(np.float32), bins)
    fraction = np.maximum(n_inside / np.maximum(n_inside + _sum_bins(seen, bins + 2), 1e-9), _ALONG_SCAN)
    limit = -np.log(probability)
    excess = inside - fraction * total
    found: BoolArray = (excess > 0) & (excess**2 > limit * fraction * (1 - fraction) * total)  # necessary
    p, k, n = fraction[found], inside[found], total[found]
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(n > k, (n - k) * np.log((n - k) / (n * (1 - p))), 0)
    found[found] = k * np.log(k / (n * p)) + rest > limit
    return found


def _sum_bins(values: FloatArray, bins: int) -> FloatArray:
    total = cv2.boxFilter(values, -1, (bins, 1), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total, np.float32)
