"""Mean, peak and integrated brightness of pixels with known areas, excess and errors."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scenes import Scene, make_scene, make_shell_pixels

from mars_aurora.background.observed import Background
from mars_aurora.measure.morphology import Shape
from mars_aurora.measure.photometry import Peak, Photometry, find_area_error_km2, find_lost_signal, find_peak, integrate

AREAS_KM2 = [100.0, 300.0]
EXCESS_R = [8.0, 4.0]  # mean 5
RANDOM_R = np.array([2.0, 1.0])
SYSTEMATIC_R = [1.0, 2.0]  # mean 1.75
LEVEL_R, LEVEL_ERROR_R = [1.0, 3.0], np.array([0.2, 0.4])  # means 2.5, 0.35
SHAPE = Shape(500.0, 0.0, 30.0, 20.0, 0.0, 1.0, 0.0)  # whose outline is known exactly, as it has no length


def _integrate(
    level_error_R: object = LEVEL_ERROR_R, boundary_km: float = 0.0, lost_R: float = 0.0, **columns: object
) -> Photometry:
    """Integrate two pixels, those on the diagonal of a grid, within an outline of 500 km2."""
    known = {"excess_R": EXCESS_R, "random_R": RANDOM_R, "systematic_R": SYSTEMATIC_R, "area_km2": AREAS_KM2}
    grid = np.array([[False, True], [True, False]])
    level, error = np.full((2, 2), 99.0), np.full((2, 2), 99.0)
    level[grid], error[grid] = LEVEL_R, level_error_R
    local = Background(level.astype(np.float32), error.astype(np.float32), error.astype(np.float32), grid)
    return integrate(
        make_shell_pixels(**{**known, **columns}), local, grid, replace(SHAPE, boundary_km=boundary_km), lost_R
    )


def test_means_are_weighted_by_area():
    found = _integrate()
    assert found.mean_brightness_R == pytest.approx(5)
    assert found.background_R == pytest.approx(2.5)
    assert found.background_error_R == pytest.approx(0.35)


OF_PIXELS_R = np.hypot(0.25 * 2, 0.75 * 1)


def test_random_error_of_the_mean_is_that_of_its_pixels_and_of_the_background():
    assert _integrate().mean_random_error_R == pytest.approx(np.hypot(OF_PIXELS_R, 0.35))


def test_area_error_is_three_tenths_of_a_pixel_along_the_outline():
    on_shell = make_shell_pixels(area_km2=[2500.0, 2500.0])
    assert find_area_error_km2(on_shell, replace(SHAPE, boundary_km=200.0)) == pytest.approx(0.3 * 50 * 200)


def test_errors_by_the_extent_are_fractions_of_the_relative_error_of_the_area():
    none = np.zeros(2)
    found = _integrate(none, boundary_km=10.0, random_R=none, area_km2=[400.0, 400.0], excess_R=[5.0, 5.0])
    of_area = 0.3 * 20 * 10 / 500
    assert found.mean_random_error_R == pytest.approx(0.75 * of_area * 5)
    assert found.integrated_random_error_R_km2 == pytest.approx(0.45 * of_area * 5 * 500)


@pytest.mark.parametrize("boundary_km", [0.0, 90.0])
@pytest.mark.parametrize("factor", [0.0, 3.0, 10.0])
def test_random_errors_add_those_of_the_pixels_in_quadrature(factor, boundary_km):
    once, more = _integrate(boundary_km=boundary_km), _integrate(boundary_km=boundary_km, random_R=factor * RANDOM_R)
    added = (factor**2 - 1) * OF_PIXELS_R**2
    assert more.mean_random_error_R**2 - once.mean_random_error_R**2 == pytest.approx(added)
    assert more.integrated_random_error_R_km2**2 - once.integrated_random_error_R_km2**2 == pytest.approx(
        added * 500**2
    )


@pytest.mark.parametrize("boundary_km", [0.0, 90.0])
@pytest.mark.parametrize("factor", [0.0, 3.0, 10.0])
def test_random_errors_add_that_of_the_background_in_quadrature(factor, boundary_km):
    once = _integrate(boundary_km=boundary_km)
    more = _integrate(boundary_km=boundary_km, level_error_R=factor * LEVEL_ERROR_R)
    added = (factor**2 - 1) * 0.35**2
    assert more.mean_random_error_R**2 - once.mean_random_error_R**2 == pytest.approx(added)
    assert more.integrated_random_error_R_km2**2 - once.integrated_random_error_R_km2**2 == pytest.approx(
        added * 500**2
    )


def test_signal_to_noise_ratio_is_mean_over_the_noise_of_pixels_and_background():
    assert _integrate(boundary_km=90).snr == pytest.approx(5 / np.hypot(OF_PIXELS_R, 0.35))


def test_systematic_error_is_the_calibration_fraction_of_the_excess():
    found = _integrate(boundary_km=90)
    assert found.mean_systematic_error_R == pytest.approx(5 * 1.75 / (5 + 2.5))
    assert found.integrated_systematic_error_R_km2 == pytest.approx(5 * 1.75 / (5 + 2.5) * 500)


def test_systematic_error_of_a_negative_excess_is_positive():
    assert _integrate(excess_R=[-0.5, -0.5]).mean_systematic_error_R == pytest.approx(0.5 * 1.75 / 2)


@pytest.mark.parametrize("excess_R", [-1.0, -2.5, -2.6, -30.0])
def test_systematic_error_is_at_most_the_brightness_itself(excess_R):
    """Noise can make the total brightness smaller than its systematic error, or negative."""
    assert _integrate(excess_R=[excess_R] * 2).mean_systematic_error_R == pytest.approx(abs(excess_R))
    none = _integrate(excess_R=[excess_R] * 2, systematic_R=[0.0, 0.0])
    assert none.mean_systematic_error_R == 0


def test_calibration_fraction_is_that_of_the_file():
    """Signal lost at the outline, which is added, does not change it."""
    with_loss = _integrate(systematic_R=[0.1 * (1 + 2.5)] * 2, excess_R=[1.0, 1.0], lost_R=0.5)
    assert with_loss.mean_systematic_error_R == pytest.approx(0.1 * 1.5)


def test_integrated_brightness_is_mean_times_area_of_the_outline():
    found = _integrate()
    assert found.integrated_brightness_R_km2 == pytest.approx(5 * 500)
    assert found.integrated_random_error_R_km2 == pytest.approx(found.mean_random_error_R * 500)


def test_longer_outlines_have_larger_errors_of_mean_and_integral():
    found = [_integrate(boundary_km=boundary_km) for boundary_km in (0, 90, 180)]
    means, integrals = (
        [getattr(one, f"{name}_random_error_{unit}") for one in found]
        for name, unit in (("mean", "R"), ("integrated", "R_km2"))
    )
    assert means[0] < means[1] < means[2]
    assert integrals[0] < integrals[1] < integrals[2]
    assert {one.mean_brightness_R for one in found} == {found[0].mean_brightness_R}


def test_lost_signal_is_added_to_the_mean_and_the_integral():
    found = _integrate(lost_R=0.5)
    assert found.mean_brightness_R == pytest.approx(5.5)
    assert found.integrated_brightness_R_km2 == pytest.approx(5.5 * 500)
    assert found.background_R == pytest.approx(2.5)


def _lose(excess_R: object, *, usable: object = True, whole: bool = False) -> float:
    """The lost signal of a square of 4 x 4 pixels of 20 km, smeared by a variance of 600 km2."""
    pixels = np.full((8, 8), whole)
    pixels[2:6, 2:6] = True
    on_shell = make_shell_pixels(area_km2=np.full(16, 400.0), excess_R=np.zeros(16), blur_km2=600.0)
    excess = np.broadcast_to(np.asarray(excess_R, np.float32), pixels.shape)
    square = replace(SHAPE, area_km2=6400.0, boundary_km=320.0)
    return find_lost_signal(on_shell, excess, np.broadcast_to(usable, pixels.shape), pixels, square)


def test_lost_signal_is_half_the_variance_times_the_gradient_over_the_boundary_per_area():
    row, column = np.mgrid[:8, :8]
    edge = np.maximum(np.abs(row - 3.5), np.abs(column - 3.5))
    brightness_R = np.select([edge < 1, edge < 2, edge < 3], [100.0, 9.0, 3.0], 50.0) + np.where(column < 4, -2, 2)
    assert _lose(brightness_R) == pytest.approx(600 / 2 * (9 - 3) / 20 * 320 / 6400)
    assert _lose(7.0) == 0


def test_lost_signal_needs_usable_pixels_around():
    left = np.arange(8) < 4
    brightness_R = np.where(left, 3.0, np.nan) * np.ones((8, 1))
    brightness_R[2:6, 2:6] = 9
    assert _lose(brightness_R, usable=left) == pytest.approx(600 / 2 * (9 - 3) / 20 * 320 / 6400)
    assert _lose(brightness_R, usable=False) == 0
    assert _lose(brightness_R, whole=True) == 0


def _find_peak(
    scene: Scene,
    excess_R: NDArray[np.float64],
    pixels: NDArray[np.bool_],
    usable: NDArray[np.bool_] | None = None,
    **background: float,
) -> Peak:
    """Find a peak over a uniform background, by default of 1 R that is exactly known."""
    values = {"level_R": 1.0, "error_R": 0.0, "noise_R": 7.0, **background}
    usable = np.ones(pixels.shape, bool) if usable is None else usable
    local = Background(
        **{name: np.full(pixels.shape, value, np.float32) for name, value in values.items()}, free=usable
    )
    return find_peak(scene.observation, usable, excess_R.astype(np.float32), local, pixels)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A scene without random errors, so that the highest mean is the peak."""
    return make_scene(shape=(12, 10), sub_spacecraft=(20, 1000)).change(random_error_R=0)


