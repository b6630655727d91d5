"""Cleaning of an observation: what is removed, and the figures that say so."""

from dataclasses import replace

import numpy as np
import pytest
from disks import SHAPE, spread
from scans import BINS, ROWS, make_scan

from mars_aurora.cleaning.cleaning import clean
from mars_aurora.observation import Observation

COUNTS_PER_R = 0.36
SKY = ROWS < 50


def _observe(added_R: object = 0.0, *, has_sky: bool = True) -> Observation:
    """A scan from dark sky over the night, of photon counts."""
    expected = np.where(SKY & has_sky, 0.4, 0.8) + added_R
    counts = np.random.default_rng(11).poisson(expected * COUNTS_PER_R)
    return make_scan(
        0.05,
        0.2,
        brightness_R=counts / COUNTS_PER_R,
        random_error_R=np.sqrt(np.maximum(counts, 1)) / COUNTS_PER_R,
        sza_deg=spread(125, 150, axis=0),
        tangent_altitude_km=np.where(SKY & has_sky, 1000, 0),
    )


def test_clean_night_is_unchanged():
    observation = _observe()
    found = clean(observation)
    assert np.count_nonzero(found.removed_R.any(axis=0)) <= 1
    assert np.nanmean(found.brightness_R) == pytest.approx(observation.brightness_R.mean(), rel=0.005)
    assert found.facts.cleaning["spike_pixels"] == 0
    assert found.facts.cleaning["particle_background_R"] == 0
    assert found.facts.cleaning["sky_R"] == pytest.approx(0.4, abs=0.1)
    assert found.facts.cleaning["error_factor"] == 1
    assert "no_sky" not in found.facts.notes


def test_what_was_removed_and_what_is_left_are_the_brightness_of_the_file():
    spikes = 100.0 * ((ROWS == 80) & np.isin(BINS, (30, 90)))
    observation = _observe(spikes + 8.0 * (BINS == 60) + 5.0)
    observation.brightness_R[70, 5] = np.nan
    found = clean(observation)
    assert np.isnan(found.brightness_R[80, [30, 90]]).all()
    assert found.removed_R[80, [30, 90]] == pytest.approx(observation.brightness_R[80, [30, 90]])
    assert found.removed_R[70, 5] == 0
    total = np.nan_to_num(found.brightness_R) + found.removed_R
    assert total == pytest.approx(np.nan_to_num(observation.brightness_R), abs=1e-4)
    assert found.removed_R.dtype == found.brightness_R.dtype == np.float32


def test_figures_are_those_of_what_was_removed():
    spikes = 100.0 * ((ROWS == 80) & np.isin(BINS, (30, 90)))
    figures = clean(_observe(spikes + 8.0 * (BINS == 60) + 5.0)).facts.cleaning
    assert figures["spike_pixels"] == 2
    assert figures["offset_bins"] == 1
    assert figures["offset_max_R"] == pytest.approx(8, abs=1)
    assert figures["sky_R"] == pytest.approx(5.4, abs=0.2)
    assert figures["particle_background_R"] == pytest.approx(5.4 - 1.6, abs=0.2)


def test_figures_without_offsets_and_spikes_are_zero():
    even = _observe(5.0)
    figures = clean(replace(even, brightness_R=np.full_like(even.brightness_R, 5.0))).facts.cleaning
    assert (figures["spike_pixels"], figures["offset_bins"], figures["offset_max_R"]) == (0, 0, 0)


def test_particle_background_is_subtracted_on_and_off_the_disk():
    found = clean(_observe(5.0))
    removed = found.removed_R[:, ~np.isin(BINS[0], np.flatnonzero(np.ptp(found.removed_R, axis=0) > 1))]
    assert removed == pytest.approx(5.4 - 1.6, abs=0.5)


def test_scan_without_sky_is_noted_and_keeps_its_background():
    found = clean(_observe(5.0, has_sky=False))
    assert found.facts.notes == ("no_sky",)
    assert not found.removed_R.any()
    assert "sky_R" not in found.facts.cleaning


def test_random_errors_that_are_too_small_are_increased():
    observation = _observe(200.0, has_sky=False)
    found = clean(replace(observation, random_error_R=observation.random_error_R / 1.3))
    assert found.facts.cleaning["error_factor"] == pytest.approx(1.3, abs=0.05)
    assert found.random_error_R == pytest.approx(observation.random_error_R, rel=0.05)


def test_clean_observation_is_returned_as_it_is():
    found = clean(_observe(5.0))
    assert clean(found) is found


def test_observation_is_not_changed_in_place():
    observation = _observe(8.0 * (BINS == 60) + 5.0)
    before = observation.brightness_R.copy()
    clean(observation)
    assert np.array_equal(observation.brightness_R, before)
    assert observation.facts.cleaning == {}
    assert observation.brightness_R.shape == SHAPE
