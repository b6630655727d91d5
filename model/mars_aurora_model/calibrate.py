"""Fit the calibration of confidences to boxes of known truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mars_aurora.detect.calibration import Calibration, find_terms
from mars_aurora.observation import Float64Array, FloatArray

_PRIOR = 1.0  # weight of no calibration, for classes of which all boxes are right
_STEPS = 30
_MIN_SLOPE = 0.05


def fit_calibration(confidence: FloatArray | Float64Array, correct: NDArray[np.bool_]) -> Calibration:
    """Fit a beta calibration by maximum likelihood, with Newton's method.

    Parameters
    ----------
    confidence : (P,) float
        Confidences of the boxes of one class, before calibration.
    correct : (P,) bool
    """
    design = find_terms(confidence)
    identity = np.array([1.0, 1.0, 0.0])
    terms = identity.copy()
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-design @ terms))
        gradient = design.T @ (correct - probability) - _PRIOR * (terms - identity)
        curvature = (design.T * (probability * (1 - probability))) @ design + _PRIOR * np.eye(3)
        terms = terms + np.linalg.solve(curvature, gradient)
    low, high = np.maximum(terms[:2], _MIN_SLOPE)
    return Calibration(float(low), float(high), float(terms[2]))
