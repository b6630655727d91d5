"""Light that the whole night has: found in the dark pixels, stated in the picture, and removed for searching."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.classify import count
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.observation import Observation
from mars_aurora.picture import png
from mars_aurora.picture.heatmap import level_brightness, remove_pedestal, to_levels
from mars_aurora.picture.pedestal import find_pedestal
from mars_aurora.picture.picture import UNOBSERVED, Picture
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

MIDNIGHT = np.array([-0.9, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)
Y, X = np.mgrid[:480, :640]
SPOT = np.hypot(X - 380, Y - 250) < 25


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> Observation:
    world = World(
        n_slit=96, no_aurora_fraction=1.0, swaths_per_set=(1,), slit_cut_fraction=0.0, modes=(("os2", 1.0, (130, 150)),)
    )
    path = tmp_path_factory.mktemp("pedestal") / "x.fits"
    path.write_bytes(observe(world, 8, 0).to_fits())
    return readers.read(path, "x.fits")


def _lift(night: Observation, added_R: float) -> Observation:
    return replace(night, brightness_R=night.brightness_R + np.float32(added_R))


@pytest.mark.parametrize("added_R", [5.0, 30.0])
def test_light_beyond_a_usual_night_is_a_pedestal(night, added_R):
    found_R = find_pedestal(_lift(night, added_R))
    assert found_R == pytest.approx(added_R, abs=1.5)
    assert png.read(png.write(Picture(np.ones((480, 640), np.uint8), pedestal_R=found_R))).pedestal_R == found_R


def test_usual_nights_have_no_pedestal(night):
    assert find_pedestal(night) == 0
    assert find_pedestal(_lift(night, 1.5)) == 0


@pytest.mark.parametrize(("of_usual", "is_found"), [(3.9, False), (4.1, True)])
def test_pedestal_begins_at_four_times_the_usual_night(night, of_usual, is_found):
    even = replace(night, brightness_R=np.full_like(night.brightness_R, of_usual * OXYGEN_1304.night_R))
    assert find_pedestal(even) == pytest.approx((of_usual - 1) * OXYGEN_1304.night_R * is_found, rel=1e-3)


def test_aurora_over_two_thirds_of_the_dark_night_is_no_pedestal(night):
    dark = np.argwhere(night.on_disk & (night.sza_deg > 130))
    brightness_R = night.brightness_R.copy()
    brightness_R[tuple(dark[: int(0.67 * len(dark))].T)] += 30
    assert find_pedestal(replace(night, brightness_R=brightness_R)) == 0


def test_fewer_than_fifty_dark_pixels_tell_nothing(night):
    dark = np.argwhere(night.on_disk & (night.sza_deg > 130) & np.isfinite(night.brightness_R))
    for number, is_found in ((49, False), (50, True)):
        few = _lift(night, 30)
        few.brightness_R[tuple(dark[number:].T)] = np.nan
        assert bool(find_pedestal(few)) == is_found


def test_picture_without_its_pedestal_is_fainter_by_it():
    levels = to_levels(np.array([[np.nan, 0.1, 25.0, 40.0, 500.0]], np.float32), OXYGEN_1304)
    lowered = remove_pedestal(Picture(levels, removed_R=3.0, pedestal_R=20.0))
    assert lowered.levels[0, 0] == UNOBSERVED
    assert level_brightness(OXYGEN_1304)[lowered.levels[0, 1:]] == pytest.approx([0, 5, 20, 480], rel=0.15)
    assert (lowered.removed_R, lowered.pedestal_R) == (23, 0)
    plain = Picture(levels)
    assert remove_pedestal(plain) is plain


def test_objects_are_counted_over_the_pedestal():
    """Structure of a tenth of the background is usual, but not that of light that the whole night has."""
    noise_R = np.random.default_rng(3).normal(0, 3, (160, 214)).repeat(3, 0).repeat(3, 1)[:480, :640]
    levels = to_levels((30 + 7 * SPOT + noise_R).astype(np.float32), OXYGEN_1304)
    for pedestal_R, objects in ((0.0, 1), (29.2, 2)):
        picture = Picture(levels, MIDNIGHT, counts_per_R=3.3, pedestal_R=pedestal_R)
        assert count.find(png.read(png.write(picture))).count == objects