def _draw(values: dict[tuple[int, int], float]) -> NDArray[np.float64]:
    drawn = np.zeros((12, 10))
    for place, value in values.items():
        drawn[place] = value
    return drawn


def test_peak_is_the_highest_mean_of_nine_pixels(scene):
    single, pair = {(8, 7): 30.0}, {(3, 2): 20.0, (4, 4): 20.0}
    found = _find_peak(scene, _draw(single | pair), scene.mask(slice(1, 11), slice(1, 9)))
    assert found.peak_brightness_R == pytest.approx(40 / 9)
    assert found.peak_random_error_R == 0
    assert found.peak_lat_deg == pytest.approx(scene.lat_deg[3, 3], abs=1e-3)
    assert found.peak_lon_deg == pytest.approx(scene.lon_deg[3, 3], abs=1e-3)


def test_peak_is_a_pixel_of_the_aurora(scene):
    excess = _draw({(6, 5): 9.0, (6, 7): 90.0})
    found = _find_peak(scene, excess, scene.mask(slice(5, 8), slice(4, 6)))
    assert found.peak_brightness_R == pytest.approx(1)
    found = _find_peak(scene, excess, scene.mask(slice(5, 8), slice(4, 7)))
    assert found.peak_brightness_R == pytest.approx(11)
    assert found.peak_lon_deg == pytest.approx(scene.lon_deg[5, 6], abs=1e-3)


