"""The simulated brightness follows what is published: day side, limb, corona, night, noise."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.sky import draw_sky
from mars_aurora_model.simulator.world import World

QUIET = World(
    no_aurora_share=1.0,
    day_structure_share=0.0,
    terminator_shift_deg=(0.0, 0.0),
    day_scale=(0.6, 0.6),
    limb_brightening=(0.35, 0.35),
    swaths_per_set=(1,),
    slit_cut_share=0.0,
    truncated_share=0.0,
    flagged_share=0.0,
)


@pytest.fixture(scope="module")
def quiet():
    """Twenty full swaths of a Mars without aurora: maps of one kind, flattened and joined."""
    files = [observe(QUIET, 4, index).swath for index in range(20)]

    def join(pick):
        return np.concatenate([pick(swath)[swath.on_slit] for swath in files])

    return {
        "true": join(lambda swath: swath.background_R),
        "measured": join(lambda swath: swath.brightness_R),
        "error": join(lambda swath: swath.random_error_R),
        "sza": join(lambda swath: swath.geometry.sza_deg[:, 0]),
        "emission": join(lambda swath: swath.geometry.emission_deg[:, 0]),
        "altitude": join(lambda swath: swath.geometry.altitude_km[:, 0]),
    }


@pytest.mark.parametrize(
    ("low", "high", "iuvs_R"),
    [(20, 30, 611), (40, 50, 591), (60, 70, 479), (80, 85, 339), (90, 95, 257), (100, 105, 164)],
)
def test_the_day_side_is_as_bright_as_measured_by_iuvs(quiet, low, high, iuvs_R):
    chosen = (quiet["altitude"] == 0) & (quiet["emission"] < 65) & (quiet["sza"] > low) & (quiet["sza"] < high)
    assert np.median(quiet["true"][chosen]) == pytest.approx(0.6 * iuvs_R, rel=0.15)


@pytest.mark.parametrize(
    ("low", "high", "iuvs_R"), [(120, 140, 860), (180, 250, 644), (250, 400, 436), (400, 700, 127)]
)
def test_the_limb_is_as_bright_as_measured_by_iuvs(quiet, low, high, iuvs_R):
    chosen = (quiet["altitude"] > low) & (quiet["altitude"] < high) & (quiet["sza"] < 70)
    assert np.median(quiet["true"][chosen]) == pytest.approx(0.6 * iuvs_R, rel=0.3)


def test_the_corona_fades_with_altitude(quiet):
    sunlit = quiet["sza"] < 70
    levels = [
        np.median(quiet["true"][sunlit & (quiet["altitude"] > low) & (quiet["altitude"] < 1.3 * low)])
        for low in (200, 400, 800, 1600, 2500)
    ]
    assert (np.diff(levels) < 0).all()
    assert levels[-1] < 20


def test_the_night_is_dark_past_the_terminator(quiet):
    disk = quiet["altitude"] == 0
    assert 0.5 < np.median(quiet["true"][disk & (quiet["sza"] > 130)]) < 1.0
    near = disk & (quiet["sza"] > 118) & (quiet["sza"] < 122)
    assert np.median(quiet["true"][near]) < 5


def test_noise_is_that_of_counted_photons(quiet):
    for low, high in ((0.5, 1), (5, 20), (100, 200)):
        chosen = (quiet["true"] > low) & (quiet["true"] < high)
        residual = quiet["measured"][chosen] - quiet["true"][chosen]
        expected = np.sqrt(quiet["true"][chosen] / QUIET.counts_per_R + QUIET.fit_noise_R**2)
        assert np.std(residual / expected) == pytest.approx(1, abs=0.1 if high <= 20 else 0.3)  # calibration adds


def test_stated_errors_match_the_noise_where_there_is_light(quiet):
    chosen = (quiet["true"] > 20) & (quiet["true"] < 60)
    pull = (quiet["measured"][chosen] - quiet["true"][chosen]) / quiet["error"][chosen]
    assert np.std(pull) == pytest.approx(1, abs=0.15)


def test_structure_is_drawn_as_often_as_the_world_says():
    rng, world = np.random.default_rng(3), World()
    share = np.mean([draw_sky(rng, world).structured for _ in range(600)])
    assert share == pytest.approx(world.day_structure_share, abs=0.06)


def test_day_side_structure_is_seen_against_the_smooth_disk(small_world):
    world = replace(small_world, swaths_per_set=(1,), modes=(("os1", 1.0, (10, 40)),))

    def roughness(share):
        found = []
        for index in range(12):
            swath = observe(replace(world, day_structure_share=share, no_aurora_share=1.0), 3, index).swath
            day = swath.geometry.on_disk & (swath.geometry.sza_deg[:, 0] < 60)
            scan, slit = np.gradient(np.log(swath.background_R))
            found.append(np.hypot(scan, slit)[day].std() if day.any() else np.nan)
        return np.nanmedian(found)

    assert roughness(1.0) > 1.5 * roughness(0.0)
