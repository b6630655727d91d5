"""The logarithmic scale of the heatmap, and the picture that is drawn with it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356
from mars_aurora.geometry import canvas
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.observation import Observation
from mars_aurora.picture import heatmap, sun_angle
from mars_aurora.picture.picture import UNOBSERVED


@pytest.fixture(scope="module")
def observation(night_file: Path) -> Observation:
    return readers.read(night_file, night_file.name)


@pytest.fixture(scope="module")
def fitted(observation: Observation) -> Canvas:
    return canvas.fit(observation)


def test_picture_is_640x480_and_unobserved_exactly_where_there_is_no_brightness(observation, fitted):
    picture = heatmap.draw(observation, fitted)
    levels = canvas.to_canvas(heatmap.to_levels(observation.brightness_R, OXYGEN_1304), fitted, UNOBSERVED)
    usable = canvas.to_canvas(np.isfinite(observation.brightness_R), fitted, fill=False)
    assert picture.levels.shape == (480, 640)
    assert picture.levels.dtype == np.uint8
    assert np.array_equal(picture.levels != UNOBSERVED, usable)
    assert np.array_equal(picture.levels[usable], levels[usable])


def test_flagged_pixels_are_shown(observation, fitted):
    flagged = heatmap.draw(replace(observation, flagged=np.ones_like(observation.flagged)), fitted)
    assert np.array_equal(flagged.levels, heatmap.draw(observation, fitted).levels)


def test_picture_contains_sza_coefficients_and_emission(observation, fitted):
    picture = heatmap.draw(observation, fitted)
    assert np.array_equal(picture.sza_coefficients, sun_angle.fit(observation, fitted))
    assert picture.emission is OXYGEN_1304
    of_other_line = replace(observation, facts=replace(observation.facts, emission="O I 135.6"))
    other = heatmap.draw(of_other_line, fitted)
    assert other.emission is OXYGEN_1356
    assert other.levels.max() > picture.levels.max()  # its scale ends at a third of the brightness


def test_level_depends_only_on_the_brightness_of_its_pixel(observation, fitted):
    dimmed = observation.brightness_R.copy()
    dimmed[::2] *= 0.1
    one, other = (
        heatmap.draw(drawn, fitted).levels for drawn in (observation, replace(observation, brightness_R=dimmed))
    )
    untouched = (fitted.index >= 0) & (fitted.index // observation.shape[1] % 2 == 1)
    assert np.array_equal(one[untouched], other[untouched])


def test_scale_separates_aurora_from_night_and_does_not_saturate_on_the_day_side():
    night, weak, limb = heatmap.to_levels(np.array([0.75, 3.0, 900.0], np.float32), OXYGEN_1304).astype(int)
    assert weak - night > 30
    assert night > 1
    assert limb < 255


@pytest.mark.parametrize("emission", [OXYGEN_1304, OXYGEN_1356])
def test_brightness_is_recovered_from_levels(emission):
    floor_R, ceiling_R = emission.heatmap_R
    brightness = np.geomspace(floor_R / 0.6, 0.9 * ceiling_R, 50).astype(np.float32)
    recovered = heatmap.level_brightness(emission)[heatmap.to_levels(brightness, emission)]
    np.testing.assert_allclose(recovered, brightness, rtol=0.02)


def test_level_of_unobserved_and_of_the_floor_has_no_brightness():
    brightness_R = heatmap.level_brightness(OXYGEN_1304)
    assert brightness_R.shape == (256,)
    assert not brightness_R[:2].any()
    assert (np.diff(brightness_R[1:]) > 0).all()


def test_nan_is_unobserved_and_zero_is_not():
    levels = heatmap.to_levels(np.array([np.nan, -3.0, 0.0, 1e5], np.float32), OXYGEN_1304)
    assert levels.tolist() == [UNOBSERVED, 1, 1, 255]
