"""The published criterion, on simulated swaths with their truth and on hand-made ones."""

import dataclasses

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.background import observed
from mars_aurora.detect import threshold
from mars_aurora.geometry import canvas
from mars_aurora.observation import Observation, to_npz


@pytest.fixture(scope="module")
def swath(broad_aurora, tmp_path_factory) -> Observation:
    path = tmp_path_factory.mktemp("threshold") / "x.fits"
    path.write_bytes(broad_aurora.to_fits())
    return readers.read(path, "x.fits")


@pytest.fixture(scope="module")
def quiet(swath) -> Observation:
    """The same view with nothing but its own background and the noise that goes with it."""
    usable = observed.usable_pixels(swath)
    disk = observed.fit(swath, usable, np.zeros_like(usable))
    noise = np.random.default_rng(1).normal(size=swath.shape)
    brightness = np.where(usable, disk.level_R + noise * disk.noise_R, swath.brightness_R).astype(np.float32)
    return dataclasses.replace(swath, brightness_R=brightness)


def _auroras(observation: Observation, **options) -> list:
    return [box for box in threshold.find(observation, canvas.fit(observation), **options) if box.label == "aurora"]


def _overlap(box, x0, y0, x1, y1) -> float:
    width, height = min(box.x1, x1) - max(box.x0, x0), min(box.y1, y1) - max(box.y0, y0)
    shared = max(width, 0) * max(height, 0)
    return shared / ((box.x1 - box.x0) * (box.y1 - box.y0) + (x1 - x0) * (y1 - y0) - shared)


def test_a_broad_aurora_is_boxed_where_it_is(swath, broad_aurora):
    view = canvas.fit(swath)
    bright = broad_aurora.aurora_R[0] > threshold.THRESHOLD_R
    x, y = view.x[bright], view.y[bright]
    best = _auroras(swath)[0]
    assert _overlap(best, x.min(), y.min(), x.max(), y.max()) > 0.5
    assert best.confidence > 0.8


def test_nothing_is_found_on_a_quiet_night(quiet):
    assert _auroras(quiet) == []


@pytest.mark.parametrize(("excess_R", "found"), [(3.0, 0), (12.0, 1)])
def test_five_rayleigh_are_the_limit(quiet, excess_R, found):
    assert len(_auroras(_brighten(quiet, excess_R, side=9))) == found


def test_few_pixels_are_not_enough(quiet):
    assert _auroras(_brighten(quiet, 30.0, side=2), min_pixels=40) == []
    assert len(_auroras(_brighten(quiet, 30.0, side=2), min_pixels=4)) == 1


def test_a_place_in_the_sun_is_none(quiet):
    assert _auroras(_brighten(quiet, 3000.0, side=9, sza_deg=90)) == []


def test_mars_is_boxed_as_far_as_it_is_seen(swath):
    mars = next(box for box in threshold.find(swath, canvas.fit(swath)) if box.label == "mars")
    assert (mars.x0, mars.y0, mars.x1, mars.y1) == pytest.approx((150, 60, 490, 400), abs=6)


def test_detect_takes_what_the_steps_have(swath):
    view = canvas.fit(swath)
    assert threshold.detect(b"", to_npz(swath, **view.to_arrays())) == threshold.find(swath, view)


def _brighten(observation: Observation, excess_R: float, side: int, sza_deg: float = 130) -> Observation:
    """Add a square of light where the sun stands at about ``sza_deg``, well inside the disk."""
    fit_places = (observation.emission_angle_deg < 60) & (observation.tangent_altitude_km <= 0)
    misfit = np.where(fit_places, np.abs(observation.sza_deg - sza_deg), np.inf)
    row, column = np.unravel_index(np.argmin(misfit), misfit.shape)
    assert misfit[row, column] < 2
    brightness = observation.brightness_R.copy()
    half = side // 2
    brightness[row - half : row - half + side, column - half : column - half + side] += excess_R
    return dataclasses.replace(observation, brightness_R=brightness)
