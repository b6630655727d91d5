"""The simulated background agrees with published brightness: day side, limb, corona, night side, noise."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora_model.simulator.background import draw_background
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

QUIET = World(
    no_aurora_fraction=1.0,
    day_structure_fraction=0.0,
    terminator_shift_deg=(0.0, 0.0),
    day_scale=(0.6, 0.6),
    limb_brightening=(0.35, 0.35),
    swaths_per_set=(1,),
    slit_cut_fraction=0.0,
    truncated_fraction=0.0,
    flagged_fraction=0.0,
)


IUVS_R = [  # SZA and brightness of real files; the day side of the simulator is 0.5 to 0.7 of it
    (20, 30, 611),
    (40, 50, 591),
    (60, 70, 479),
    (80, 85, 339),
    (90, 95, 257),
    (100, 105, 164),
    (105, 110, 129),
]


@pytest.fixture(scope="module")
def quiet():
    """Pixels on the slit of twenty swaths without aurora, by quantity."""
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
    IUVS_R,
)
def test_dayglow_agrees_with_iuvs(quiet, low, high, iuvs_R):
    chosen = (quiet["altitude"] == 0) & (quiet["emission"] < 65) & (quiet["sza"] > low) & (quiet["sza"] < high)
    assert np.median(quiet["true"][chosen]) == pytest.approx(0.6 * iuvs_R, rel=0.15)


@pytest.mark.parametrize(("low", "high", "iuvs_R"), IUVS_R)
def test_scenes_scatter_about_the_dayglow_and_twilight_of_iuvs(low, high, iuvs_R):
    rng, world = np.random.default_rng(5), World()
    sza_deg, zero = np.linspace(low, high, 11), np.zeros(11)
    levels = [np.median(draw_background(rng, world)._smooth(sza_deg, zero, zero)) for _ in range(300)]
    assert np.median(levels) == pytest.approx(0.6 * iuvs_R, rel=0.1 if high < 105 else 0.2)


@pytest.mark.parametrize(
    ("low", "high", "iuvs_R"), [(120, 140, 860), (180, 250, 644), (250, 400, 436), (400, 700, 127)]
)
def test_limb_profile_agrees_with_iuvs(quiet, low, high, iuvs_R):
    chosen = (quiet["altitude"] > low) & (quiet["altitude"] < high) & (quiet["sza"] < 70)
    assert np.median(quiet["true"][chosen]) == pytest.approx(0.6 * iuvs_R, rel=0.3)


def test_corona_decreases_with_altitude(quiet):
    sunlit = quiet["sza"] < 70
    levels = [
        np.median(quiet["true"][sunlit & (quiet["altitude"] > low) & (quiet["altitude"] < 1.3 * low)])
        for low in (200, 400, 800, 1600, 2500)
    ]
    assert (np.diff(levels) < 0).all()
    assert levels[-1] < 20


def test_night_side_is_dark(quiet):
    disk = quiet["altitude"] == 0
    assert 0.5 < np.median(quiet["true"][disk & (quiet["sza"] > 130)]) < 1.0
    near = disk & (quiet["sza"] > 118) & (quiet["sza"] < 122)
    assert np.median(quiet["true"][near]) < 5


def test_noise_is_photon_noise_and_fit_noise(quiet):
    for low, high in ((0.5, 1), (5, 20), (100, 200)):
        chosen = (quiet["true"] > low) & (quiet["true"] < high)
        residual = quiet["measured"][chosen] - quiet["true"][chosen]
        expected = np.sqrt(quiet["true"][chosen] / QUIET.counts_per_R + QUIET.fit_noise_R**2)
        assert np.std(residual / expected) == pytest.approx(1, abs=0.1 if high <= 20 else 0.3)  # calibration errors add


def test_random_errors_match_the_noise(quiet):
    chosen = (quiet["true"] > 20) & (quiet["true"] < 60)
    pull = (quiet["measured"][chosen] - quiet["true"][chosen]) / quiet["error"][chosen]
    assert np.std(pull) == pytest.approx(1, abs=0.15)


def test_day_side_structure_is_drawn_with_its_probability():
    rng, world = np.random.default_rng(3), World()
    fraction = np.mean([draw_background(rng, world).structured for _ in range(600)])
    assert fraction == pytest.approx(world.day_structure_fraction, abs=0.06)


def test_day_side_structure_increases_the_roughness(small_world):
    world = replace(small_world, swaths_per_set=(1,), modes=(("os1", 1.0, (10, 40)),))

    def roughness(fraction):
        found = []
        for index in range(12):
            swath = observe(replace(world, day_structure_fraction=fraction, no_aurora_fraction=1.0), 3, index).swath
            day = swath.geometry.on_disk & (swath.geometry.sza_deg[:, 0] < 60)
            scan, slit = np.gradient(np.log(swath.background_R))
            found.append(np.hypot(scan, slit)[day].std() if day.any() else np.nan)
        return np.nanmedian(found)

    assert roughness(1.0) > 1.5 * roughness(0.0)
