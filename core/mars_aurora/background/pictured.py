"""The non-auroral background estimated from a picture alone, and the contrast of the picture over it.

The fit of `mars_aurora.background.observed`, with the same constants, applied to a picture: brightness averaged over
pixels, SZA, distance from the center of the disk. The network was trained on the result: a change of any constant here
requires retraining, and is an error when the weights are loaded (`mars_aurora.detect.view`).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.background.binned import DARK_SZA_DEG, ROUNDS, SLANT_BIN_DEG, SLANT_RANGE, SZA_BIN_DEG, Bins
from mars_aurora.emission import DAY_SZA_DEG, Emission
from mars_aurora.observation import FloatArray

COARSE = 4  # the background is fitted on blocks of this many px a side, each a few native pixels
SMOOTH_PX = 3  # side of the squares of enlarged pixels over which brightness is averaged
MIN_OBSERVED = 0.25  # fraction of such a square that must be observed
FINE_PX = 7  # side of the squares of pixels over which the contrast is averaged
MAX_DISK_RADII = 1.1  # the emitting shell extends beyond the limb by this at most


def find_contrast(
    brightness_R: FloatArray, observed: FloatArray, sza_deg: FloatArray, radius: FloatArray, emission: Emission
) -> FloatArray:
    """Compute the contrast: brightness minus background, divided by the excess from which an aurora is visible.

    Parameters
    ----------
    brightness_R : (N, N) float32
        0 where nothing was observed.
    observed : (N, N) float32
        Fraction of each pixel that was observed.
    sza_deg : (N, N) float32
    radius : (N, N) float32
        Distance from the center of the disk, in disk radii.
    emission : Emission

    Returns
    -------
    (N, N) float32; 0 off the disk and where nothing was observed
    """
    level_R = fit(brightness_R, observed, sza_deg, radius, emission)
    mean_R, fraction = _average(brightness_R, observed, FINE_PX)
    contrast = (mean_R - level_R) / _visible_from(level_R, emission)
    return np.where((fraction > 0) & (radius < MAX_DISK_RADII), contrast, np.float32(0))


def fit(
    brightness_R: FloatArray, observed: FloatArray, sza_deg: FloatArray, radius: FloatArray, emission: Emission
) -> FloatArray:
    """Fit the background of a picture in R; arguments and shape as in `find_contrast`."""
    size = (brightness_R.shape[1] // COARSE, brightness_R.shape[0] // COARSE)
    coarse_R, fraction, sza, disk_radii = (
        np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)
        for values in (brightness_R, observed, sza_deg, radius)
    )
    level_R = fit_coarse(coarse_R, fraction, sza, disk_radii, emission)
    fitted = cv2.resize(level_R, brightness_R.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(fitted, np.float32)


def fit_coarse(
    brightness_R: FloatArray, observed: FloatArray, sza_deg: FloatArray, radius: FloatArray, emission: Emission
) -> FloatArray:
    """Fit the background of a picture whose pixels are blocks of `COARSE` px; arguments as in `find_contrast`."""
    mean_R, fraction = _average(brightness_R, observed, SMOOTH_PX)
    free = (fraction > MIN_OBSERVED) & (radius < MAX_DISK_RADII)
    if not free.any():
        return np.zeros_like(brightness_R)
    by_sza = Bins.cut(sza_deg, free, SZA_BIN_DEG, DARK_SZA_DEG)
    slant_deg = np.degrees(np.arcsin(np.minimum(radius, 1))) + 100 * np.maximum(radius - 1, 0)
    by_slant = Bins.cut(slant_deg, free, SLANT_BIN_DEG, np.inf)
    level_R = by_sza.interpolate(by_sza.medians(mean_R, free), emission.night_R)
    for _ in range(ROUNDS):
        free &= mean_R - level_R < _visible_from(level_R, emission)
        for bins, where in ((by_slant, free & (sza_deg > DAY_SZA_DEG)), (by_sza, free)):
            if where.any():
                level_R = level_R * bins.interpolate(np.clip(bins.ratios(mean_R, level_R, where), *SLANT_RANGE))
    return np.asarray(level_R, np.float32)


def _visible_from(level_R: NDArray[np.floating[Any]], emission: Emission) -> NDArray[np.floating[Any]]:
    """Compute the excess from which an aurora is visible over a background of any shape."""
    least_R: NDArray[np.floating[Any]] = np.maximum(emission.visible_R, emission.visible_fraction * level_R)
    return least_R


def _average(brightness_R: FloatArray, observed: FloatArray, side: int) -> tuple[FloatArray, FloatArray]:
    """Average the observed part over squares; also return the fraction of each square that was observed."""
    total, fraction = (
        np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_CONSTANT), np.float32)
        for values in (brightness_R, observed)
    )
    return np.asarray(total / np.maximum(fraction, 1e-6), np.float32), fraction
