"""Binned profiles: values of a picture against an angle, and interpolated back to every pixel.

The constants are common to the fits of an observation and of a picture. The network was trained on the latter: a change
of any of them requires retraining, and is an error when the weights are loaded (`mars_aurora.detect.view`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import BoolArray, Float64Array, FloatArray

FAINT_R = 1e-3  # divisor where a bin's expected brightness vanishes
MIN_BIN_PIXELS = 200  # for a mean accurate to a tenth of a rayleigh at night
BRIGHT_DIVISOR = 5  # of `MIN_BIN_PIXELS` where brightness is higher: below ``dark_deg``
SZA_BIN_DEG = 1.5  # twilight decreases by a factor of e within some 3 to 10 degrees
DARK_SZA_DEG = 122.0  # at lower SZA brightness varies so steeply that narrow bins matter more than their noise
SLANT_BIN_DEG = 5.0
SLANT_RANGE = (0.2, 2.0)  # measured factors of slanted lines of sight reach neither limit
ROUNDS = 3  # as many as reduce the residual at night, by day and in twilight (python -m bench.background)


@dataclass(frozen=True)
class Bins:
    """Bins of an angle over the pixels of a picture.

    Attributes
    ----------
    angle_deg : (nI, nS) float32
    number : (nI, nS) int, the bin of each pixel
    centers_deg : (K,) float64, mean angle of each bin
    """

    angle_deg: FloatArray
    number: NDArray[np.intp]
    centers_deg: Float64Array

    @property
    def size(self) -> int:
        return len(self.centers_deg)

    @staticmethod
    def cut(angle_deg: FloatArray, where: BoolArray, min_width_deg: float, dark_deg: float = -np.inf) -> Bins:
        """Bin the angles selected by ``where`` so that each bin is wide enough and has enough pixels.

        Below ``dark_deg`` brightness is higher and fewer pixels are enough, see `BRIGHT_DIVISOR`; no bin crosses it.
        """
        ordered = np.sort(angle_deg[where])
        dark = int(ordered.searchsorted(dark_deg))
        bright_edges = _edges(ordered[:dark], min_width_deg, MIN_BIN_PIXELS // BRIGHT_DIVISOR)
        dark_edges = _edges(ordered[dark:], min_width_deg, MIN_BIN_PIXELS)
        edges = [-np.inf, *(bright_edges + dark_edges)[1:]]
        number = np.searchsorted(edges, angle_deg, side="right") - 1
        total = np.bincount(number[where], angle_deg[where], minlength=len(edges))
        return Bins(angle_deg, number, total / np.bincount(number[where], minlength=len(edges)))

    def counts(self, where: BoolArray) -> Float64Array:
        """Count the selected pixels of each bin."""
        return np.bincount(self.number[where], minlength=self.size).astype(np.float64)

    def means(self, values: NDArray[np.floating[Any]], where: BoolArray) -> Float64Array:
        """Average in each bin; NaN in an empty one."""
        return self._average(self.number[where], values[where])[0]

    def _average(self, number: NDArray[np.intp], *values: NDArray[np.floating[Any]]) -> list[Float64Array]:
        count = np.bincount(number, minlength=self.size)
        count = np.where(count, count, np.nan)
        return [np.bincount(number, some, self.size) / count for some in values]

    def ratios(
        self, values: NDArray[np.floating[Any]], to: NDArray[np.floating[Any]], where: BoolArray
    ) -> Float64Array:
        """Divide sums in each bin, the maximum-likelihood scale for Poisson counts; NaN in an empty one."""
        mean, mean_to = self._average(self.number[where], values[where], to[where])
        return mean / np.maximum(mean_to, FAINT_R)

    def medians(self, values: FloatArray, where: BoolArray) -> Float64Array:
        """Compute the median in each bin; NaN in an empty one."""
        number, values = self.number[where].astype(np.int16), values[where]
        order = np.argsort(values)
        ordered = values[order[np.argsort(number[order], kind="stable")]]  # small integers are sorted in linear time
        count = self.counts(where).astype(int)
        filled, last = count > 0, np.cumsum(count) - 1
        middle = [ordered[(last - back)[filled]] for back in (count // 2, (count - 1) // 2)]  # the same where odd
        median = np.full(self.size, np.nan)
        median[filled] = np.mean(middle, 0)
        return median

    def interpolate(self, per_bin: Float64Array, night_R: float | None = None) -> Float64Array:
        """Interpolate values of the bins to every pixel: (nI, nS).

        The interpolation is linear in the inverse hyperbolic sine: linear where it is faint, exponential where it is
        bright. Beyond the last bin the value is constant, or with ``night_R`` continues to decrease to that value.
        """
        known = np.isfinite(per_bin)
        centers, values = self.centers_deg[known], np.arcsinh(per_bin[known])
        if known.all():
            left, distance_deg = self._places
            slopes = np.append(np.diff(values) / np.diff(centers), 0.0)
            found = slopes[left] * distance_deg + values[left]
        else:
            found = np.interp(self.angle_deg, centers, values)
        if night_R is not None and len(values) > 1:
            slope = min((values[-1] - values[-2]) / (centers[-1] - centers[-2]), 0.0)
            outside = self.angle_deg > centers[-1]
            beyond = values[-1] + slope * (self.angle_deg[outside] - centers[-1])
            found[outside] = beyond.clip(min(np.arcsinh(night_R), values[-1]))
        return np.sinh(found)

    @cached_property
    def _places(self) -> tuple[NDArray[np.intp], Float64Array]:
        """Where each pixel is interpolated: the center on its left, and the distance to it, 0 outside the centers."""
        left = np.searchsorted(self.centers_deg, self.angle_deg, side="right") - 1
        left = left.clip(0, self.size - 1)
        distance_deg = np.maximum(self.angle_deg - self.centers_deg[left], 0.0)
        distance_deg[left == self.size - 1] *= 0  # NaN stays
        return left, distance_deg


def _edges(ordered: FloatArray, min_width_deg: float, pixels: int) -> list[float]:
    """Compute the lower edges of bins of sorted angles.

    Each bin is at least ``min_width_deg`` wide and has at least ``pixels`` pixels; empty if there are too few for one.
    """
    if len(ordered) < pixels:
        return []
    edges, first = [float(ordered[0])], 0
    while (last := max(first + pixels, int(ordered.searchsorted(ordered[first] + min_width_deg)))) < (
        len(ordered) - pixels
    ):
        edges.append(float(ordered[last]))
        first = last
    return edges
