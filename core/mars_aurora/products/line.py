"""The O I 130.4 nm line's brightness out of a spectrum: what stands above a straight baseline.

The baseline is a straight line fitted by least squares to the samples between 126.8 and 128.3 and between 132.3 and
133.2 nm; the line is integrated from 129.0 to 132.0 nm, samples at its ends counted in part. Both steps are linear,
so one set of weights a slit bin does the whole of it, and carries the errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import FloatArray

LINE_NM = (129.0, 132.0)
BASELINE_NM = ((126.8, 128.3), (132.3, 133.2))


@dataclass(frozen=True)
class LineWeights:
    """``weights`` (nS, nK), nm, for the samples ``window`` of the spectral axis."""

    weights: NDArray[np.float64]
    window: slice

    def integrate(self, radiance: NDArray[Any]) -> FloatArray:
        """Integrate (n, nS, nW) spectra per nm to (n, nS); NaN where a sample of the window is NaN."""
        return self._sum(radiance)

    def random_error(self, error: NDArray[Any]) -> FloatArray:
        """Propagate independent errors of the samples, (n, nS, nW), to the line: (n, nS)."""
        with np.errstate(all="ignore"):
            squares = np.square(error[:, :, self.window], dtype=np.float64)
            variance: NDArray[np.float64] = np.einsum("isk,sk->is", squares, self.weights**2)
            return np.sqrt(variance).astype(np.float32)

    def systematic_error(self, error: NDArray[Any]) -> FloatArray:
        """Propagate errors common to all samples, as a calibration's are, to the line: (n, nS)."""
        return np.abs(self._sum(error))

    def _sum(self, samples: NDArray[Any]) -> FloatArray:
        with np.errstate(all="ignore"):
            window = np.array(samples[:, :, self.window], np.float64)
            total: NDArray[np.float64] = np.einsum("isk,sk->is", window, self.weights)
            return total.astype(np.float32)

    def flagged(self, flags: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell where any sample of the window carries a flag: (n, nS, nW) to (n, nS)."""
        return np.asarray(np.any(flags[:, :, self.window] != 0, axis=2))


def weigh_line(wavelength_nm: NDArray[np.float64], name: str) -> LineWeights:
    """Compute each slit bin's weights from its own wavelengths, (nS, nW), rising along the second axis.

    Bins without wavelengths get NaN. Raises NO_LINE, naming the range, if no bin covers line and baseline.
    """
    covered = np.array([_covers_line(row) for row in wavelength_nm], bool)
    if not covered.any():
        finite = wavelength_nm[np.isfinite(wavelength_nm)]
        found = f"it covers {finite.min():.1f} to {finite.max():.1f} nm" if finite.size else "it has no wavelengths"
        detail = f"{found}; the O I line at 130.4 nm needs {BASELINE_NM[0][0]} to {BASELINE_NM[1][1]} nm"
        raise InputError(Reason.NO_LINE, name, detail)
    weights = np.full(wavelength_nm.shape, np.nan)
    weights[covered] = [_weigh_bin(row) for row in wavelength_nm[covered]]
    used = np.flatnonzero(np.any(np.nan_to_num(weights) != 0, axis=0))
    window = slice(int(used[0]), int(used[-1]) + 1)
    return LineWeights(weights[:, window], window)


def _covers_line(wavelength_nm: NDArray[np.float64]) -> bool:
    if not np.all(np.isfinite(wavelength_nm)) or not np.all(np.diff(wavelength_nm) > 0):
        return False
    counts = [int(np.count_nonzero(_between(wavelength_nm, limits))) for limits in (LINE_NM, *BASELINE_NM)]
    return counts[0] >= 2 and min(counts) >= 1


def _weigh_bin(wavelength_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of each sample: its overlap with the line, less its part in the baseline under the line."""
    low, high = LINE_NM
    edges = (wavelength_nm[1:] + wavelength_nm[:-1]) / 2
    edges = np.concatenate([[2 * wavelength_nm[0] - edges[0]], edges, [2 * wavelength_nm[-1] - edges[-1]]])
    overlap = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
    baseline = np.any([_between(wavelength_nm, limits) for limits in BASELINE_NM], axis=0)
    middle = (low + high) / 2
    weights: NDArray[np.float64] = overlap - (high - low) * _fit_weights(wavelength_nm, baseline, middle)
    return weights


def _fit_weights(x: NDArray[np.float64], used: NDArray[np.bool_], at: float) -> NDArray[np.float64]:
    """Weights of the samples in the value at ``at`` of the straight line fitted to the used ones."""
    mean = x[used].mean()
    spread = np.sum((x[used] - mean) ** 2)
    return np.where(used, 1 / np.count_nonzero(used) + (at - mean) * (x - mean) / spread, 0.0)


def _between(values: NDArray[np.float64], limits: Iterable[float]) -> NDArray[np.bool_]:
    low, high = limits
    return (values >= low) & (values <= high)
