"""The fit of Gaussian lines to spectra: known answers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mars_aurora.emission import OXYGEN_1304
from mars_aurora.readers.line import fit_line


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