def test_unusable_neighbors_are_not_averaged(scene):
    usable = np.ones((12, 10), bool)
    usable[5, :] = False
    excess = np.where(usable, _draw({(6, 5): 12.0}), 1000)
    pixels = scene.mask(slice(6, 7), slice(5, 6))
    assert _find_peak(scene, excess, pixels, usable).peak_brightness_R == pytest.approx(2)
    noisy = _find_peak(scene.change(random_error_R=1), excess, pixels, usable)
    assert noisy.peak_random_error_R == pytest.approx(1 / np.sqrt(6))


def test_random_error_of_the_peak_is_that_of_nine_pixels_and_of_the_background(scene):
    pixels = scene.mask(slice(6, 7), slice(5, 6))
    changed = scene.change(random_error_R=_draw({(5, 4): 3.0, (7, 6): 4.0, (1, 1): 100.0}))
    found = _find_peak(changed, _draw({(6, 5): 9.0}), pixels, error_R=0.3)
    assert found.peak_random_error_R == pytest.approx(np.hypot(5 / 9, 0.3))


def test_noise_lowers_the_peak_by_less_than_its_random_error(scene):
    pixels = scene.mask(slice(5, 8), slice(4, 7))
    found = _find_peak(scene.change(random_error_R=0.9), _draw({(6, 5): 90.0}), pixels, error_R=0.4)
    assert 10 - found.peak_random_error_R < found.peak_brightness_R < 10


@pytest.mark.parametrize("sign", [1, -1])
def test_systematic_error_of_the_peak_is_the_calibration_fraction_of_its_excess(scene, sign):
    pixels = scene.mask(slice(6, 7), slice(5, 6))
    changed = scene.change(systematic_error_R=_draw({(5, 4): 2.7, (7, 6): 1.8, (1, 1): 100.0}))
    found = _find_peak(changed, _draw({(6, 5): sign * 9.0}), pixels, level_R=4.0)
    assert found.peak_systematic_error_R == pytest.approx(0.5 / (4 + sign))
