"""Brightness of the line in EMUS files: the table EMISS of Level 2B, spectra of Level 2A."""

from __future__ import annotations

import numpy as np
import pytest
from emus_files import LINE_ROW, Tables, expected_brightness, make_spectra, make_tables
from numpy.testing import assert_allclose, assert_array_equal

from mars_aurora.errors import Reason
from mars_aurora.readers import emus_lines


@pytest.mark.parametrize(("n_integrations", "n_slit"), [(8, 128), (8, 192), (128, 128), (150, 128)])
def test_emission_images_of_any_shape_are_transposed(read_tables, n_integrations, n_slit):
    observation = read_tables(make_tables(n_integrations, n_slit))
    on_slit = slice(1, n_slit - 1)
    expected = expected_brightness(n_integrations, n_slit)
    assert observation.shape == (n_integrations, n_slit)
    assert_allclose(observation.brightness_R[:, on_slit], expected[:, on_slit], rtol=1e-6)
    assert_allclose(observation.random_error_R[:, on_slit], expected[:, on_slit] / 10, rtol=1e-6)
    assert_allclose(observation.systematic_error_R[:, on_slit], expected[:, on_slit] / 20, rtol=1e-6)
    assert_array_equal(np.argwhere(observation.flagged), [[4, 3]])


def test_missing_emission_lists_the_emissions_of_the_file(reject_tables):
    tables = make_tables()
    tables["EMISS"]["NAME"][LINE_ROW] = "O I 130.9 triplet"
    error = reject_tables(tables)
    assert error.reason is Reason.NO_LINE
    assert "C I 156.1" in error.detail


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, bool])  # FITS stores uint16 scaled, bool as a letter
def test_quality_flags_of_any_integer_type_are_read(read_tables, kind):
    tables = make_tables()
    flags = np.zeros_like(tables["EMISS"]["QLTY_FLG"], kind)
    flags[:, 5, 2] = 1
    tables["EMISS"]["QLTY_FLG"] = flags
    flagged = read_tables(tables).flagged
    assert flagged[2, 5]
    assert flagged.sum() == 1


def make_l2a(**spectra: float) -> Tables:
    tables = {**make_tables(), **make_spectra(**spectra)}
    del tables["EMISS"]
    return tables


@pytest.mark.parametrize("fwhm_nm", [1.3, 1.57, 1.8])
def test_l2a_line_is_fitted_between_its_neighbors_over_a_sloping_baseline(read_tables, fwhm_nm):
    tables = make_l2a(line_R=40.0, fwhm_nm=fwhm_nm)
    tables["CAL"]["RADIANCE"][3] = np.nan  # a lost integration
    observation = read_tables(tables)
    others = np.delete(observation.brightness_R, 3, axis=0)[:, 1:127]  # wavelengths vary along the slit
    assert observation.facts.level == "l2a"
    assert_allclose(others, 40.0, rtol=0.02)
    assert_allclose(np.delete(observation.systematic_error_R, 3, axis=0)[:, 1:127], 2.0, rtol=0.02)
    assert np.isnan(observation.brightness_R[3]).all()


def test_l2a_random_errors_match_the_scatter_of_noisy_spectra(read_tables):
    tables = make_l2a()
    tables["CAL"]["RADIANCE"] += np.random.default_rng(3).normal(0, 0.5, (8, 128, 200)).astype("f4")
    observation = read_tables(tables)
    scatter = np.std(observation.brightness_R[:, 1:127] - 40.0)
    assert np.nanmedian(observation.random_error_R) == pytest.approx(scatter, rel=0.1)


def test_piece_size_does_not_change_the_brightness(read_tables, monkeypatch):
    tables = make_l2a()
    tables["CAL"]["RADIANCE"] *= np.arange(1, 9)[:, None, None]
    one_piece = read_tables(tables, "a.fits").brightness_R
    monkeypatch.setattr(emus_lines, "_VALUES_PER_PIECE", 3 * 128 * 200)
    assert_array_equal(read_tables(tables, "b.fits").brightness_R, one_piece)


def test_l2a_without_the_line_reports_its_wavelength_range(reject_tables):
    tables = make_l2a()
    tables["WAVELENGTH"]["WAVELENGTH_L2A"] += 70
    error = reject_tables(tables)
    assert error.reason is Reason.NO_LINE
    assert "169.7 to 240.3 nm" in error.detail


def test_l2a_spectra_of_the_wrong_shape_are_rejected(reject_tables):
    tables = make_l2a()
    tables["CAL"]["RADIANCE"] = tables["CAL"]["RADIANCE"][:, :, :100]
    assert reject_tables(tables).reason is Reason.WRONG_SHAPE
