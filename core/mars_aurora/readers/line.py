"""Brightness of one emission from spectra, with its errors.

Two methods. Both are linear in the spectrum: one set of weights per slit bin yields the brightness and its errors.

- `integrate_line`, for narrow lines (IUVS): the integral over the window of the line above a straight baseline,
  fitted by least squares to the samples in the windows on both sides.
- `fit_line`, for wide lines (EMUS, 1.3 to 1.8 nm), whose neighbors leave no free baseline: a least-squares fit of
  Gaussian lines, the neighbors included, and a straight baseline.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.emission import OXYGEN_1304, Emission
from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Float64Array, FloatArray

_FWHM_NM = np.arange(0.8, 2.6, 0.1)  # trial widths
_FWHM_STEPS_NM = np.arange(-0.1, 0.1, 0.01)
_FWHM_PER_SIGMA = 2.3548
_BINS_FITTED = 12  # slit bins whose spectra determine the width


@dataclass(frozen=True)
class LineImages:
    """The images of one emission, each (nI, nS): brightness and its errors in rayleigh, and flagged pixels."""

    brightness_R: NDArray[Any]
    random_error_R: NDArray[Any]
    systematic_error_R: NDArray[Any]
    flagged: NDArray[np.bool_]


@dataclass(frozen=True)
class LineWeights:
    """Weights (nS, nK), in nm, of the samples ``window`` of the spectral axis."""

    weights: Float64Array
    window: slice

    def integrate(self, radiance: NDArray[Any]) -> FloatArray:
        """Integrate spectra per nm, (n, nS, nW), to (n, nS); NaN if any sample of the window is NaN."""
        return self._sum(radiance)

    def random_error(self, error: NDArray[Any]) -> FloatArray:
        """Propagate errors that are independent between samples, (n, nS, nW), to (n, nS)."""
        with np.errstate(all="ignore"):
            squares = np.square(error[:, :, self.window], dtype=np.float64)
            variance: Float64Array = np.einsum("isk,sk->is", squares, self.weights**2)
            return np.sqrt(variance).astype(np.float32)

    def systematic_error(self, error: NDArray[Any]) -> FloatArray:
        """Propagate errors common to all samples, such as calibration errors, (n, nS, nW), to (n, nS)."""
        return np.abs(self._sum(error))

    def _sum(self, samples: NDArray[Any]) -> FloatArray:
        with np.errstate(all="ignore"):
            window = np.array(samples[:, :, self.window], np.float64)
            total: Float64Array = np.einsum("isk,sk->is", window, self.weights)
            return total.astype(np.float32)

    def flagged(self, flags: NDArray[Any]) -> NDArray[np.bool_]:
        """Find the spectra with a flag on any sample of the window: (n, nS, nW) to (n, nS)."""
        return np.asarray(np.any(flags[:, :, self.window] != 0, axis=2))


def integrate_line(wavelength_nm: Float64Array, emission: Emission, name: str) -> LineWeights:
    """Compute the weights of the integral above the baseline.

    Parameters
    ----------
    wavelength_nm : (nS, nW)
        Wavelengths of each slit bin, increasing along the second axis. Bins that do not cover the line get NaN.
    emission : Emission
    name : str
        Name of the input, for the error.

    Raises
    ------
    InputError
        NO_LINE or NO_EMISSION, with the wavelength range, if no bin covers the line and its baseline.
    """
    covered = _require_line(wavelength_nm, emission, name)
    return _pack({row: _integration_weights(wavelength_nm[row], emission) for row in covered}, wavelength_nm.shape)


def fit_line(wavelength_nm: Float64Array, spectra: Float64Array, emission: Emission, name: str) -> LineWeights:
    """Compute the weights of the fit; the line width, common to all bins, minimizes the residual of ``spectra``.

    Parameters
    ----------
    wavelength_nm, emission, name
        As for `integrate_line`.
    spectra : (nS, nW)
        Mean spectrum of each slit bin.

    Raises
    ------
    InputError
        As `integrate_line`.
    """
    covered = _require_line(wavelength_nm, emission, name)
    fitted = [row for row in covered[:: max(1, len(covered) // _BINS_FITTED)] if np.isfinite(spectra[row]).all()]

    def residual(fwhm_nm: float) -> float:
        return sum(_residual(wavelength_nm[row], spectra[row], emission, fwhm_nm) for row in fitted)

    coarse = min(_FWHM_NM.tolist(), key=residual)
    fwhm_nm = min((coarse + _FWHM_STEPS_NM).tolist(), key=residual)
    return _pack({row: _fit_weights(wavelength_nm[row], emission, fwhm_nm) for row in covered}, wavelength_nm.shape)


def find_fitted(wavelength_nm: Float64Array, emission: Emission) -> slice:
    """Find the part of the spectral axis that `fit_line` uses; it ignores values elsewhere."""
    used = np.flatnonzero(np.any(_between(wavelength_nm, emission.fitted_nm), axis=0))
    return slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0)


def missing_reason(emission: Emission) -> Reason:
    """Return the reason code of an input without the emission."""
    return Reason.NO_LINE if emission == OXYGEN_1304 else Reason.NO_EMISSION


def _require_line(wavelength_nm: Float64Array, emission: Emission, name: str) -> list[int]:
    """List the bins that cover the line and its baseline; raise InputError if there are none."""
    covered = [row for row, samples in enumerate(wavelength_nm) if _covers_line(samples, emission)]
    if not covered:
        finite = wavelength_nm[np.isfinite(wavelength_nm)]
        found = f"{finite.min():.1f} to {finite.max():.1f} nm" if finite.size else "no wavelengths"
        (shortest, _), (_, longest) = emission.baseline_nm
        detail = f"the file covers {found}; {emission.name} nm needs {shortest} to {longest} nm"
        raise InputError(missing_reason(emission), name, detail)
    return covered


def _pack(rows: dict[int, Float64Array], shape: tuple[int, ...]) -> LineWeights:
    weights = np.full(shape, np.nan)
    weights[list(rows)] = list(rows.values())
    used = np.flatnonzero(np.any(np.nan_to_num(weights) != 0, axis=0))
    window = slice(int(used[0]), int(used[-1]) + 1)
    return LineWeights(weights[:, window], window)


def _covers_line(wavelength_nm: Float64Array, emission: Emission) -> bool:
    if not np.all(np.isfinite(wavelength_nm)) or not np.all(np.diff(wavelength_nm) > 0):
        return False
    counts = [
        int(np.count_nonzero(_between(wavelength_nm, limits))) for limits in (emission.line_nm, *emission.baseline_nm)
    ]
    return counts[0] >= 2 and min(counts) >= 1


def _integration_weights(wavelength_nm: Float64Array, emission: Emission) -> Float64Array:
    """Compute the weight of each sample: its overlap with the line minus its part in the baseline below the line."""
    low, high = emission.line_nm
    edges = (wavelength_nm[1:] + wavelength_nm[:-1]) / 2
    edges = np.concatenate([wavelength_nm[:1], edges, wavelength_nm[-1:]])  # the first and last are in the baseline
    overlap = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
    baseline = np.any([_between(wavelength_nm, limits) for limits in emission.baseline_nm], axis=0)
    middle = (low + high) / 2
    weights: Float64Array = overlap - (high - low) * _baseline_weights(wavelength_nm, baseline, middle)
    return weights


def _baseline_weights(x: Float64Array, used: NDArray[np.bool_], at: float) -> Float64Array:
    """Compute the weights of the samples in the value at ``at`` of the straight line fitted to the used ones."""
    mean = x[used].mean()
    spread = np.sum((x[used] - mean) ** 2)
    return np.where(used, 1 / np.count_nonzero(used) + (at - mean) * (x - mean) / spread, 0.0)


def _between(values: Float64Array, limits: Iterable[float]) -> NDArray[np.bool_]:
    low, high = limits
    return (values >= low) & (values <= high)


def _model(wavelength_nm: Float64Array, emission: Emission, fwhm_nm: float) -> Float64Array:
    """Make the model matrix (samples, terms): each line at 1 R, the measured line first; a constant; a slope."""
    sigma = fwhm_nm / _FWHM_PER_SIGMA
    distance = (wavelength_nm[:, None] - np.array(emission.lines_nm)) / sigma
    lines = np.exp(-0.5 * distance**2) / (sigma * np.sqrt(2 * np.pi))
    return np.column_stack([lines, np.ones_like(wavelength_nm), wavelength_nm - emission.wavelength_nm])


def _fit_weights(wavelength_nm: Float64Array, emission: Emission, fwhm_nm: float) -> Float64Array:
    used = _between(wavelength_nm, emission.fitted_nm)
    weights = np.zeros(len(wavelength_nm))
    weights[used] = np.linalg.pinv(_model(wavelength_nm[used], emission, fwhm_nm))[0]
    return weights


def _residual(wavelength_nm: Float64Array, spectrum: Float64Array, emission: Emission, fwhm_nm: float) -> float:
    used = _between(wavelength_nm, emission.fitted_nm)
    model = _model(wavelength_nm[used], emission, fwhm_nm)
    fitted = model @ np.linalg.lstsq(model, spectrum[used], rcond=None)[0]
    return float(np.sum((spectrum[used] - fitted) ** 2))
