from dataclasses import replace

import numpy as np
import pytest

from mars_aurora.background.pictured import find_contrast
from mars_aurora.detect.yolo import CONTRAST, VIEW_PX, VIEW_X, VIEW_Y, look, read_levels
from mars_aurora.geometry.canvas import Canvas, to_canvas
from mars_aurora.observation import from_npz
from mars_aurora.picture import heatmap
from mars_aurora_model import dataset
from mars_aurora_model.simulator import truth
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

ANY = World(no_aurora_share=0.0, swaths_per_set=(1,), modes=(("os2", 1.0, (60, 150)),))


def look_at(simulated):
    """The contrast that the network is shown, and the true one, without noise; both (256, 256) where observed."""
    png, geometry = dataset.preprocess(simulated.name.removesuffix(".gz"), simulated.to_fits())
    view = look(read_levels(png), 256, heatmap.read_sun(png))[0]
    low, high = CONTRAST
    seen = view[4] * (high - low) + low
    swath = simulated.swath
    true = swath.excess_R / truth.visible_from(swath.background_R, simulated.world)
    drawn = to_canvas(true, Canvas.from_arrays(from_npz(geometry)[1]), 0)
    window = drawn[VIEW_Y : VIEW_Y + VIEW_PX, VIEW_X : VIEW_X + VIEW_PX]
    middle = ((np.arange(256) + 0.5) * VIEW_PX / 256).astype(int)
    return seen, window[np.ix_(middle, middle)], view[2] > 0.99


def test_the_contrast_of_auroras_is_that_of_the_truth():
    found, missed = [], []
    for index in range(8):
        seen, true, observed = look_at(observe(ANY, 31, index))
        found.append(seen[observed & (true > 2)])
        missed.append(seen[observed & (true == 0)])
    assert sum(map(len, found)) > 2000
    assert np.mean(np.concatenate(found) > 1) > 0.85
    assert np.mean(np.concatenate(missed) < 1) > 0.97


@pytest.mark.parametrize("index", range(4))
def test_a_sky_without_aurora_has_no_contrast_in_any_light(index):
    seen, _, observed = look_at(observe(replace(ANY, no_aurora_share=1.0), 32, index))
    assert observed.sum() > 10_000
    assert abs(np.median(seen[observed])) < 0.1
    assert np.percentile(np.abs(seen[observed]), 95) < 0.7


def test_nothing_observed_has_no_contrast():
    nothing = np.zeros((64, 64), np.float32)
    assert not find_contrast(nothing, nothing, nothing + 120, nothing).any()


def test_a_single_stripe_of_pixels_is_held_against_itself():
    observed = np.zeros((64, 64), np.float32)
    observed[:, 30:34] = 1
    flat = find_contrast(observed * 3, observed, np.full_like(observed, 130), np.full_like(observed, 0.5))
    assert np.abs(flat).max() < 0.01
