"""The published criterion, without a network: an aurora exceeds the background by `Emission.threshold_R`.

The threshold is 5 R at 130.4 nm. Night and disk are masked as the EMUS readers do (SPEDAS: solar zenith angle over 110
deg, emission angle under 75 deg). It is the baseline of the trained detector, and the detector of other emissions.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from mars_aurora.background import observed
from mars_aurora.background.smoothing import count_neighbors, smooth
from mars_aurora.box import Box, Detections
from mars_aurora.detect.candidate import Candidate
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.observation import BoolArray, FloatArray, Observation

SIGMAS = 4.0  # in twilight the threshold is within the noise
MIN_PIXELS = 12
_SMOOTH = 3  # native pixels a side: the noise of one pixel is some rayleigh
_HALF_SNR = 5.0  # signal-to-noise ratio of a confidence of one half


def detect(candidate: Candidate) -> Detections:
    """Find auroras on the night side of one observation; also the box of Mars, as far as it is observed."""
    return Detections(tuple(find(candidate.observation, candidate.canvas)))


def find(observation: Observation, canvas: Canvas, min_pixels: int = MIN_PIXELS) -> list[Box]:
    """Box connected native pixels that meet the criterion, at least ``min_pixels`` of them; most confident first.

    The confidence of an aurora is s / (s + 5), where s is the signal-to-noise ratio of its summed signal.
    """
    usable = observed.usable_pixels(observation)
    if not usable.any():
        return []
    mars = _box("mars", 1.0, canvas, usable)
    searched = observed.searched_pixels(observation, usable)
    disk = observed.fit(observation, usable, np.zeros_like(usable))
    excess = observation.brightness_R - disk.level_R
    mean, pixels = smooth(excess, usable, _SMOOTH), count_neighbors(usable, _SMOOTH)
    significant = mean * np.sqrt(pixels) > SIGMAS * disk.noise_R
    bright = searched & significant & (mean > observation.emission.threshold_R)
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
    return snr / (snr + _HALF_SNR)


def _box(label: str, confidence: float, canvas: Canvas, region: BoolArray) -> Box:
    """Box the pixels of a region, including their edges."""
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
    """Compute half the median distance between neighbors along the slit, in canvas px."""
    return float(np.nanmedian(np.hypot(np.diff(canvas.x, axis=1), np.diff(canvas.y, axis=1)))) / 2
