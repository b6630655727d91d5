"""The fit of Gaussian lines to spectra: known answers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mars_aurora.emission import OXYGEN_1304
from mars_aurora.readers.line import find_fitted, fit_line


@pytest.mark.parametrize("fwhm_nm", [0.75, 1.23, 2.58])  # close to both ends of the trial widths, and between
def test_fit_gives_the_brightness_of_gaussian_lines_of_any_trial_width(fwhm_nm):
    wavelength_nm = np.linspace(110, 150, 400)[None]
    sigma = fwhm_nm / np.sqrt(8 * np.log(2))
    spectrum = 2.0 + 0.05 * (wavelength_nm - 130)
    for place, center in enumerate(OXYGEN_1304.lines_nm):
        gaussian = np.exp(-0.5 * ((wavelength_nm - center) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        spectrum += (40.0 if place == 0 else 100.0) * gaussian
    weights = fit_line(wavelength_nm, spectrum, OXYGEN_1304, "x.fits")
    assert_allclose(weights.integrate(spectrum[None]), 40.0, rtol=1e-4)


@pytest.mark.parametrize(
    ("wavelength_nm", "used"),
    [([125.9, 126.0, 130.4, 137.0, 137.1], slice(1, 4)), ([130.0], slice(1)), ([100.0, 150.0], slice(0))],
)
def test_wavelengths_of_the_fit_are_those_within_its_window_limits_included(wavelength_nm, used):
    found = find_fitted(np.array([wavelength_nm]), OXYGEN_1304)
    assert range(9)[found] == range(9)[used]
