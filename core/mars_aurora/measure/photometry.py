"""Photometry: mean, peak and integrated brightness of an aurora over the background, with errors.

Brightnesses are as observed, along the line of sight. Systematic errors are calibration errors of the file, which
pixels have in common. Random errors are those of the pixels, of the background and of the extent. The fractions below
are from simulated auroras (``python -m bench.measuring``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mars_aurora.background.observed import Background
from mars_aurora.background.smoothing import count_neighbors, smooth
from mars_aurora.measure.emission_shell import ShellPixels, project_to_shell
from mars_aurora.measure.morphology import Shape
from mars_aurora.measure.pixels import SMOOTH_PX
from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation

MEAN_PER_EXTENT = 0.75  # relative error of the mean, per relative error of the area
INTEGRATED_PER_EXTENT = 0.45  # the same of the integrated brightness: what the mean loses the area gains
PEAK_BIAS = 0.6  # of its random error by which the highest of many means exceeds the true peak
EDGE_FRACTION = 0.3  # of a pixel: error of the outline along all of it


@dataclass(frozen=True)
class Photometry:
    """Mean and integrated brightness; attributes but ``noise_R`` are columns of the catalogue."""

    mean_brightness_R: float
    mean_random_error_R: float
    mean_systematic_error_R: float
    integrated_brightness_R_km2: float
    integrated_random_error_R_km2: float
    integrated_systematic_error_R_km2: float
    background_R: float
    background_error_R: float
    noise_R: float

    @property
    def snr(self) -> float:
        """Mean brightness over its error by the noise of pixels and background."""
        return self.mean_brightness_R / self.noise_R


@dataclass(frozen=True)
class Peak:
    """The brightest point; attributes are columns of the catalogue."""

    peak_brightness_R: float
    peak_random_error_R: float
    peak_systematic_error_R: float
    peak_lat_deg: float
    peak_lon_deg: float


def find_area_error_km2(on_shell: ShellPixels, shape: Shape) -> float:
    """Estimate the error of the area from an error of the outline by a fraction of a pixel along all of it."""
    return EDGE_FRACTION * on_shell.pixel_km * shape.boundary_km


def integrate(
    on_shell: ShellPixels, local: Background, pixels: BoolArray, shape: Shape, lost_R: float | None
) -> Photometry:
    """Average an aurora's pixels (nI, nS) over their area; integrate over the area of the outline.

    Parameters
    ----------
    on_shell : ShellPixels
    local : Background
    pixels : (nI, nS) bool
    shape : Shape
        Of the outline.
    lost_R : float or None
        Mean brightness smeared out of the outline, see `find_lost_signal`; None where the outline is not the edge of
        the aurora, so that an error of its extent is none of the mean.
    """
    fractions = on_shell.area_fractions
    excess = float(fractions @ on_shell.excess_R)
    mean = excess + (lost_R or 0.0)
    level, level_error = float(fractions @ local.level_R[pixels]), float(fractions @ local.error_R[pixels])
    noise = float(np.hypot(np.sqrt(fractions**2 @ on_shell.random_R**2), level_error))
    systematic = abs(mean) * _find_calibration_fraction(on_shell, level + excess, fractions)
    extent = find_area_error_km2(on_shell, shape) / shape.area_km2
    return Photometry(
        mean_brightness_R=mean,
        mean_random_error_R=float(np.hypot(noise, 0.0 if lost_R is None else MEAN_PER_EXTENT * extent * mean)),
        mean_systematic_error_R=systematic,
        integrated_brightness_R_km2=mean * shape.area_km2,
        integrated_random_error_R_km2=float(np.hypot(noise, INTEGRATED_PER_EXTENT * extent * mean)) * shape.area_km2,
        integrated_systematic_error_R_km2=systematic * shape.area_km2,
        background_R=level,
        background_error_R=level_error,
        noise_R=noise,
    )


def _find_calibration_fraction(on_shell: ShellPixels, total_R: float, weights: Float64Array) -> float:
    """Average the systematic error, relative to the total brightness; at most 1, as where noise makes that negative."""
    error_R = float(weights @ on_shell.systematic_R)
    return error_R / total_R if total_R > error_R else float(error_R > 0)


def find_lost_signal(
    on_shell: ShellPixels, excess_R: FloatArray, usable: BoolArray, pixels: BoolArray, shape: Shape
) -> float:
    """Estimate the mean brightness that the footprints have smeared out of the outline.

    Smearing by a variance s2 moves s2 / 2 times the gradient of the brightness across each unit of the outline. The
    gradient is that between the pixels on either side of it.
    """
    square = np.ones((3, 3), np.uint8)
    inside = pixels & ~cv2.erode(pixels.astype(np.uint8), square).astype(bool)
    outside = cv2.dilate(pixels.astype(np.uint8), square).astype(bool) & ~pixels & usable
    if not outside.any():
        return 0.0
    gradient = float(excess_R[inside].mean() - excess_R[outside].mean()) / on_shell.pixel_km
    return on_shell.blur_km2 / 2 * gradient * shape.boundary_km / shape.area_km2


def find_peak(
    observation: Observation, usable: BoolArray, excess_R: FloatArray, local: Background, pixels: BoolArray
) -> Peak:
    """Find the highest mean of 3 x 3 pixels, and correct it for the bias of a maximum of noisy means."""
    mean = smooth(excess_R, usable, SMOOTH_PX)
    position = int(np.argmax(np.where(pixels, mean, -np.inf)))
    peak = np.zeros_like(pixels)
    peak.flat[position] = True
    around = count_neighbors(peak, SMOOTH_PX).astype(bool) & usable
    averaged, point = project_to_shell(observation, local, around), project_to_shell(observation, local, peak)
    noise = np.sqrt((averaged.random_R**2).sum()) / averaged.random_R.size
    error = float(np.hypot(noise, local.error_R.flat[position]))
    brightness = float(mean.flat[position]) - PEAK_BIAS * error
    total = float(mean.flat[position]) + float(local.level_R.flat[position])
    equal = np.full(averaged.random_R.size, 1 / averaged.random_R.size)
    return Peak(
        peak_brightness_R=brightness,
        peak_random_error_R=error,
        peak_systematic_error_R=abs(brightness) * _find_calibration_fraction(averaged, total, equal),
        peak_lat_deg=float(point.lat_deg[0]),
        peak_lon_deg=float(point.lon_deg[0]),
    )
