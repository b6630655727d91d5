"""What the disk shines without aurora: its brightness along the solar zenith angle, fitted per observation.

Night-side counts are so few that medians of single pixels are biased (most pixels hold no count or one). So
auroras are found on smoothed maps, and means are taken over the pixels that remain. Noise is the scatter that is
seen: the errors in the files are too large where a pixel holds no count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.background.binned import BIN_PIXELS, Bins
from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation

_SZA_BIN_DEG = 1.5  # the terminator falls by a factor of e within some 3 to 10 degrees
_EMISSION_BIN_DEG = 5.0
_DAY_SZA_DEG = 90.0
NIGHT_SZA_DEG = 110.0  # of the published criterion: twilight drowns auroras before
_NIGHT_R = 0.8  # where the night is out of view, the twilight is taken to fall to this (Lillis et al. 2022: 0.5 to 1)
_SLANT_RANGE = (0.5, 2.0)
_PRIOR = np.array([0.3, 0.2, 0.2])  # how far the local scale, and its slopes, may be expected to go from 1 and 0
STRUCTURE = 0.1  # share of its brightness by which day and twilight differ from any smooth fit
_SMOOTH = 5  # native pixels a side; auroras are wider
_OUTLIER = 3.0
_ROUNDS = 3


@dataclass(frozen=True)
class Background:
    """The disk without aurora, on the native grid; NaN off the disk.

    Attributes
    ----------
    level_R : (nI, nS) float32, expected brightness
    error_R : (nI, nS) float32, random error of that expectation
    noise_R : (nI, nS) float32, scatter of single pixels that hold nothing but background
    free : (nI, nS) bool, pixels of the disk without sign of aurora
    """

    level_R: FloatArray
    error_R: FloatArray
    noise_R: FloatArray
    free: BoolArray


def usable_pixels(observation: Observation) -> BoolArray:
    """Tell which pixels see the disk, with a brightness, a place and all corners, and are not marked bad."""
    known = np.isfinite(observation.brightness_R) & np.isfinite(observation.sza_deg)
    placed = np.isfinite(observation.latitude_deg) & np.isfinite(observation.corner_latitude_deg).all(-1)
    return known & placed & (observation.tangent_altitude_km <= 0) & ~observation.flagged


def fit(observation: Observation, usable: BoolArray, boxed: BoolArray) -> Background:
    """Fit the brightness along the solar zenith angle, and the limb's share in it, on usable pixels outside the boxes.

    Pixels whose smoothed brightness stands out by 3 sigma are left out, in rounds. Where nearly all of the night, or
    of the disk, is boxed, boxed pixels of it serve too.
    """
    outside = usable & ~boxed
    for part in (usable & (observation.sza_deg > NIGHT_SZA_DEG), usable):
        if (outside & part).sum() < BIN_PIXELS:
            outside = outside | part
    light = observation.brightness_R
    along_sza = Bins.cut(observation.sza_deg, outside, _SZA_BIN_DEG, NIGHT_SZA_DEG)
    along_emission = Bins.cut(observation.emission_angle_deg, outside, _EMISSION_BIN_DEG)
    slant = np.ones(light.shape)
    level = along_sza.interpolate(along_sza.medians(smooth(light, outside), outside), _NIGHT_R)
    free = outside
    for _ in range(_ROUNDS):
        scatter = along_sza.interpolate(along_sza.ratios((light - level) ** 2, level, free))  # grows with the light
        noise = np.sqrt(scatter * np.maximum(level, 0))
        excess = smooth(light - level, usable)
        free = outside & (excess * np.sqrt(count_neighbours(usable)) <= _OUTLIER * noise)
        free = free if free.any() else outside
        slant = _fit_slant(observation, along_emission, level / slant, free)
        level = slant * along_sza.interpolate(along_sza.ratios(light, slant, free), _NIGHT_R)
    error = noise / np.sqrt(np.maximum(along_sza.interpolate(along_sza.counts(free)), 1))
    on_disk = [np.where(usable, values, np.nan).astype(np.float32) for values in (level, error, noise)]
    return Background(on_disk[0], on_disk[1], on_disk[2], free)


def _fit_slant(observation: Observation, bins: Bins, level_R: Float64Array, free: BoolArray) -> Float64Array:
    """Fit by which factor slanting lines of sight see more; from the terminator on, where auroras may lie."""
    where = free & (observation.sza_deg > _DAY_SZA_DEG)
    if not where.any():
        return np.ones(where.shape)
    return bins.interpolate(np.clip(bins.ratios(observation.brightness_R, level_R, where), *_SLANT_RANGE))


def fit_locally(
    observation: Observation, disk: Background, x: FloatArray, y: FloatArray, ring: BoolArray
) -> Background:
    """Scale the disk's background by what is seen in a ring round a box, with a slope across it.

    The scale k0 + k1 x + k2 y is a least-squares fit, drawn to 1 where the ring tells little; bright pixels count for
    no more than their own structure lets them. ``x`` and ``y``, any linear unit, are centred and of order one over the
    ring; all arrays (nI, nS).
    """
    level = disk.level_R[ring].astype(np.float64)
    noise = np.hypot(disk.noise_R[ring], STRUCTURE * level)
    terms = np.stack([np.ones_like(level), x[ring], y[ring]])
    design = terms * level / noise
    misfit = (observation.brightness_R[ring] - level) / noise
    covariance = np.linalg.inv(design @ design.T + np.diag(_PRIOR**-2))
    scale = covariance @ (design @ misfit)
    terms = np.stack([np.ones_like(x), x, y])
    factor = 1 + np.tensordot(scale, terms, 1)
    spread = np.sqrt(np.einsum("aij,ab,bij->ij", terms, covariance, terms))
    return replace(
        disk, level_R=(disk.level_R * factor).astype(np.float32), error_R=(disk.level_R * spread).astype(np.float32)
    )


def smooth(values: NDArray[np.floating[Any]], where: BoolArray, side: int = _SMOOTH) -> FloatArray:
    """Average over squares of native pixels, ``where`` only; NaN where there is none near."""
    total = _sum_squares(np.where(where, values, 0), side)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: FloatArray = total / count_neighbours(where, side)
    return mean


def count_neighbours(where: BoolArray, side: int = _SMOOTH) -> FloatArray:
    """Count the pixels that `smooth` averages at each pixel."""
    return np.rint(_sum_squares(where, side)).astype(np.float32)


def _sum_squares(values: NDArray[Any], side: int) -> FloatArray:
    total = cv2.boxFilter(values.astype(np.float32), -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total, np.float32)
