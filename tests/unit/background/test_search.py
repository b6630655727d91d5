"""What is searched: its pixels, their area on the emitting shell, and their detection limit."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.measure.scenes import Scene, make_scene

from mars_aurora.background import observed
from mars_aurora.background.search import find_search
from mars_aurora.geometry.footprint import net_areas_km2
from mars_aurora.geometry.line_of_sight import shell_area_ratio


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene()


def test_searched_pixels_have_area_and_limit(scene):
    observation = scene.observation
    search = find_search(observation)
    usable = observed.usable_pixels(observation)
    assert search.pixels.any()
    assert search.pixels.tolist() == observed.searched_pixels(observation, usable).tolist()
    assert np.isfinite(search.area_km2).tolist() == search.pixels.tolist()
    ratio = shell_area_ratio(observation.emission_angle_deg, observation.spacecraft_altitude_km[:, None], 130.0)
    expected = (net_areas_km2(observation, search.pixels) * ratio)[search.pixels]
    assert search.area_km2[search.pixels] == pytest.approx(expected)
    assert search.limit_R[search.pixels] == pytest.approx(
        observed.fit(observation, usable, np.zeros_like(usable)).limit_R[search.pixels]
    )


def test_day_side_is_not_searched(scene):
    day = np.full_like(scene.observation.sza_deg, 50.0)
    search = find_search(replace(scene.observation, sza_deg=day))
    assert not search.pixels.any()
    assert np.isnan(search.area_km2).all()
    assert np.isnan(search.limit_R).all()
