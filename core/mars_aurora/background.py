"""What the disk shines without aurora: its brightness along the solar zenith angle, fitted per observation.

Night-side counts are so few that medians of single pixels are biased (most pixels hold no count or one). So
auroras are found on smoothed maps, and means are taken over the pixels that remain. Noise is the scatter that is
seen: the errors in the files are too large where a pixel holds no count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import Float64Array, FloatArray, Observation

BoolArray = NDArray[np.bool_]

_BIN_PIXELS = 200  # pixels a bin of solar zenith angle holds at least, for a mean good to a tenth of a rayleigh
_BIN_DEG = 1.5  # narrowest bin: the terminator falls by a factor of e within some 10 degrees
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
    """Fit the brightness along the solar zenith angle on usable pixels outside the boxes.

    Pixels whose smoothed brightness stands out by 3 sigma are left out, in rounds. Where nearly all of the disk is
    boxed, boxed pixels serve too.
    """
    outside = usable & ~boxed
    if outside.sum() < _BIN_PIXELS:
        outside = usable
    bins = _Bins.cut(observation.sza_deg, outside)
    level = bins.interpolate(bins.medians(smooth(observation.brightness_R, outside), outside))
    free = outside
    for _ in range(_ROUNDS):
        noise = np.sqrt(bins.interpolate(bins.means((observation.brightness_R - level) ** 2, free)))
        excess = smooth(observation.brightness_R - level, usable)
        free = outside & (excess * np.sqrt(count_neighbours(usable)) < _OUTLIER * noise)
        level = bins.interpolate(bins.means(observation.brightness_R, free))
    error = noise / np.sqrt(np.maximum(bins.interpolate(bins.counts(free)), 1))
    on_disk = [np.where(usable, values, np.nan).astype(np.float32) for values in (level, error, noise)]
    return Background(on_disk[0], on_disk[1], on_disk[2], free)


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


@dataclass(frozen=True)
class _Bins:
    """Bins of the solar zenith angle: every pixel's angle and bin, every bin's mean angle."""

    sza_deg: FloatArray
    number: NDArray[np.intp]
    centres_deg: Float64Array

    @property
    def size(self) -> int:
        return len(self.centres_deg)

    @staticmethod
    def cut(sza_deg: FloatArray, where: BoolArray) -> _Bins:
        """Cut the angles found ``where`` so that each bin is wide and full enough."""
        ordered = np.sort(sza_deg[where])
        edges, first = [-np.inf], 0
        while (last := max(first + _BIN_PIXELS, int(ordered.searchsorted(ordered[first] + _BIN_DEG)))) < (
            len(ordered) - _BIN_PIXELS
        ):
            edges.append(float(ordered[last]))
            first = last
        number = np.searchsorted(edges, sza_deg, side="right") - 1
        total = np.bincount(number[where], sza_deg[where], minlength=len(edges))
        return _Bins(sza_deg, number, total / np.bincount(number[where], minlength=len(edges)))

    def counts(self, where: BoolArray) -> Float64Array:
        return np.bincount(self.number[where], minlength=self.size).astype(np.float64)

    def means(self, values: NDArray[np.floating[Any]], where: BoolArray) -> Float64Array:
        """Average in each bin; NaN in an empty one."""
        total = np.bincount(self.number[where], values[where], minlength=self.size)
        count = self.counts(where)
        mean: Float64Array = np.divide(total, count, out=np.full(self.size, np.nan), where=count > 0)
        return mean

    def medians(self, values: FloatArray, where: BoolArray) -> Float64Array:
        """Take the median in each bin; NaN in an empty one."""
        order = np.argsort(self.number[where], kind="stable")
        groups = np.split(values[where][order], np.cumsum(self.counts(where)).astype(int)[:-1])
        return np.array([np.median(group) if group.size else np.nan for group in groups])

    def interpolate(self, per_bin: Float64Array) -> Float64Array:
        """Carry values of the bins to every pixel, straight between the bins' mean angles: (nI, nS)."""
        known = np.isfinite(per_bin)
        return np.interp(self.sza_deg, self.centres_deg[known], per_bin[known])
