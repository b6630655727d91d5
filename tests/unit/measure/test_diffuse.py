"""Diffuse auroras: all of the dark night in view, measured over what a night without aurora has."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from mars_aurora import readers
from mars_aurora.background.night import find_night
from mars_aurora.background.search import find_search
from mars_aurora.box import Box
from mars_aurora.geometry import canvas
from mars_aurora.measure.measure import measure
from mars_aurora.night import Night
from mars_aurora.observation import Observation
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.simulator.world import World

WORLD = World(
    n_slit=48,
    scan_step_deg=(0.13, 0.16),
    diffuse_fraction=1.0,
    no_aurora_fraction=1.0,
    swaths_per_set=(1,),
    slit_cut_fraction=0.0,
    truncated_fraction=0.0,
    modes=(("os2", 1.0, (110, 150)),),
)


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return observe(WORLD, 61, 0)


@pytest.fixture(scope="module")
def observation(simulated: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Observation:
    path = Path(tmp_path_factory.mktemp("diffuse"), "x.fits")
    path.write_bytes(simulated.to_fits())
    return readers.read(path, "x.fits")


def _measure(observation: Observation, night: Night, *boxes: Box) -> list:
    return measure(observation, canvas.fit(observation), boxes, night)


def test_diffuse_aurora_is_measured_over_the_usual_night(observation, simulated):
    night = find_night(observation, find_search(observation))
    assert night.is_diffuse
    (found,) = _measure(observation, night)
    dark = np.isfinite(observation.brightness_R) & observation.on_disk & (observation.sza_deg > 122)
    dark &= observation.emission_angle_deg < 75
    area = simulated.swath.geometry.cell_km2[dark]
    truth_R = np.average(simulated.swath.diffuse_R[dark], weights=area)
    assert found.morphology == "diffuse"
    assert found.mean_brightness_R == pytest.approx(truth_R, abs=3 * found.mean_random_error_R)
    assert found.mean_random_error_R < 0.1 * truth_R
    assert found.background_R == pytest.approx(1.25, abs=0.5)
    assert found.background_error_R == pytest.approx(0.4, abs=0.2)
    assert found.pixels == dark.sum()
    assert found.area_km2 == pytest.approx(night.area_km2 * dark.sum() / night.pixels, rel=0.15)
    assert 0 < found.area_error_km2 < 0.2 * found.area_km2
    assert np.isnan(found.confidence)
    assert shapely.from_wkt(found.outline_wkt).is_valid


def test_box_of_a_diffuse_aurora_is_that_of_its_pixels(observation):
    (found,) = _measure(observation, Night(is_diffuse=True))
    fitted = canvas.fit(observation)
    dark = find_search(observation).pixels & (observation.sza_deg > 122)
    box = (found.box_x0, found.box_y0, found.box_x1, found.box_y1)
    assert box == (fitted.x[dark].min(), fitted.y[dark].min(), fitted.x[dark].max(), fitted.y[dark].max())


@pytest.mark.parametrize(
    ("night", "flags"),
    [
        (Night(sky_R=0.5, is_diffuse=True), set()),
        (Night(sky_R=0.5, is_diffuse=True, is_sky_bright=True), {"bright_sky"}),
        (Night(is_diffuse=True), {"no_sky"}),
    ],
)
def test_flags_say_what_the_sky_is(observation, night, flags):
    (found,) = _measure(observation, night)
    assert set(found.quality_flags.split()) & {"bright_sky", "no_sky"} == flags


def test_light_of_the_sky_is_part_of_the_background(observation):
    means = [_measure(observation, Night(sky_R=sky_R, is_diffuse=True))[0] for sky_R in (1.6, 5.6)]
    assert means[0].mean_brightness_R - means[1].mean_brightness_R == pytest.approx(4.0, abs=0.01)
    assert means[1].background_R - means[0].background_R == pytest.approx(4.0, abs=0.01)


def test_auroras_in_boxes_come_first(observation):
    whole = Box("aurora", 0.9, 300, 200, 340, 260)
    found = _measure(observation, Night(is_diffuse=True), Box("mars", 1.0, 150, 60, 490, 400), whole)
    assert [aurora.detection for aurora in found] == [1, 2]
    assert [aurora.morphology == "diffuse" for aurora in found] == [False, True]
    assert found[0].confidence == 0.9


def test_ordinary_night_has_no_row(observation):
    assert _measure(observation, Night()) == []
