"""Counts per rayleigh, from the scatter of pixels."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.observation import Observation
from mars_aurora.picture import noise
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

ALL = np.ones((192, 128), bool)


def draw_counts(brightness_R: np.ndarray, counts_per_R: float, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).poisson(brightness_R * counts_per_R) / counts_per_R).astype(np.float32)


@pytest.mark.parametrize("counts_per_R", [0.1, 0.36, 4.0])
@pytest.mark.parametrize("brightness_R", [0.7, 300.0])
def test_photon_noise_shows_the_counts_per_rayleigh(counts_per_R: float, brightness_R: float):
    values = noise.find_block_sensitivities(draw_counts(np.full(ALL.shape, brightness_R), counts_per_R), ALL, 1)
    assert len(values) == 12 * 8
    assert np.median(values) == pytest.approx(counts_per_R, rel=0.1)


def test_gradients_do_not_change_the_estimate():
    ramp = np.broadcast_to(np.linspace(10, 400, 192)[:, None], ALL.shape)
    assert np.median(noise.find_block_sensitivities(draw_counts(ramp, 0.36), ALL, 1)) == pytest.approx(0.36, rel=0.1)


def test_pixels_are_compared_at_the_distance_of_the_lag():
    enlarged = np.repeat(draw_counts(np.full((64, 128), 5.0), 0.36), 3, axis=0)
    assert np.median(noise.find_block_sensitivities(enlarged, ALL, 7)) == pytest.approx(0.36, rel=0.15)
    assert np.median(noise.find_block_sensitivities(enlarged, ALL, 1)) > 0.5


def test_few_spikes_and_missing_pixels_do_not_change_the_estimate():
    brightness_R = draw_counts(np.full(ALL.shape, 0.7), 0.36)
    brightness_R[::50, ::40] = 300
    brightness_R[5::9, ::7] = np.nan
    assert np.median(noise.find_block_sensitivities(brightness_R, ALL, 1)) == pytest.approx(0.36, rel=0.15)


def test_blocks_with_too_few_pixels_without_light_or_scatter_are_left_out():
    brightness_R = draw_counts(np.full(ALL.shape, 0.7), 0.36)
    few = np.zeros_like(ALL)
    few[:5, :16] = True  # 48 second differences
    assert not len(noise.find_block_sensitivities(brightness_R, few, 1))
    few[:6, :16] = True  # 64
    assert len(noise.find_block_sensitivities(brightness_R, few, 1)) == 1
    assert not len(noise.find_block_sensitivities(np.zeros_like(brightness_R), ALL, 1))
    assert not len(noise.find_block_sensitivities(np.ones_like(brightness_R), ALL, 1))
    assert not len(noise.find_block_sensitivities(-brightness_R - 1, ALL, 1))


@pytest.fixture(scope="module")
def observation(tmp_path_factory) -> Observation:
    world = World(
        n_slit=96, no_aurora_fraction=1.0, swaths_per_set=(1,), slit_cut_fraction=0.0, modes=(("os2", 1.0, (100, 120)),)
    )
    path = tmp_path_factory.mktemp("noise") / "x.fits"
    path.write_bytes(observe(world, 8, 0).to_fits())
    return readers.read(path, "x.fits")


def test_sensitivity_of_an_observation_is_that_of_its_night(observation: Observation):
    assert noise.find_sensitivity(observation) == pytest.approx(0.33, rel=0.15)  # 0.36, less the noise of the fit


def test_wrong_errors_of_a_file_do_not_change_its_sensitivity(observation: Observation):
    wrong = replace(observation, random_error_R=np.full_like(observation.random_error_R, np.nan))
    assert noise.find_sensitivity(wrong) == noise.find_sensitivity(observation)


def test_day_is_used_where_there_is_little_night(observation: Observation):
    brightness_R = draw_counts(np.full(observation.shape, 300.0), 2.0)
    night = observation.sza_deg > 110
    brightness_R[night] = np.nan
    brightness_R[tuple(np.argwhere(night & observation.on_disk)[0])] = 0.7
    assert noise.find_sensitivity(replace(observation, brightness_R=brightness_R)) == pytest.approx(2.0, rel=0.1)


def test_particles_that_were_removed_were_counted_too(observation: Observation):
    facts = replace(observation.facts, cleaning={"particle_background_R": 20.0})
    plain = draw_counts(np.full(observation.shape, 20.7), 0.36)
    cleaned = replace(observation, brightness_R=plain - 20, facts=facts)
    assert noise.find_sensitivity(cleaned) == pytest.approx(0.36, rel=0.1)
    assert (noise.find_removed(cleaned), noise.find_removed(observation)) == (20, 0)


def test_sensitivity_of_nothing_is_unknown(observation: Observation):
    nothing = replace(observation, brightness_R=np.full_like(observation.brightness_R, np.nan))
    assert noise.find_sensitivity(nothing) is None
