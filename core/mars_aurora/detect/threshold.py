"""The criterion in print, without learning: aurora is 130.4 nm light above 5 R over the night side's background.

Night and disk are masked as the EMUS readers do (SPEDAS: solar zenith angle over 110 deg, emission angle under 75 deg).
It is the baseline that the trained detector is compared with.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from mars_aurora.background import observed
from mars_aurora.box import Box
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.observation import BoolArray, FloatArray, Observation, from_npz

THRESHOLD_R = 5.0
SIGMAS = 4.0  # in the twilight 5 R are within the noise
MIN_PIXELS = 12
MAX_EMISSION_DEG = 75.0
_SMOOTH = 3  # native pixels a side: one pixel's noise is some rayleigh
_EVEN_SNR = 5.0  # signal to noise that earns a confidence of a half


def detect(png: bytes, geometry_npz: bytes) -> list[Box]:  # noqa: ARG001 -- the brightness itself is at hand
    """Find auroras on the night side of one image; also the box of Mars, as far as it is seen."""
    observation, arrays = from_npz(geometry_npz)
    return find(observation, Canvas.from_arrays(arrays))


def find(observation: Observation, canvas: Canvas, min_pixels: int = MIN_PIXELS) -> list[Box]:
    """Box connected native pixels that meet the criterion, at least ``min_pixels`` of them, brightest signal first.

    The confidence of an aurora is s / (s + 5), s being the signal to noise of its whole light.
    """
    usable = observed.usable_pixels(observation)
    if not usable.any():
        return []
    mars = _box("mars", 1.0, canvas, usable)
    night = usable & (observation.sza_deg > observed.NIGHT_SZA_DEG)
    dark = night & (observation.emission_angle_deg < MAX_EMISSION_DEG)
    disk = observed.fit(observation, usable, np.zeros_like(usable))
    excess = observation.brightness_R - disk.level_R
    smooth, pixels = observed.smooth(excess, usable, _SMOOTH), observed.count_neighbours(usable, _SMOOTH)
    significant = smooth * np.sqrt(pixels) > SIGMAS * disk.noise_R
    bright = dark & significant & (smooth > THRESHOLD_R)
    noise = np.hypot(disk.noise_R, np.nan_to_num(observation.random_error_R))
    auroras = [
        _box("aurora", _confidence(excess[region], noise[region]), canvas, region)
        for region in _regions(bright, min_pixels)
    ]
    return [mars, *sorted(auroras, key=lambda box: -box.confidence)]


def _regions(bright: BoolArray, min_pixels: int) -> Iterator[BoolArray]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8), connectivity=8)
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] >= min_pixels:
            yield labels == label


def _confidence(excess_R: FloatArray, noise_R: FloatArray) -> float:
    snr = max(float(excess_R.sum() / np.sqrt(np.square(noise_R).sum())), 0.0)
    return snr / (snr + _EVEN_SNR)


def _box(label: str, confidence: float, canvas: Canvas, region: BoolArray) -> Box:
    """Bound a region's pixels, out to their edges."""
    x, y = canvas.x[region], canvas.y[region]
    half = _half_pixel(canvas)
    return Box(
        label,
        round(confidence, 4),
        x0=float(np.nanmin(x) - half),
        y0=float(np.nanmin(y) - half),
        x1=float(np.nanmax(x) + half),
        y1=float(np.nanmax(y) + half),
    )


def _half_pixel(canvas: Canvas) -> float:
    """Half the usual distance between neighbours along the slit, in canvas px."""
    return float(np.nanmedian(np.hypot(np.diff(canvas.x, axis=1), np.diff(canvas.y, axis=1)))) / 2
