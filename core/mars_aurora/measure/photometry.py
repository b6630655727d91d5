"""Photometry: mean, peak and integrated brightness of an aurora over the background, with errors.

Random errors are those of the pixels and of the background. Systematic ones are calibration errors of the file, which
pixels have in common. Brightnesses are as observed, along the line of sight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mars_aurora.background.observed import Background
from mars_aurora.background.smoothing import count_neighbors, smooth
from mars_aurora.measure.emission_shell import ShellPixels, project_to_shell
from mars_aurora.measure.pixels import SMOOTH_PX
from mars_aurora.observation import BoolArray, FloatArray, Observation

_MIN_BRIGHTNESS_R = 1e-6  # divisor where the total brightness vanishes


@dataclass(frozen=True)
class Photometry:
    """Mean and integrated brightness; attributes are columns of the catalogue."""

    mean_brightness_R: float
    mean_random_error_R: float
    mean_systematic_error_R: float
    integrated_brightness_R_km2: float
    integrated_random_error_R_km2: float
    integrated_systematic_error_R_km2: float
    background_R: float
    background_error_R: float

    @property
    def snr(self) -> float:
        """Mean brightness over its random error."""
        return self.mean_brightness_R / self.mean_random_error_R


@dataclass(frozen=True)
class Peak:
    """The brightest point; attributes are columns of the catalogue."""

    peak_brightness_R: float
    peak_random_error_R: float
    peak_systematic_error_R: float
    peak_lat_deg: float
    peak_lon_deg: float


def integrate(
    on_shell: ShellPixels, local: Background, pixels: BoolArray, area_km2: float, area_error_km2: float
) -> Photometry:
    """Average an aurora's pixels (nI, nS) over their area; integrate over the area of the outline."""
    fractions = on_shell.area_fractions
    mean = float(fractions @ on_shell.excess_R)
    level, level_error = float(fractions @ local.level_R[pixels]), float(fractions @ local.error_R[pixels])
    random = float(np.hypot(np.sqrt(fractions**2 @ on_shell.random_R**2), level_error))
    systematic = abs(mean) * float(fractions @ on_shell.systematic_R) / max(mean + level, _MIN_BRIGHTNESS_R)
    return Photometry(
        mean_brightness_R=mean,
        mean_random_error_R=random,
        mean_systematic_error_R=systematic,
        integrated_brightness_R_km2=mean * area_km2,
        integrated_random_error_R_km2=float(np.hypot(random * area_km2, mean * area_error_km2)),
        integrated_systematic_error_R_km2=systematic * area_km2,
        background_R=level,
        background_error_R=level_error,
    )


def find_peak(
    observation: Observation, usable: BoolArray, excess_R: FloatArray, local: Background, pixels: BoolArray
) -> Peak:
    """Find the highest mean of 3 x 3 pixels; a single pixel's maximum would be biased by noise."""
    mean = smooth(excess_R, usable, SMOOTH_PX)
    position = int(np.argmax(np.where(pixels, mean, -np.inf)))
    peak = np.zeros_like(pixels)
    peak.flat[position] = True
    around = count_neighbors(peak, SMOOTH_PX).astype(bool) & usable
    averaged, point = project_to_shell(observation, local, around), project_to_shell(observation, local, peak)
    error = np.hypot(np.sqrt((averaged.random_R**2).sum()) / averaged.random_R.size, local.error_R.flat[position])
    brightness = float(mean.flat[position])
    total = max(brightness + float(local.level_R.flat[position]), _MIN_BRIGHTNESS_R)
    return Peak(
        peak_brightness_R=brightness,
        peak_random_error_R=float(error),
        peak_systematic_error_R=abs(brightness) * (float(averaged.systematic_R.mean()) / total),
        peak_lat_deg=float(point.lat_deg[0]),
        peak_lon_deg=float(point.lon_deg[0]),
    )
