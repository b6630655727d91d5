"""By how much light stands out in a picture: brightness less what the disk shines at the same height of the Sun.

What `background.observed` fits on an observation, made of what a picture tells. An aurora is seen where it adds
half of the background, and no less than a couple of rayleigh: there the contrast is 1.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.background.binned import Bins
from mars_aurora.observation import FloatArray

# The weights have learnt from what these give: with others, train anew.
_LEAST_R, _LEAST_SHARE = 2.0, 0.5  # of the background: an excess so large is a contrast of 1
_COARSE = 4  # the background is fitted on so many times larger pixels, some native ones each
_SMOOTH = 3  # of those a side, over which light is averaged
_LEAST_SHOWN = 0.25  # share of such a square that must be observed
_FINE = 7  # px a side over which light is averaged
_FARTHEST = 1.1  # disk radii: as far as the shell above the limb shines
_SZA_BIN_DEG = 1.5
_SLANT_BIN_DEG = 5.0
_RANGE = (0.2, 2.0)
_TWILIGHT_DEG = 90.0
_DARK_SZA_DEG = 122.0
_NIGHT_R = 0.8
_ROUNDS = 2


def find_contrast(light_R: FloatArray, observed: FloatArray, sza_deg: FloatArray, radius: FloatArray) -> FloatArray:
    """Give the contrast of a picture, (N, N) like all its arguments; 0 off the disk and where nothing was observed.

    Parameters
    ----------
    light_R : brightness, 0 where nothing was observed
    observed : share of each pixel that was
    sza_deg : solar zenith angle
    radius : distance from the middle of the disk, in disk radii
    """
    level_R = fit(light_R, observed, sza_deg, radius)
    mean_R, share = _average(light_R, observed, _FINE)
    contrast = (mean_R - level_R) / _visible_from(level_R)
    return np.where((share > 0) & (radius < _FARTHEST), contrast, np.float32(0))


def fit(light_R: FloatArray, observed: FloatArray, sza_deg: FloatArray, radius: FloatArray) -> FloatArray:
    """Fit the background of a picture, R, (N, N) as in `find_contrast`."""
    size = (light_R.shape[1] // _COARSE, light_R.shape[0] // _COARSE)
    light, share, sza, far = (
        np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)
        for values in (light_R, observed, sza_deg, radius)
    )
    mean_R, share = _average(light, share, _SMOOTH)
    free = (share > _LEAST_SHOWN) & (far < _FARTHEST)
    if not free.any():
        return np.zeros_like(light_R)
    along_sza = Bins.cut(sza, free, _SZA_BIN_DEG, _DARK_SZA_DEG)
    slant_deg = np.degrees(np.arcsin(np.minimum(far, 1))) + 100 * np.maximum(far - 1, 0)
    along_slant = Bins.cut(slant_deg, free, _SLANT_BIN_DEG, np.inf)
    level_R = along_sza.interpolate(along_sza.medians(mean_R, free), _NIGHT_R)
    for _ in range(_ROUNDS):
        free &= mean_R - level_R < _visible_from(level_R)
        for bins, where in ((along_slant, free & (sza > _TWILIGHT_DEG)), (along_sza, free)):
            if where.any():
                level_R = level_R * bins.interpolate(np.clip(bins.ratios(mean_R, level_R, where), *_RANGE))
    fitted = cv2.resize(level_R.astype(np.float32), light_R.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(fitted, np.float32)


def _visible_from(level_R: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    least_R: NDArray[np.floating[Any]] = np.maximum(_LEAST_R, _LEAST_SHARE * level_R)
    return least_R


def _average(light: FloatArray, share: FloatArray, side: int) -> tuple[FloatArray, FloatArray]:
    """Average over squares, what was observed only; also gives the share of each square that was."""
    light, share = (
        np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_CONSTANT), np.float32)
        for values in (light, share)
    )
    return np.asarray(light / np.maximum(share, 1e-6), np.float32), share
