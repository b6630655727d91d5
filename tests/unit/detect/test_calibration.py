"""Calibrated confidences: the fraction of boxes of a confidence that are right."""

import numpy as np
import pytest

from mars_aurora.detect.calibration import Calibration
from mars_aurora_model.calibrate import fit_calibration


def test_calibration_scales_and_shifts_the_logarithm_of_the_odds():
    assert Calibration(2.0, 2.0, 0.0).apply(0.75) == pytest.approx(0.9)  # odds of 3 to 1 become 9 to 1
    assert Calibration(1.0, 1.0, np.log(3)).apply(0.5) == pytest.approx(0.75)
    assert Calibration().apply(0.2) == pytest.approx(0.2)


def test_low_and_high_confidences_have_scales_of_their_own():
    assert Calibration(2.0, 1.0).apply(0.5) == pytest.approx(1 / 3)  # odds of 0.5 squared to 0.5
    assert Calibration(1.0, 2.0).apply(0.5) == pytest.approx(2 / 3)


@pytest.mark.parametrize("confidence", [0.01, 0.3, 0.5, 0.99])
def test_calibration_is_inverted(confidence):
    terms = Calibration(1.7, 0.8, -0.6)
    assert terms.invert(float(terms.apply(confidence))) == pytest.approx(confidence, abs=1e-4)


def test_calibration_keeps_the_order_and_has_no_infinity():
    calibrated = Calibration(0.9, 2.3, -1.3).apply(np.array([0.0, 0.01, 0.3, 0.99, 1.0]))
    assert np.all(np.diff(calibrated) > 0)
    assert 0 < calibrated[0] < 1e-4
    assert 1 - 1e-4 < calibrated[-1] < 1


def test_fit_finds_the_calibration_of_simulated_boxes():
    random = np.random.default_rng(5)
    raw = random.uniform(0.01, 0.99, 20_000)
    truth = Calibration(0.6, 1.6, -0.8)
    fitted = fit_calibration(raw, random.random(len(raw)) < truth.apply(raw))
    assert fitted.apply(np.linspace(0.05, 0.95, 10)) == pytest.approx(
        truth.apply(np.linspace(0.05, 0.95, 10)), abs=0.02
    )


@pytest.mark.parametrize(("slope", "offset"), [(3.0, 2.0), (2.0, -4.0), (0.5, 4.0)])
def test_fit_finds_calibrations_that_are_far_from_none(slope, offset):
    random = np.random.default_rng(2)
    logit = random.normal(0, 3, 4000)  # of the right probability, which the raw confidence exaggerates and shifts
    probability = 1 / (1 + np.exp(-logit))
    raw = 1 / (1 + np.exp(-(slope * logit + offset)))
    fitted = fit_calibration(raw, random.random(len(raw)) < probability)
    assert np.abs(fitted.apply(raw) - probability).max() < 0.05


def test_fit_of_boxes_that_are_all_right_or_missing_stays_finite():
    fitted = fit_calibration(np.full(500, 0.9), np.ones(500, bool))
    assert 0.95 < fitted.apply(0.9) < 1
    assert fit_calibration(np.zeros(0), np.zeros(0, bool)) == Calibration()


def test_fitted_slopes_keep_the_order_even_where_confidences_mean_nothing():
    raw = np.linspace(0.01, 0.99, 1000)
    fitted = fit_calibration(raw, raw < 0.5)
    assert fitted.low > 0
    assert fitted.high > 0
