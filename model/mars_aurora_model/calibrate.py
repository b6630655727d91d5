"""Fit the calibration of confidences to boxes of known truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mars_aurora.detect.calibration import Calibration, logit
from mars_aurora.observation import Float64Array, FloatArray

_PRIOR = 1.0  # weight of slope 1 and offset 0, for classes of which all boxes are right
_STEPS = 30
_MIN_SLOPE = 0.05


def fit_calibration(confidence: FloatArray | Float64Array, correct: NDArray[np.bool_]) -> Calibration:
    """Fit Platt scaling by maximum likelihood, with Newton's method.

    Parameters
    ----------
    confidence : (P,) float
        Confidences of the boxes of one class, before calibration.
    correct : (P,) bool
    """
    design = np.column_stack((logit(confidence), np.ones(len(confidence))))
    identity = np.array([1.0, 0.0])
    terms = identity.copy()
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-design @ terms))
        gradient = design.T @ (correct - probability) - _PRIOR * (terms - identity)
        curvature = (design.T * (probability * (1 - probability))) @ design + _PRIOR * np.eye(2)
        terms = terms + np.linalg.solve(curvature, gradient)
    return Calibration(max(float(terms[0]), _MIN_SLOPE), float(terms[1]))
