"""The O I 130.4 nm line's brightness out of a spectrum, with its errors.

Two ways, both linear in the spectrum, so that one set of weights a slit bin does it all and carries the errors:

- `integrate_line`, for lines as narrow as IUVS's: a straight baseline by least squares through the samples between
  126.8 and 128.3 and between 132.3 and 133.2 nm; what stands above it from 129.0 to 132.0 nm, ends counted in part.
- `fit_line`, for EMUS, whose lines are 1.3 to 1.8 nm wide, so that C I at 127.7 and C II at 133.5 nm leave no clean
  baseline: a straight baseline and Gaussian lines, the neighbours included, by least squares.
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
_FITTED_NM = (126.0, 137.0)  # lower, the wing of N I at 124.3 nm spoils the width and a twentieth of the line
_LINES_NM = (130.4, 126.1, 127.7, 133.5, 135.6)  # O I, then its neighbours C I, C I, C II, O I
_FWHM_NM = np.arange(0.8, 2.6, 0.1)


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


def integrate_line(wavelength_nm: NDArray[np.float64], name: str) -> LineWeights:
    """Compute each slit bin's weights from its own wavelengths, (nS, nW), rising along the second axis.

    Bins without wavelengths get NaN. Raises NO_LINE, naming the range, if no bin covers line and baseline.
    """
    covered = _require_line(wavelength_nm, name)
    return _pack({row: _integration_weights(wavelength_nm[row]) for row in covered}, wavelength_nm.shape)


def fit_line(wavelength_nm: NDArray[np.float64], spectra: NDArray[np.float64], name: str) -> LineWeights:
    """Compute each slit bin's weights by the model that fits its mean spectrum, (nS, nW), best.

    The width of the lines, common to all bins, is the one of least residual. Raises as `integrate_line` does.
    """
    covered = _require_line(wavelength_nm, name)
    asked = [row for row in covered[:: max(1, len(covered) // 12)] if np.isfinite(spectra[row]).all()]

    def residual(fwhm_nm: float) -> float:
        return sum(_residual(wavelength_nm[row], spectra[row], fwhm_nm) for row in asked)

    coarse = min(_FWHM_NM.tolist(), key=residual)
    fwhm_nm = min((coarse + np.arange(-0.1, 0.1, 0.01)).tolist(), key=residual)
    return _pack({row: _fit_weights(wavelength_nm[row], fwhm_nm) for row in covered}, wavelength_nm.shape)


def find_fitted(wavelength_nm: NDArray[np.float64]) -> slice:
    """Find the part of the spectral axis that `fit_line` looks at: what it is given elsewhere does not matter."""
    used = np.flatnonzero(np.any(_between(wavelength_nm, _FITTED_NM), axis=0))
    return slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0)


def _require_line(wavelength_nm: NDArray[np.float64], name: str) -> list[int]:
    """List the bins whose wavelengths cover the line; raise NO_LINE if none does."""
    covered = [row for row, samples in enumerate(wavelength_nm) if _covers_line(samples)]
    if not covered:
        finite = wavelength_nm[np.isfinite(wavelength_nm)]
        found = f"it covers {finite.min():.1f} to {finite.max():.1f} nm" if finite.size else "it has no wavelengths"
        detail = f"{found}; the O I line at 130.4 nm needs {BASELINE_NM[0][0]} to {BASELINE_NM[1][1]} nm"
        raise InputError(Reason.NO_LINE, name, detail)
    return covered


def _pack(rows: dict[int, NDArray[np.float64]], shape: tuple[int, ...]) -> LineWeights:
    weights = np.full(shape, np.nan)
    weights[list(rows)] = list(rows.values())
    used = np.flatnonzero(np.any(np.nan_to_num(weights) != 0, axis=0))
    window = slice(int(used[0]), int(used[-1]) + 1)
    return LineWeights(weights[:, window], window)


def _covers_line(wavelength_nm: NDArray[np.float64]) -> bool:
    if not np.all(np.isfinite(wavelength_nm)) or not np.all(np.diff(wavelength_nm) > 0):
        return False
    counts = [int(np.count_nonzero(_between(wavelength_nm, limits))) for limits in (LINE_NM, *BASELINE_NM)]
    return counts[0] >= 2 and min(counts) >= 1


def _integration_weights(wavelength_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of each sample: its overlap with the line, less its part in the baseline under the line."""
    low, high = LINE_NM
    edges = (wavelength_nm[1:] + wavelength_nm[:-1]) / 2
    edges = np.concatenate([[2 * wavelength_nm[0] - edges[0]], edges, [2 * wavelength_nm[-1] - edges[-1]]])
    overlap = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
    baseline = np.any([_between(wavelength_nm, limits) for limits in BASELINE_NM], axis=0)
    middle = (low + high) / 2
    weights: NDArray[np.float64] = overlap - (high - low) * _baseline_weights(wavelength_nm, baseline, middle)
    return weights


def _baseline_weights(x: NDArray[np.float64], used: NDArray[np.bool_], at: float) -> NDArray[np.float64]:
    """Weights of the samples in the value at ``at`` of the straight line fitted to the used ones."""
    mean = x[used].mean()
    spread = np.sum((x[used] - mean) ** 2)
    return np.where(used, 1 / np.count_nonzero(used) + (at - mean) * (x - mean) / spread, 0.0)


def _between(values: NDArray[np.float64], limits: Iterable[float]) -> NDArray[np.bool_]:
    low, high = limits
    return (values >= low) & (values <= high)


def _model(wavelength_nm: NDArray[np.float64], fwhm_nm: float) -> NDArray[np.float64]:
    """Make the columns (samples, terms): each line at 1 R, the 130.4 nm line first; a constant and a slope."""
    sigma = fwhm_nm / 2.3548
    away = (wavelength_nm[:, None] - np.array(_LINES_NM)) / sigma
    lines = np.exp(-0.5 * away**2) / (sigma * np.sqrt(2 * np.pi))
    return np.column_stack([lines, np.ones_like(wavelength_nm), wavelength_nm - _LINES_NM[0]])


def _fit_weights(wavelength_nm: NDArray[np.float64], fwhm_nm: float) -> NDArray[np.float64]:
    used = _between(wavelength_nm, _FITTED_NM)
    weights = np.zeros(len(wavelength_nm))
    weights[used] = np.linalg.pinv(_model(wavelength_nm[used], fwhm_nm))[0]
    return weights


def _residual(wavelength_nm: NDArray[np.float64], spectrum: NDArray[np.float64], fwhm_nm: float) -> float:
    used = _between(wavelength_nm, _FITTED_NM)
    model = _model(wavelength_nm[used], fwhm_nm)
    fitted = model @ np.linalg.lstsq(model, spectrum[used], rcond=None)[0]
    return float(np.sum((spectrum[used] - fitted) ** 2))
