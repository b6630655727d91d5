"""The non-auroral background of an observation: brightness against solar zenith angle (SZA) and emission angle.

Night-side counts are so low that the median of single pixels is biased, as most have no count or one. So auroras are
found on smoothed maps, and means are taken over the remaining pixels. The noise is the observed scatter: the errors
in the files are too large for pixels without a count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.background.binned import (
    DARK_SZA_DEG,
    MIN_BIN_PIXELS,
    ROUNDS,
    SLANT_BIN_DEG,
    SLANT_RANGE,
    SZA_BIN_DEG,
    Bins,
)
from mars_aurora.background.smoothing import count_neighbors, smooth
from mars_aurora.emission import DAY_SZA_DEG, NIGHT_SZA_DEG
from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation

_PRIOR = np.array([0.3, 0.2, 0.2])  # standard deviation of the local scale from 1, and of its slopes from 0
STRUCTURE = 0.1  # fractional residual of day and twilight about a smooth fit
LOCAL_RESIDUAL = 0.18  # the same of the local fit, over the area of an aurora (python -m bench.measuring)
_SIGMAS = 3.0
MAX_EMISSION_DEG = 75.0  # of the pixels that are searched, as EMUS readers mask the disk (SPEDAS)
LIMIT_SIGMAS, LIMIT_PIXELS = 5.0, 12  # signal-to-noise ratio and size of the faintest aurora that is found
_MIN_NOISE_R = 1e-3  # where the ring has no signal at all


@dataclass(frozen=True)
class Background:
    """The disk without aurora, on the native grid; NaN off the disk.

    Attributes
    ----------
    level_R : (nI, nS) float32, expected brightness
    error_R : (nI, nS) float32, random error of the expected brightness
    noise_R : (nI, nS) float32, scatter of single pixels about it
    free : (nI, nS) bool, pixels of the disk without sign of aurora
    """

    level_R: FloatArray
    error_R: FloatArray
    noise_R: FloatArray
    free: BoolArray

    @property
    def limit_R(self) -> FloatArray:
        """Detection limit at each pixel: `LIMIT_SIGMAS` over `LIMIT_PIXELS` pixels; (nI, nS)."""
        return self.noise_R * np.float32(LIMIT_SIGMAS / np.sqrt(LIMIT_PIXELS))


def usable_pixels(observation: Observation) -> BoolArray:
    """Select pixels on the disk with brightness, angles, coordinates and corners known: (nI, nS)."""
    known = np.isfinite(observation.brightness_R + observation.sza_deg + observation.emission_angle_deg)
    located = np.isfinite(observation.latitude_deg + observation.longitude_deg)
    corners = observation.corner_latitude_deg + observation.corner_longitude_deg
    located &= np.isfinite(corners @ np.ones(corners.shape[-1], corners.dtype))  # a fifth of the time of `all`
    usable: BoolArray = known & located & observation.on_disk
    return usable


def searched_pixels(observation: Observation, usable: BoolArray) -> BoolArray:
    """Select the usable pixels on which auroras are searched for: facing, on the night side (or day side): (nI, nS)."""
    facing: BoolArray = usable & (observation.emission_angle_deg < MAX_EMISSION_DEG)
    return facing & observation.emission.search_area(observation.sza_deg)


def fit(observation: Observation, usable: BoolArray, boxed: BoolArray) -> Background:
    """Fit brightness against SZA, times a factor of the emission angle, on usable pixels outside boxes.

    Pixels whose smoothed brightness exceeds the fit by 3 sigma are excluded, iteratively. Where boxes cover nearly all
    of the night, or of the disk, boxed pixels are included.

    Parameters
    ----------
    observation : Observation
    usable, boxed : (nI, nS) bool
    """
    outside = usable & ~boxed
    for part in (usable & (observation.sza_deg > NIGHT_SZA_DEG), usable):
        if (outside & part).sum() < MIN_BIN_PIXELS:
            outside = outside | part
    disk = _Disk(usable)
    outside, brightness = outside[usable], observation.brightness_R[usable]
    sza_deg, night_R = observation.sza_deg[usable], observation.emission.night_R
    by_sza = Bins.cut(sza_deg, outside, SZA_BIN_DEG, DARK_SZA_DEG)
    by_emission_angle = Bins.cut(observation.emission_angle_deg[usable], outside, SLANT_BIN_DEG)
    slant = np.ones(brightness.shape)
    level = by_sza.interpolate(by_sza.medians(disk.smooth(brightness, outside), outside), night_R)
    everywhere = np.ones_like(outside)
    root_count = np.sqrt(count_neighbors(usable)[usable])
    free = outside
    for _ in range(ROUNDS):
        scatter = by_sza.interpolate(by_sza.ratios((brightness - level) ** 2, level, free))  # variance per rayleigh
        noise = np.sqrt(scatter * np.maximum(level, 0))
        excess = disk.smooth(brightness - level, everywhere)
        free = outside & (excess * root_count <= _SIGMAS * noise)
        free = free if free.any() else outside
        slant = _fit_slant(by_emission_angle, brightness, level / slant, free & (sza_deg > DAY_SZA_DEG))
        level = slant * by_sza.interpolate(by_sza.ratios(brightness, slant, free), night_R)
    error = noise / np.sqrt(np.maximum(by_sza.interpolate(by_sza.counts(free)), 1))
    level_R, error_R, noise_R = (disk.spread(values.astype(np.float32), np.nan) for values in (level, error, noise))
    return Background(level_R, error_R, noise_R, disk.spread(free, fill=False))


@dataclass(frozen=True)
class _Disk:
    """The usable pixels, (nI, nS), on which values (N,) are given: about half of all."""

    usable: BoolArray

    def spread(self, values: NDArray[Any], fill: float) -> NDArray[Any]:
        """Place values on the native grid."""
        spread = np.full(self.usable.shape, fill, values.dtype)
        spread[self.usable] = values
        return spread

    def smooth(self, values: NDArray[np.floating[Any]], where: BoolArray) -> FloatArray:
        """Average over squares of native pixels, those of ``where``, (N,), only."""
        return smooth(self.spread(values, 0), self.spread(where, fill=False))[self.usable]


def _fit_slant(bins: Bins, brightness_R: FloatArray, level_R: Float64Array, where: BoolArray) -> Float64Array:
    """Fit the factor of slanted lines of sight, from the terminator to the night, where auroras are searched for."""
    if not where.any():
        return np.ones(where.shape)
    return bins.interpolate(np.clip(bins.ratios(brightness_R, level_R, where), *SLANT_RANGE))


def fit_locally(
    observation: Observation, disk: Background, x: FloatArray, y: FloatArray, ring: BoolArray
) -> Background:
    """Scale the background of the disk to the brightness observed in a ring around a box, with a slope across it.

    The scale k0 + k1 x + k2 y is a least-squares fit with a prior of 1, which dominates where the ring has few pixels.
    The weight of bright pixels is limited by their own structure.

    Parameters
    ----------
    observation : Observation
    disk : Background
    x, y : (nI, nS) ndarray
        Position in any linear unit, about the box, of order one over the ring.
    ring : (nI, nS) bool
    """
    level = disk.level_R[ring].astype(np.float64)
    noise = np.maximum(np.hypot(disk.noise_R[ring], STRUCTURE * level), _MIN_NOISE_R)
    terms = np.stack([np.ones_like(level), x[ring], y[ring]])
    design = terms * level / noise
    residual = (observation.brightness_R[ring] - level) / noise
    covariance = np.linalg.inv(design @ design.T + np.diag(_PRIOR**-2))
    scale = covariance @ (design @ residual)
    terms = np.stack([np.ones_like(x), x, y])
    factor = 1 + np.tensordot(scale, terms, 1)
    spread = np.hypot(np.sqrt(np.einsum("aij,ab,bij->ij", terms, covariance, terms)), LOCAL_RESIDUAL)
    return replace(
        disk, level_R=(disk.level_R * factor).astype(np.float32), error_R=(disk.level_R * spread).astype(np.float32)
    )
