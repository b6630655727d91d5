"""Profiles: a picture's values against an angle, in bins, and carried back to every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import BoolArray, Float64Array, FloatArray

_FAINT_R = 1e-3
BIN_PIXELS = 200  # pixels a bin holds at least, for a mean good to a tenth of a rayleigh at night


@dataclass(frozen=True)
class Bins:
    """Bins of an angle over the pixels of a picture: every pixel's bin, every bin's mean angle."""

    angle_deg: FloatArray
    number: NDArray[np.intp]
    centres_deg: Float64Array

    @property
    def size(self) -> int:
        return len(self.centres_deg)

    @staticmethod
    def cut(angle_deg: FloatArray, where: BoolArray, narrowest_deg: float, dark_deg: float = -np.inf) -> Bins:
        """Cut the angles found ``where`` so that each bin is wide enough and holds enough pixels.

        Below ``dark_deg`` there is light enough for a fifth of the pixels; no bin goes across it.
        """
        ordered = np.sort(angle_deg[where])
        dark = int(ordered.searchsorted(dark_deg))
        bright_edges = _edges(ordered[:dark], narrowest_deg, BIN_PIXELS // 5)
        dark_edges = _edges(ordered[dark:], narrowest_deg, BIN_PIXELS)
        edges = [-np.inf, *(bright_edges + dark_edges)[1:]]
        number = np.searchsorted(edges, angle_deg, side="right") - 1
        total = np.bincount(number[where], angle_deg[where], minlength=len(edges))
        return Bins(angle_deg, number, total / np.bincount(number[where], minlength=len(edges)))

    def counts(self, where: BoolArray) -> Float64Array:
        return np.bincount(self.number[where], minlength=self.size).astype(np.float64)

    def means(self, values: NDArray[np.floating[Any]], where: BoolArray) -> Float64Array:
        """Average in each bin; NaN in an empty one."""
        total = np.bincount(self.number[where], values[where], minlength=self.size)
        count = self.counts(where)
        mean: Float64Array = np.divide(total, count, out=np.full(self.size, np.nan), where=count > 0)
        return mean

    def ratios(
        self, values: NDArray[np.floating[Any]], to: NDArray[np.floating[Any]], where: BoolArray
    ) -> Float64Array:
        """Divide sums in each bin, which is the likeliest scale for counts; NaN in an empty one."""
        return self.means(values, where) / np.maximum(self.means(to, where), _FAINT_R)

    def medians(self, values: FloatArray, where: BoolArray) -> Float64Array:
        """Take the median in each bin; NaN in an empty one."""
        number, values = self.number[where], values[where]
        ordered = values[np.lexsort((values, number))]
        count = self.counts(where).astype(int)
        held, last = count > 0, np.cumsum(count) - 1
        middle = [ordered[(last - back)[held]] for back in (count // 2, (count - 1) // 2)]  # one, where odd
        median = np.full(self.size, np.nan)
        median[held] = np.mean(middle, 0)
        return median

    def interpolate(self, per_bin: Float64Array, darkest: float | None = None) -> Float64Array:
        """Carry values of the bins to every pixel: (nI, nS).

        Between the bins' mean angles brightness goes straight where it is faint, exponentially where it is bright:
        straight in its inverse hyperbolic sine. Past the last one it stays, or goes on falling to ``darkest``.
        """
        known = np.isfinite(per_bin)
        centres, values = self.centres_deg[known], np.arcsinh(per_bin[known])
        found = np.interp(self.angle_deg, centres, values)
        if darkest is not None and len(values) > 1:
            fall = min((values[-1] - values[-2]) / (centres[-1] - centres[-2]), 0.0)
            further = values[-1] + fall * np.maximum(self.angle_deg - centres[-1], 0)
            found = np.where(self.angle_deg > centres[-1], further.clip(min(np.arcsinh(darkest), values[-1])), found)
        return np.sinh(found)


def _edges(ordered: FloatArray, narrowest_deg: float, pixels: int) -> list[float]:
    """Find where bins of sorted angles begin, if each is to hold so many; none where there are too few for one."""
    if len(ordered) < pixels:
        return []
    edges, first = [float(ordered[0])], 0
    while (last := max(first + pixels, int(ordered.searchsorted(ordered[first] + narrowest_deg)))) < (
        len(ordered) - pixels
    ):
        edges.append(float(ordered[last]))
        first = last
    return edges
