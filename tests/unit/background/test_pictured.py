"""The background estimated from a picture alone, and the contrast over it."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.background.pictured import find_contrast
from mars_aurora.detect.view import CONTRAST, VIEW_PX, VIEW_X, VIEW_Y, make_view
from mars_aurora.emission import OXYGEN_1304, OXYGEN_1356
from mars_aurora.geometry import canvas
from mars_aurora.picture import heatmap
from mars_aurora_model.simulator import truth
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

WITH_AURORA = World(no_aurora_fraction=0.0, swaths_per_set=(1,), modes=(("os2", 1.0, (60, 150)),))


def _contrasts(simulated, folder):
    """The contrast channel of the view, the true contrast without noise, and where it is observed; each (256, 256)."""
    path = folder / simulated.plain_name
    path.write_bytes(simulated.to_fits())
    observation = readers.read(path, path.name)
    fitted = canvas.fit(observation)
    view = make_view(heatmap.draw(observation, fitted), 256)[0]
    low, high = CONTRAST
    found = view[4] * (high - low) + low
    swath = simulated.swath
    true = swath.excess_R / truth.visible_from(swath.background_R, simulated.world)
    drawn = canvas.to_canvas(true, fitted, 0)
    window = drawn[VIEW_Y : VIEW_Y + VIEW_PX, VIEW_X : VIEW_X + VIEW_PX]
    middle = ((np.arange(256) + 0.5) * VIEW_PX / 256).astype(int)
    return found, window[np.ix_(middle, middle)], view[2] > 0.99


def test_contrast_separates_simulated_auroras_from_background(tmp_path):
    on_aurora, off_aurora = [], []
    for index in range(8):
        found, true, observed = _contrasts(observe(WITH_AURORA, 31, index), tmp_path)
        on_aurora.append(found[observed & (true > 2)])
        off_aurora.append(found[observed & (true == 0)])
    assert sum(map(len, on_aurora)) > 2000
    assert np.mean(np.concatenate(on_aurora) > 1) > 0.85
    assert np.mean(np.concatenate(off_aurora) < 1) > 0.97


@pytest.mark.parametrize("index", range(4))
def test_contrast_without_aurora_is_zero_from_day_to_night(index, tmp_path):
    found, _, observed = _contrasts(observe(replace(WITH_AURORA, no_aurora_fraction=1.0), 32, index), tmp_path)
    assert observed.sum() > 10_000
    assert abs(np.median(found[observed])) < 0.1
    assert np.percentile(np.abs(found[observed]), 95) < 0.7


def test_unobserved_picture_has_no_contrast():
    zeros = np.zeros((64, 64), np.float32)
    assert not find_contrast(zeros, zeros, zeros + 120, zeros, OXYGEN_1304).any()


def test_uniform_stripe_of_pixels_has_no_contrast():
    observed = np.zeros((64, 64), np.float32)
    observed[:, 30:34] = 1
    sza_deg, radius = np.full_like(observed, 130), np.full_like(observed, 0.5)
    contrast = find_contrast(observed * 3, observed, sza_deg, radius, OXYGEN_1304)
    assert np.abs(contrast).max() < 0.01


def test_contrast_is_the_excess_over_what_is_visible_of_the_emission():
    observed, sza_deg = np.ones((256, 256), np.float32), np.full((256, 256), 130, np.float32)
    brightness_R = observed * np.float32(0.2)
    brightness_R[120:140, 120:140] += 5
    radius = np.full_like(observed, 0.5)
    for emission in (OXYGEN_1304, OXYGEN_1356):
        contrast = find_contrast(brightness_R, observed, sza_deg, radius, emission)
        assert contrast[130, 130] == pytest.approx(5 / emission.visible_R, rel=0.01)
