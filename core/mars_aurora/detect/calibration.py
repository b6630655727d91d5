"""Calibration of confidences: of the boxes with a confidence of 0.7, seven in ten are right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mars_aurora.observation import Float64Array, FloatArray

_LEAST = 1e-6  # confidences are kept this far from 0 and 1, where the logit is infinite


@dataclass(frozen=True)
class Calibration:
    """Platt scaling: logit(calibrated) = slope * logit(raw) + offset; increasing, so that it keeps the order.

    Attributes
    ----------
    slope : float, above 0
    offset : float
    """

    slope: float = 1.0
    offset: float = 0.0

    def apply(self, raw: FloatArray | Float64Array | float) -> Float64Array:
        """Convert confidences of the network, any shape, 0 to 1, to calibrated ones."""
        return _expit(self.slope * logit(raw) + self.offset)

    def invert(self, calibrated: FloatArray | Float64Array | float) -> Float64Array:
        """Convert calibrated confidences, any shape, to those of the network."""
        return _expit((logit(calibrated) - self.offset) / self.slope)


def logit(confidence: FloatArray | Float64Array | float) -> Float64Array:
    """Compute ln(p / (1 - p)), any shape; 0 and 1 give large finite values."""
    inside = np.clip(np.asarray(confidence, np.float64), _LEAST, 1 - _LEAST)
    odds: Float64Array = np.log(inside / (1 - inside))
    return odds


def _expit(value: Float64Array) -> Float64Array:
    probability: Float64Array = 1 / (1 + np.exp(-value))
    return probability
