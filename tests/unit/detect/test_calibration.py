"""Calibrated confidences: the fraction of boxes of a confidence that are right."""

import numpy as np
import pytest

from mars_aurora.detect.calibration import Calibration
from mars_aurora_model.calibrate import fit_calibration


def test_calibration_scales_and_shifts_the_logarithm_of_the_odds():
    assert Calibration(2.0, 0.0).apply(0.75) == pytest.approx(0.9)  # odds of 3 to 1 become 9 to 1
    assert Calibration(1.0, np.log(3)).apply(0.5) == pytest.approx(0.75)
    assert Calibration().apply(0.2) == pytest.approx(0.2)


def test_calibration_is_inverted_and_has_no_infinity():
    confidence = np.array([0.0, 0.01, 0.3, 0.99, 1.0])
    terms = Calibration(1.7, -0.6)
    assert terms.invert(terms.apply(confidence)) == pytest.approx(confidence, abs=1e-3)
    assert np.all(np.diff(terms.apply(confidence)) > 0)


def test_fit_finds_the_calibration_of_simulated_boxes():
    random = np.random.default_rng(5)
    raw = random.uniform(0.01, 0.99, 20_000)
    truth = Calibration(0.6, -0.8)
    fitted = fit_calibration(raw, random.random(len(raw)) < truth.apply(raw))
    assert (fitted.slope, fitted.offset) == pytest.approx((0.6, -0.8), abs=0.06)


def test_fit_of_boxes_that_are_all_right_or_missing_stays_finite():
    fitted = fit_calibration(np.full(500, 0.9), np.ones(500, bool))
    assert 0.95 < fitted.apply(0.9) < 1
    assert fit_calibration(np.zeros(0), np.zeros(0, bool)) == Calibration()


def test_fitted_slope_keeps_the_order_even_where_confidences_mean_nothing():
    raw = np.linspace(0.01, 0.99, 1000)
    assert fit_calibration(raw, raw < 0.5).slope > 0
