"""Calibration of confidences: of the boxes with a confidence of 0.7, seven in ten are right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mars_aurora.observation import Float64Array, FloatArray

_LEAST = 1e-6  # confidences are kept this far from 0 and 1, where the logarithms are infinite
_GRID = np.linspace(_LEAST, 1 - _LEAST, 10_001)  # on which the calibration is inverted


@dataclass(frozen=True)
class Calibration:
    """Beta calibration (Kull et al. 2017): logit(calibrated) = low * ln(raw) - high * ln(1 - raw) + offset.

    It is increasing, so that it keeps the order of the boxes.

    Attributes
    ----------
    low, high : float, above 0
    offset : float
    """

    low: float = 1.0
    high: float = 1.0
    offset: float = 0.0

    def apply(self, raw: FloatArray | Float64Array | float) -> Float64Array:
        """Convert confidences of the network, any shape, 0 to 1, to calibrated ones."""
        terms = np.array([self.low, self.high, self.offset])
        probability: Float64Array = 1 / (1 + np.exp(-find_terms(raw) @ terms))
        return probability

    def invert(self, calibrated: float) -> float:
        """Convert a calibrated confidence to that of the network, within 1e-4."""
        return float(np.interp(calibrated, self.apply(_GRID), _GRID))


def find_terms(raw: FloatArray | Float64Array | float) -> Float64Array:
    """Compute what the terms of a calibration are multiplied by, from confidences of any shape: (..., 3)."""
    inside = np.clip(np.asarray(raw, np.float64), _LEAST, 1 - _LEAST)
    return np.stack((np.log(inside), -np.log1p(-inside), np.ones_like(inside)), axis=-1)
