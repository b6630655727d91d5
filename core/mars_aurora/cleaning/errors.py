"""Photon counts and random errors, from the brightness and the errors of a file."""

from __future__ import annotations

import numpy as np

from mars_aurora.observation import FloatArray

_MIN_BRIGHT = 100  # pixels
_BRIGHT_SIGMAS = 3.0
_MIN_DIFFERENCES = 300
_SIGMA_PER_MEDIAN = 1.4826  # of the absolute values of a normal distribution


def estimate_sensitivity(brightness_R: FloatArray, random_error_R: FloatArray) -> float:
    """Estimate the counts per rayleigh from the errors: counts are brightness over its variance; 0 where unknown.

    From pixels over 3 sigma where there are 100, otherwise from the error of dark pixels, which is that of one count.
    """
    known = np.isfinite(brightness_R) & (random_error_R > 0)
    if not known.any():
        return 0.0
    brightness, error = brightness_R[known].astype(np.float64), random_error_R[known].astype(np.float64)
    bright = brightness > _BRIGHT_SIGMAS * error
    if bright.sum() < _MIN_BRIGHT:
        return float(1 / np.median(error))
    return float(np.median(brightness[bright] / error[bright] ** 2))


def find_error_factor(brightness_R: FloatArray, random_error_R: FloatArray) -> float:
    """Estimate the ratio of the scatter along the scan to the random errors: 1 or more.

    From second differences, which neither a slope nor the response of a bin changes, of pixels over 3 sigma, whose
    counts are nearly Gaussian; 1 where fewer than 300 are known.
    """
    first, second, third = slice(None, -2), slice(1, -1), slice(2, None)
    squared = random_error_R**2
    difference = brightness_R[first] - 2 * brightness_R[second] + brightness_R[third]
    variance = squared[first] + 4 * squared[second] + squared[third]
    total = brightness_R[first] + brightness_R[second] + brightness_R[third]  # whose noise is independent of it
    bright = total > _BRIGHT_SIGMAS * np.sqrt(3 * (squared[first] + squared[second] + squared[third]))
    used = bright & np.isfinite(difference) & (variance > 0)
    if np.count_nonzero(used) < _MIN_DIFFERENCES:
        return 1.0
    scatter = _SIGMA_PER_MEDIAN * float(np.median(np.abs(difference[used]) / np.sqrt(variance[used])))
    return max(scatter, 1.0)
