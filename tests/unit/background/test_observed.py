"""The non-auroral background fitted on an observation."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.background import observed
from mars_aurora.observation import Observation
from mars_aurora_model.simulator.simulate import Simulated


@pytest.fixture(scope="module")
def observation(broad_aurora: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Observation:
    path = tmp_path_factory.mktemp("background") / broad_aurora.plain_name
    path.write_bytes(broad_aurora.to_fits())
    return readers.read(path, path.name)


def _fit(observation: Observation) -> tuple[observed.Background, np.ndarray]:
    usable = observed.usable_pixels(observation)
    return observed.fit(observation, usable, np.zeros_like(usable)), usable


def test_night_background_is_the_simulated_one_beside_an_aurora(observation, broad_aurora):
    found, usable = _fit(observation)
    dark = usable & (observation.sza_deg > 125)
    true = broad_aurora.swath.background_R[dark]
    assert np.median(found.level_R[dark]) == pytest.approx(np.median(true), abs=0.25)
    assert not (found.free & (broad_aurora.aurora_R.sum(0) > 15)).any()


def test_background_follows_twilight(observation, broad_aurora):
    found, usable = _fit(observation)
    twilight = usable & (observation.sza_deg > 100) & (observation.sza_deg < 120) & (broad_aurora.aurora_R.sum(0) < 0.5)
    ratio = found.level_R[twilight] / broad_aurora.swath.background_R[twilight]
    assert np.median(ratio) == pytest.approx(1, abs=0.1)


def test_boxes_over_the_whole_night_do_not_change_its_background(observation, broad_aurora):
    usable = observed.usable_pixels(observation)
    boxed = observation.sza_deg > 111
    found = observed.fit(observation, usable, boxed)
    dark = usable & (observation.sza_deg > 125)
    assert np.median(found.level_R[dark]) == pytest.approx(np.median(broad_aurora.swath.background_R[dark]), abs=0.25)


def test_disk_without_night_has_a_finite_background(observation):
    found, usable = _fit(replace(observation, sza_deg=observation.sza_deg / 3))
    assert np.isfinite(found.level_R[usable]).all()


@pytest.mark.parametrize("brightness_R", [0.0, 5.0])
def test_background_of_uniform_disk_is_its_brightness(observation, brightness_R):
    found, usable = _fit(replace(observation, brightness_R=np.full_like(observation.brightness_R, brightness_R)))
    assert found.level_R[usable] == pytest.approx(brightness_R, abs=0.01)


def test_twenty_pixels_give_a_finite_background(observation):
    usable = observed.usable_pixels(observation)
    few = np.zeros_like(usable)
    few.flat[np.flatnonzero(usable)[:20]] = True
    assert np.isfinite(observed.fit(observation, few, np.zeros_like(few)).level_R[few]).all()


@pytest.mark.parametrize(
    ("sza_deg", "emission_angle_deg", "is_searched"),
    [(110.1, 74.9, True), (110.0, 74.9, False), (110.1, 75.0, False), (np.nan, 10, False), (170, np.nan, False)],
)
def test_facing_pixels_of_the_night_are_searched(observation, sza_deg, emission_angle_deg, is_searched):
    usable = np.zeros(observation.shape, bool)
    usable[3:5, 7] = True
    angles = {"sza_deg": sza_deg, "emission_angle_deg": emission_angle_deg}
    changed = replace(observation, **{name: np.full(observation.shape, value) for name, value in angles.items()})
    assert observed.searched_pixels(changed, usable).tolist() == (usable & is_searched).tolist()


def test_detection_limit_is_five_sigma_over_twelve_pixels(observation):
    found, usable = _fit(observation)
    noise = found.noise_R[usable]
    assert found.limit_R[usable] * np.sqrt(12) / noise == pytest.approx(5)
    assert found.limit_R.dtype == np.float32
