from dataclasses import replace

import cv2
import numpy as np
import pytest

from mars_aurora.geometry.canvas import HEIGHT, WIDTH, Canvas
from mars_aurora.observation import from_npz
from mars_aurora.picture import heatmap
from mars_aurora_model import dataset, painting
from mars_aurora_model.labels import Picture
from mars_aurora_model.simulator import truth
from mars_aurora_model.simulator.world import World

BRIGHT = World(
    no_aurora_share=0.0,
    kinds=(("sinuous", 1.0),),
    sinuous_peak_R=(30.0, 40.0),
    modes=(("os2", 1.0, (120, 150)),),
    swaths_per_set=(1,),
    slit_cut_share=0.0,
    truncated_share=0.0,
)
GRID = np.arange(HEIGHT * WIDTH, dtype=np.int32).reshape(HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def pictures():
    made = (dataset.simulate_picture(index, BRIGHT, 3, "bright") for index in range(4))
    return [picture for picture in made if picture is not None]


def test_boxes_of_auroras_hold_what_is_brighter_than_the_night_round_it(pictures):
    boxes = [(picture, box) for picture in pictures for box in picture.visible("aurora")]
    assert len(boxes) >= 3
    for picture, box in boxes:
        brightness_R = heatmap.level_brightness()[heatmap.decode(picture.png)]
        inside = brightness_R[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
        assert np.percentile(inside, 95) > 5 * 0.9
        assert box.brightness_R > 2
        assert box.snr >= 8


def label(swath, simulated):
    _, geometry = dataset.preprocess(simulated.name.removesuffix(".gz"), simulated.to_fits())
    return list(dataset.label_auroras(swath, simulated.world, Canvas.from_arrays(from_npz(geometry)[1])))


def test_light_that_a_twilight_s_structure_may_hide_is_boxed_but_doubtful(broad_aurora):
    swath = broad_aurora.swath
    (clear,) = (box for box in label(swath, broad_aurora) if not box.doubtful)
    seen = swath.excess_R >= truth.visible_from(swath.background_R, broad_aurora.world)
    twilight = replace(swath, background_R=np.where(seen, 1.9 * swath.excess_R, swath.background_R))
    (hidden,) = (box for box in label(twilight, broad_aurora) if box.corners == clear.corners)
    assert hidden.doubtful
    assert 0 < hidden.snr < 1 / 1.9 / dataset.STRUCTURE
    assert hidden.brightness_R == clear.brightness_R


def test_light_too_faint_to_be_labelled_is_told_and_never_counted(broad_aurora):
    swath = broad_aurora.swath
    factor = 1.6 / swath.excess_R.max()  # half of what is asked, and more, but nowhere all of it
    dimmed = replace(swath, excess_R=factor * swath.excess_R, background_R=np.full_like(swath.background_R, 0.5))
    (faint,) = label(dimmed, broad_aurora)
    assert faint.snr == 0
    assert faint.doubtful
    assert not faint.learnt
    assert 1 <= faint.brightness_R < 1.6


def test_mars_is_boxed_within_its_fixed_disk(pictures):
    for picture in pictures:
        (mars,) = picture.visible("mars")
        assert 147 <= mars.x0 < mars.x1 <= 494  # half a pixel of the instrument past the limb
        assert 57 <= mars.y0 < mars.y1 <= 404
        assert (mars.x1 - mars.x0) * (mars.y1 - mars.y0) > 0.5 * 340**2


def test_most_slivers_show_little_of_the_disk():
    make, _ = dataset.plan_sets(1)["slivers"]
    made = (make(index) for index in range(1, 25))
    boxes = [box for picture in made if picture is not None for box in picture.visible("mars")]
    shown = [(box.x1 - box.x0) * (box.y1 - box.y0) / 344**2 for box in boxes]
    assert len(shown) >= 15
    assert np.mean(np.less(shown, 0.3)) > 0.4
    assert min(shown) < 0.02


def test_the_same_arguments_give_the_same_picture(pictures):
    assert dataset.simulate_picture(0, BRIGHT, 3, "bright") == pictures[0]


def test_false_friends_hold_no_aurora():
    for group, (world, seed) in dataset.TEST_WORLDS.items():
        if group in dataset.FALSE_FRIENDS:
            picture = dataset.simulate_picture(0, world, seed, group)
            assert [box.label for box in picture.labels] == ["mars"]


def test_pieces_of_light_that_nearly_touch_are_one_feature():
    seen = np.zeros((HEIGHT, WIDTH), bool)
    seen[100:110, 100:120] = seen[113:120, 100:120] = True  # 3 px apart
    seen[300:310, 300:310] = True
    found = list(dataset.find_features(seen, GRID))
    assert [corners for _, corners in found] == [(100, 100, 120, 120), (300, 300, 310, 310)]
    assert sum(pixels.sum() for pixels, _ in found) == seen.sum()  # the gap is no part of it


def test_painted_auroras_lie_on_the_dark_disk_and_only_there():
    levels = np.full((HEIGHT, WIDTH), heatmap.to_levels(np.float32(0.7)), np.uint8)
    levels[:, 320:] = heatmap.to_levels(np.float32(300))  # day
    sun = np.array([0, 1, 0, 0, 0, 0, 0, 0, 0], np.float32)
    plain = Picture("plain", "painted", heatmap.encode(levels, sun), ())
    painted = [dataset.paint(plain, np.random.default_rng(seed), World()) for seed in range(12)]
    boxes = [box for picture in painted for box in picture.labels]
    assert len(boxes) >= 6
    assert all(box.x1 <= 322 for box in boxes)
    for picture in painted:
        assert np.array_equal(heatmap.read_sun(picture.png), sun)
        changed = heatmap.decode(picture.png)[:, 325:] != levels[:, 325:]
        assert changed.mean() < 0.01


def test_whitened_areas_are_large_and_keep_what_was_not_observed():
    levels = np.full((HEIGHT, WIDTH), 50, np.uint8)
    levels[:50] = heatmap.UNOBSERVED
    white, area = painting.whiten(np.random.default_rng(1), levels)
    assert area.sum() > 40 * 40
    assert (white[area & (levels > 0)] >= 200).all()
    assert (white[:50] == heatmap.UNOBSERVED).all()


def test_the_contact_sheet_shows_the_first_pictures(tmp_path, pictures):
    dataset.write_set(tmp_path / "set", pictures)
    dataset.draw_contact_sheet(tmp_path / "set", tmp_path / "sheet.png", count=3, columns=2)
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (480, 640, 3)
