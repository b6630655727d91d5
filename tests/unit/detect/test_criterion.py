"""The limits of the published criterion, on a disk of even brightness and noise."""

import numpy as np
import pytest
from disks import SHAPE, make_checkerboard, make_disk, spread
from numpy.typing import NDArray

from mars_aurora.box import Box
from mars_aurora.detect import threshold
from mars_aurora.geometry.canvas import Canvas

Y, X = np.indices(SHAPE).astype(np.float32)
CANVAS = Canvas(100 + 2 * X, 50 + 3 * Y)  # pixels of 2 by 3 px
LEVEL_R = 20.0
DARK_DEG = spread(115, 150, axis=1)


def _make_excess(rows: slice, columns: slice, excess_R: float) -> NDArray[np.float64]:
    excess = np.zeros(SHAPE)
    excess[rows, columns] = excess_R
    return excess


def _find(
    excess_R: NDArray[np.float64], noise_R: float = 0.5, sza_deg: object = DARK_DEG, **values: object
) -> list[Box]:
    brightness_R = LEVEL_R + noise_R * make_checkerboard() + excess_R
    observation = make_disk(brightness_R=brightness_R, sza_deg=sza_deg, **values)
    mars, *auroras = threshold.find(observation, CANVAS)
    assert mars.label == "mars"
    return auroras


def test_box_contains_its_pixels_whole():
    """On 5 by 6 pixels of 12 R the mean of 3 by 3 pixels exceeds 5 R, and beside them not."""
    (aurora,) = _find(_make_excess(slice(50, 55), slice(80, 86), 12.0))
    assert aurora.label == "aurora"
    assert (aurora.x0, aurora.x1) == (100 + 2 * 80 - 1, 100 + 2 * 85 + 1)
    assert (aurora.y0, aurora.y1) == (50 + 3 * 50 - 1, 50 + 3 * 54 + 1)  # half a pixel along the slit


def test_mars_is_the_box_of_the_usable_pixels():
    observation = make_disk(brightness_R=LEVEL_R, sza_deg=DARK_DEG)
    observation.tangent_altitude_km[:10] = 90
    observation.brightness_R[:, 140:] = np.nan
    assert threshold.find(observation, CANVAS) == [Box("mars", 1.0, 99, 79, 379, 408)]


def test_observation_without_usable_pixels_has_no_boxes():
    assert threshold.find(make_disk(brightness_R=np.nan), CANVAS) == []


@pytest.mark.parametrize(("error_R", "noise_R"), [(0.0, 2.0), (np.nan, 2.0), (3.0, 2.0), (1000.0, 2.0)])
def test_confidence_is_one_half_at_a_signal_to_noise_ratio_of_five(error_R: float, noise_R: float):
    (aurora,) = _find(_make_excess(slice(50, 55), slice(80, 85), 12.0), noise_R, random_error_R=error_R)
    snr = 25 * 12 / (5 * np.hypot(noise_R, np.nan_to_num(error_R)))
    assert aurora.confidence == pytest.approx(snr / (snr + 5), abs=0.005)
    assert aurora.confidence == round(aurora.confidence, 4)


def test_more_confident_aurora_comes_first():
    faint, bright = _make_excess(slice(20, 25), slice(80, 85), 12.0), _make_excess(slice(60, 65), slice(80, 85), 30.0)
    first, second = _find(faint + bright, 2.0)
    assert first.confidence > second.confidence
    assert first.y0 > second.y0


def test_aurora_has_at_least_twelve_pixels():
    twelve = _make_excess(slice(50, 53), slice(80, 84), 12.0)
    assert len(_find(twelve)) == 1
    twelve[50, 80] = 0  # the mean over its square is then 4 R
    assert _find(twelve) == []


def test_pixels_connected_by_a_corner_are_one_aurora():
    diagonal = _make_excess(slice(50, 54), slice(80, 84), 14.0) + _make_excess(slice(54, 58), slice(84, 88), 14.0)
    assert len(_find(diagonal)) == 1


def test_auroras_are_searched_for_at_emission_angles_below_75_deg():
    aurora = _make_excess(slice(50, 55), slice(80, 85), 12.0)
    for emission_angle_deg, number in ((74.6, 1), (75.0, 0), (75.4, 0)):
        assert len(_find(aurora, emission_angle_deg=emission_angle_deg)) == number


def test_auroras_are_searched_for_beyond_110_deg():
    aurora = _make_excess(slice(50, 55), slice(80, 85), 12.0)
    for sza_deg, number in ((109.5, 0), (110.5, 1)):
        assert len(_find(aurora, sza_deg=sza_deg)) == number


@pytest.mark.parametrize(("noise_R", "number"), [(4.0, 1), (5.0, 0)])
def test_mean_of_nine_pixels_exceeds_four_sigma(noise_R: float, number: int):
    """Of 6 R with noise of 4.5 R it is 4 sigma."""
    assert len(_find(_make_excess(slice(45, 54), slice(80, 89), 6.0), noise_R)) == number
