"""Brightness is used where it is plausible for the emission; the rest is not known, and the file says so."""

import numpy as np
import pytest
from emus_files import LINE_ROW, Tables, make_tables
from numpy.testing import assert_array_equal

from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356
from mars_aurora.errors import InputError, Reason
from mars_aurora.readers.plausible import (
    find_empty_day,
    find_empty_pages,
    find_scatter,
    find_spikes,
    require_plausible,
    select_plausible,
)

NAN = np.nan


def _row(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


@pytest.mark.parametrize(("emission", "scale"), [(OXYGEN_1304, 1.0), (OXYGEN_1356, 0.25)])
def test_limits_are_those_of_day_night_and_noise(emission, scale):
    values = _row(3000, 3000.1, 1000, 1000.1, -20, -20.1, -29, -31, NAN) * scale
    sza_deg = _row(110, 110, 110.1, 110.1, 150, 150, 150, 150, 150)
    error = _row(1, 1, 1, 1, 1, 1, 3, 3, 1) * scale
    plausible = select_plausible(values, error, sza_deg, emission)
    assert plausible.tolist() == [[True, False, True, False, True, False, True, False, False]]


def test_limit_where_the_sza_is_unknown_is_that_of_the_day():
    assert select_plausible(_row(2999, 3001), _row(1, 1), _row(NAN, NAN), OXYGEN_1304).tolist() == [[True, False]]


def test_unknown_errors_are_estimated_from_the_scatter():
    brightness = np.random.default_rng(0).normal(0, 30, (200, 50)).astype("f4")
    brightness[100, 25] = -280
    brightness[120, 25] = -320
    assert find_scatter(brightness) == pytest.approx(30, rel=0.05)
    plausible = select_plausible(brightness, np.full_like(brightness, NAN), np.full_like(brightness, 90), OXYGEN_1304)
    assert_array_equal(np.argwhere(~plausible), [[120, 25]])


@pytest.mark.parametrize(
    ("factor", "sza_deg", "problem"),
    [
        (400.0, 50, None),
        (0.4, 50, "median of the day side is 0.4 R, expected at least 20 R"),
        (4e5, 50, "at most 3000 R"),
        (0.8, 130, None),
        (8e-4, 130, "scatter of the night side"),
        (800.0, 130, "upper quartile of the night side is 800 R, expected at most 300 R"),
        (0.0, 130, None),
        (0.4, 100, None),
    ],
)
def test_disk_of_another_order_of_magnitude_is_rejected(factor, sza_deg, problem):
    brightness = np.full(60, factor, np.float32)
    arguments = brightness, np.full(60, sza_deg, np.float32), OXYGEN_1304, "x.fits"
    if problem is None:
        require_plausible(*arguments)
        return
    with pytest.raises(InputError, match=problem) as caught:
        require_plausible(*arguments)
    assert caught.value.reason is Reason.IMPLAUSIBLE_BRIGHTNESS


def test_flagged_pixels_are_spikes_only_far_from_their_neighbors():
    brightness, error = np.full((9, 9), 5, np.float32), np.full((9, 9), 2, np.float32)
    brightness[1, 1], brightness[4, 4], brightness[7, 7], brightness[0, 8] = 22, 20, 22, -15
    flagged = np.zeros((9, 9), bool)
    flagged[1, 1] = flagged[4, 4] = flagged[0, 8] = flagged[3, 6] = True
    assert_array_equal(np.argwhere(find_spikes(brightness, error, flagged)), [[0, 8], [1, 1]])
    assert find_spikes(brightness, error, np.ones_like(flagged)).sum() == 3
    assert not find_spikes(np.full_like(brightness, NAN), error, flagged).any()


def test_flagged_edge_of_an_aurora_is_not_a_spike():
    aurora = np.where(np.hypot(*np.mgrid[-6:7, -6:7]) < 3, 60, 2).astype(np.float32)
    assert not find_spikes(aurora, np.full_like(aurora, 1), np.ones(aurora.shape, bool)).any()


@pytest.mark.parametrize(
    ("order", "samples", "zeros", "found"),
    [
        ("C", 1, slice(100, 356), True),
        ("C", 1, slice(100, 355), False),
        ("F", 1, slice(100, 356), True),
        ("C", 51, slice(100, 106), True),
        ("C", 51, slice(100, 105), False),
        ("C", 200, slice(399, 401), True),
    ],
)
def test_runs_of_zeros_as_long_as_a_quarter_of_a_page_were_never_written(order, samples, zeros, found):
    brightness, error, expected = np.ones(600), np.ones(600), np.zeros(600)
    brightness[zeros] = error[zeros] = 0
    expected[zeros] = found
    shaped = [values.reshape((20, 30), order=order) for values in (brightness, error, expected.astype(bool))]
    everywhere = np.ones((20, 30), bool)
    assert_array_equal(find_empty_pages(*shaped[:2], everywhere, order, samples), shaped[2])


def test_zeros_with_an_error_and_zeros_off_the_disk_are_data():
    zeros, everywhere = np.zeros((20, 30)), np.ones((20, 30), bool)
    assert not find_empty_pages(zeros, zeros + 1, everywhere, "C", 1).any()
    assert not find_empty_pages(zeros, zeros, ~everywhere, "C", 1).any()


def test_zeros_of_the_day_side_without_an_error_were_never_written():
    brightness, error = np.array([[0.0, 0.0, 0.0, 1.0, 0.0]]), np.array([[0.0, 1.0, 0.0, 0.0, 0.0]])
    sza, on_disk = np.array([[89.0, 89.0, 91.0, 89.0, 89.0]]), np.array([[True, True, True, True, False]])
    assert find_empty_day(brightness, error, sza, on_disk).tolist() == [[True, False, False, False, False]]


# The same through the readers.


def _make_clean_tables(n_integrations: int = 8) -> Tables:
    tables = make_tables(n_integrations)
    tables["EMISS"]["QLTY_FLG"][:] = 0
    return tables


def test_clean_file_has_no_note(read_tables):
    assert not read_tables(_make_clean_tables()).facts.notes


def test_unwritten_page_is_missing_and_noted(read_tables):
    tables = _make_clean_tables(64)
    for column in ("RADIANCE", "RAD_ERR_RAND"):
        tables["EMISS"][column][LINE_ROW].reshape(-1)[64 * 20 : 64 * 20 + 1024] = 0
    observation = read_tables(tables)
    assert observation.facts.notes == ("empty_pages",)
    lost = np.isin(np.arange(128), np.arange(20, 36))
    assert_array_equal(np.isnan(observation.brightness_R[:, 1:-1]).all(0), lost[1:-1])
    assert_array_equal(np.isnan(observation.brightness_R[:, 1:-1]).any(0), lost[1:-1])


@pytest.mark.parametrize("error", [0.0, NAN, -1.0])
def test_errors_that_are_not_positive_are_unknown(read_tables, error):
    tables = _make_clean_tables()
    tables["EMISS"]["RAD_ERR_RAND"][LINE_ROW] = error
    observation = read_tables(tables)
    assert np.isnan(observation.random_error_R).all()
    assert observation.facts.notes == ("errors_unknown",)


def test_flags_are_reported_and_their_pixels_are_used(read_tables):
    tables = _make_clean_tables()
    before = read_tables(tables)
    tables["EMISS"]["QLTY_FLG"][LINE_ROW] = 1
    after = read_tables(tables, "flagged.fits")
    assert after.facts.notes == ("quality_flags",)
    assert after.facts.flagged_fraction == 1
    assert_array_equal(after.brightness_R, before.brightness_R)


def test_implausible_pixels_are_missing_and_noted(read_tables):
    tables = _make_clean_tables()
    tables["EMISS"]["RADIANCE"][LINE_ROW, 40:42, 3] = 1001, -500
    observation = read_tables(tables)
    assert observation.facts.notes == ("implausible_values",)
    assert_array_equal(np.argwhere(np.isnan(observation.brightness_R[:, 1:-1])), [[3, 39], [3, 40]])


def test_disk_without_a_solar_zenith_angle_is_rejected(reject_tables):
    tables = _make_clean_tables()
    tables["FOV_GEOM"]["SOLAR_Z_ANGLE"][:] = NAN
    assert reject_tables(tables).reason is Reason.NO_SZA
