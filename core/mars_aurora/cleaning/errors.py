"""Photon counts and random errors, from the brightness and the errors of a file."""

from __future__ import annotations

import numpy as np

from mars_aurora.observation import FloatArray

_MIN_BRIGHT = 100  # pixels
_BRIGHT_SIGMAS = 3.0


def estimate_sensitivity(brightness_R: FloatArray, random_error_R: FloatArray) -> float:
    """Estimate the counts per rayleigh from the errors: counts are brightness over its variance; 0 where unknown.

    From pixels over 3 sigma where there are 100, otherwise from the error of dark pixels, which is that of one count.
    """
    known = np.isfinite(brightness_R) & (random_error_R > 0)
    if not known.any():
        return 0.0
    brightness, error = brightness_R[known], random_error_R[known]
    bright = brightness > _BRIGHT_SIGMAS * error
    if bright.sum() < _MIN_BRIGHT:
        return float(1 / np.median(error))
    return float(np.median(brightness[bright] / error[bright] ** 2))
