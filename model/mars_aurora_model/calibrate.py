"""Fit the calibration of confidences to boxes of known truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mars_aurora.detect.calibration import Calibration, find_terms
from mars_aurora.observation import Float64Array, FloatArray

_PRIOR = 1.0  # weight of no calibration, for classes of which all boxes are right
_STEPS = 30
_LEAST_STEP = 1e-9
_MIN_SLOPE = 0.05


def fit_calibration(confidence: FloatArray | Float64Array, correct: NDArray[np.bool_]) -> Calibration:
    """Fit a beta calibration by maximum likelihood, with Newton's method and halved steps.

    Parameters
    ----------
    confidence : (P,) float
        Confidences of the boxes of one class, before calibration.
    correct : (P,) bool
    """
    design = find_terms(confidence)
    identity = np.array([1.0, 1.0, 0.0])

    def find_loss(terms: Float64Array) -> float:
        logit = design @ terms
        distance = terms - identity
        return float(np.logaddexp(0, logit).sum() - logit[correct].sum() + _PRIOR / 2 * distance @ distance)

    terms = identity.copy()
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-design @ terms))
        gradient = design.T @ (correct - probability) - _PRIOR * (terms - identity)
        curvature = (design.T * (probability * (1 - probability))) @ design + _PRIOR * np.eye(3)
        step = np.linalg.solve(curvature, gradient)
        while find_loss(terms + step) > find_loss(terms) and np.abs(step).max() > _LEAST_STEP:
            step = step / 2  # where a whole step goes too far, the next would go further
        terms = terms + step
    low, high = np.maximum(terms[:2], _MIN_SLOPE)
    return Calibration(float(low), float(high), float(terms[2]))
