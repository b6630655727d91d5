"""The sample of pixels in which the geometry is checked."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.observation import Observation
from mars_aurora.readers.recomputed import draw_sample
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World


@pytest.fixture(scope="module")
def observation(tmp_path_factory) -> Observation:
    path = tmp_path_factory.mktemp("recomputed") / "x.fits"
    path.write_bytes(observe(World(slit_cut_fraction=0, truncated_fraction=0), 5, 2).to_fits())
    return readers.read(path, path.name)


def test_sample_has_pixels_of_the_whole_disk_that_face_the_spacecraft(observation):
    rows, bins = draw_sample(observation).place
    assert 200 < len(rows) <= 800
    facing = observation.on_disk & (observation.emission_angle_deg < 75)
    for places, axis in ((rows, 1), (bins, 0)):
        seen = np.flatnonzero(facing.any(axis))
        assert np.ptp(places) > 0.8 * np.ptp(seen)


def test_pixels_that_face_the_spacecraft_by_either_angle_are_sampled(observation):
    slanted = observation.on_disk & (observation.emission_angle_deg > 78)
    rows, bins = draw_sample(observation).place
    assert not slanted[rows, bins].any()
    for stated_deg in (10, 80):
        stated = np.full(observation.shape, stated_deg, np.float32)
        rows, bins = draw_sample(replace(observation, emission_angle_deg=stated)).place
        assert slanted[rows, bins].any() == (stated_deg == 10)
        assert (~slanted)[rows, bins].any()


def test_narrow_part_of_the_disk_is_sampled_whole(observation):
    middle = observation.shape[1] // 2
    narrow = np.full(observation.shape, np.nan, np.float32)
    narrow[:, middle : middle + 2] = observation.latitude_deg[:, middle : middle + 2]
    rows, bins = draw_sample(replace(observation, latitude_deg=narrow)).place
    assert len(rows) >= 20
    assert set(bins) == {middle, middle + 1}
