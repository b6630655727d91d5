"""The excess of a picture over the non-auroral background, in units of its noise.

The noise is photon noise, also of light that cleaning has removed, whose size follows from the counts per rayleigh and
the size of native pixels, and the uncertainty of the background: its structure, and what its gradient makes of small
errors of position.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.background import native_pixels, pictured
from mars_aurora.background.window import LEFT, RADIUS_PX, SIDE_PX, TOP, Image
from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y, DISK_RADIUS
from mars_aurora.observation import FloatArray
from mars_aurora.picture import noise, sun_angle
from mars_aurora.picture.heatmap import level_brightness
from mars_aurora.picture.picture import Levels, Picture

CELL_PX = pictured.COARSE  # the picture is averaged over cells of this size, about a native pixel
SMOOTHING_PX = 3.0  # standard deviation of the noise filter
LAG_PX = 7  # pixels at this distance are of different native pixels
LEAST_COUNTS_PER_R = 1e-3  # plausible counts per rayleigh; those of the real MAVEN/IUVS files are 0.01
COUNTS_PER_R = 0.36  # of EMM/EMUS, for pictures that have too few pixels for an estimate
MIN_SZA_DEG = 100.0  # at lower SZA auroras are not brighter than the day side

# Chosen on simulated files of training worlds (bench/counting.py)
FEW_COUNTS = 3.0  # added to the variance: of few counts a large number is more frequent than in a normal distribution
STRUCTURE = 0.08  # fraction of the background
SPREAD = 0.4  # fraction of the standard deviation of the background under the noise filter
SPREAD_AREA_PX = 13.0  # larger native pixels make the positions less certain
FAINTEST = 0.1  # fraction of the excess from which an aurora is visible: structure of a night of little noise

# In place of the SZA of a picture without SZA coefficients, which falls with the logarithm of the brightness around
UNKNOWN_SZA_DEG = 150.0  # where that is 1 R
SZA_STEP_DEG = 4.0  # for a factor e
BROAD_CELLS = 4.0  # standard deviation of the average


def describe() -> dict[str, float]:
    """Return every constant on which the significance depends, beside those of the fit of the background."""
    return {
        "cell_px": CELL_PX,
        "smoothing_px": SMOOTHING_PX,
        "lag_px": LAG_PX,
        "counts_per_R": COUNTS_PER_R,
        "least_counts_per_R": LEAST_COUNTS_PER_R,
        "min_sza_deg": MIN_SZA_DEG,
        "few_counts": FEW_COUNTS,
        "structure": STRUCTURE,
        "spread": SPREAD,
        "spread_area_px": SPREAD_AREA_PX,
        "faintest": FAINTEST,
        "area_factor": native_pixels.AREA_FACTOR,
        "radius_px": RADIUS_PX,
    }


def find_significance(picture: Picture, levels: Levels, mask: Image) -> FloatArray:
    """Compute the significance of the excess under the noise filter, in cells of 4 px: (91, 91); see `find_scales`."""
    significance: FloatArray = find_scales(picture, levels, mask, (SMOOTHING_PX,))[0]
    return significance


def find_scales(picture: Picture, levels: Levels, mask: Image, smoothing_px: Sequence[float]) -> FloatArray:
    """Compute the significance of the excess in cells of 4 px under noise filters of several standard deviations.

    Parameters
    ----------
    levels, mask : (365, 365) uint8
        Of the window.
    smoothing_px : sequence of float

    Returns
    -------
    (K, 91, 91) ndarray
        0 on the day side, and in cells of which under half is observed.
    """
    emission = picture.emission
    brightness_R = level_brightness(emission)[cv2.bitwise_and(levels, mask)]  # 0 outside the mask
    area = native_pixels.find_area_px(levels, mask)
    counts_per_R, removed_R = picture.counts_per_R, picture.removed_R
    if counts_per_R is None or counts_per_R < LEAST_COUNTS_PER_R:
        counts_per_R, removed_R = _estimate_counts(brightness_R, mask), 0.0  # which its noise lowers already
    observed, brightness = _to_cells(mask) / np.float32(255), _to_cells(brightness_R)
    terms, radius = _grid()
    if picture.sza_coefficients is None:
        sza_deg = _guess_sza(brightness, observed)
    else:
        sza_deg = sun_angle.sza_deg(picture.sza_coefficients, terms)
    level = pictured.fit_coarse(brightness, observed, sza_deg, radius, emission)
    searched = (observed > 0.5) & (sza_deg > MIN_SZA_DEG)
    found = []
    for sigma_px in smoothing_px:
        weight = _smooth(observed, sigma_px) + np.float32(1e-6)
        smooth, background, square = (
            _smooth(values, sigma_px) / weight for values in (brightness, observed * level, observed * level**2)
        )
        averaged_px = 4 * np.pi * (sigma_px**2 + CELL_PX**2 / 12)  # area over which the noise filter averages
        averaged = counts_per_R * np.hypot(1, averaged_px / area) * np.minimum(weight, 1)  # counts per rayleigh in it
        variance = (
            (background + removed_R + FEW_COUNTS / averaged) / averaged
            + (STRUCTURE * background) ** 2
            + SPREAD**2 * (1 + area / SPREAD_AREA_PX) * np.maximum(square - background**2, 0)
            + (FAINTEST * emission.visible_R) ** 2
        )
        found.append(np.where(searched, (smooth - background) / np.sqrt(variance), np.float32(0)))
    return np.array(found)


def _estimate_counts(brightness_R: FloatArray, mask: Image) -> float:
    values = noise.find_block_sensitivities(brightness_R, mask > 0, LAG_PX)
    return float(np.median(values)) if len(values) else COUNTS_PER_R


def _guess_sza(brightness: FloatArray, observed: FloatArray) -> FloatArray:
    """Guess an SZA by which the background is fitted to cells in similar light; none is on the day side."""
    light, weight = (np.asarray(cv2.GaussianBlur(values, (0, 0), BROAD_CELLS)) for values in (brightness, observed))
    logarithm = np.log(np.maximum(light, 1e-3) / np.maximum(weight, 1e-3))
    return np.asarray(UNKNOWN_SZA_DEG - SZA_STEP_DEG * logarithm, np.float32)


@cache
def _grid() -> tuple[FloatArray, FloatArray]:
    """Return the terms of the SZA in each cell, (9, 91, 91), and its distance from the center in disk radii."""
    middle = (np.arange(SIDE_PX // CELL_PX) * CELL_PX + (CELL_PX - 1) / 2).astype(np.float32)
    x, y = np.meshgrid(LEFT + middle, TOP + middle)
    return sun_angle.find_terms(x, y), np.hypot(x - CENTER_X, y - CENTER_Y) / DISK_RADIUS


def _to_cells(picture: NDArray[Any]) -> FloatArray:
    """Average over cells: (91, 91)."""
    cells = SIDE_PX // CELL_PX
    whole = cells * CELL_PX
    return np.asarray(cv2.resize(picture[:whole, :whole], (cells, cells), interpolation=cv2.INTER_AREA), np.float32)


def _smooth(cells: FloatArray, sigma_px: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(cells, (0, 0), sigma_px / CELL_PX), np.float32)
