from dataclasses import replace

import cv2
import numpy as np
import pytest

from mars_aurora.emission import OXYGEN_1304
from mars_aurora.geometry.canvas import HEIGHT, WIDTH, unpack_geometry
from mars_aurora.picture import heatmap, png
from mars_aurora.picture import picture as core
from mars_aurora_model import contact_sheet, dataset, painting, true_boxes
from mars_aurora_model.labels import LabeledPicture, write_set
from mars_aurora_model.simulator import truth
from mars_aurora_model.simulator.world import World

BRIGHT = World(
    no_aurora_fraction=0.0,
    kinds=(("sinuous", 1.0),),
    sinuous_peak_R=(30.0, 40.0),
    modes=(("os2", 1.0, (120, 150)),),
    swaths_per_set=(1,),
    slit_cut_fraction=0.0,
    truncated_fraction=0.0,
)
GRID = np.arange(HEIGHT * WIDTH, dtype=np.int32).reshape(HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def pictures():
    made = (dataset.simulate_picture(index, BRIGHT, 3, "bright") for index in range(4))
    return [picture for picture in made if picture is not None]


def test_aurora_boxes_are_brighter_than_the_night_side(pictures):
    boxes = [(picture, box) for picture in pictures for box in picture.visible("aurora")]
    assert len(boxes) >= 3
    for picture, box in boxes:
        brightness_R = heatmap.level_brightness(OXYGEN_1304)[png.read(picture.png).levels]
        inside = brightness_R[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
        assert np.percentile(inside, 95) > 5 * 0.9
        assert box.brightness_R > 2
        assert box.snr >= 8


def label(swath, simulated):
    _, geometry = dataset.preprocess(simulated.plain_name, simulated.to_fits())
    return list(true_boxes.box_auroras(swath, simulated.world, unpack_geometry(geometry)[1]))


def test_aurora_below_the_background_residual_in_twilight_is_ignored(broad_aurora):
    swath = broad_aurora.swath
    (clear,) = (box for box in label(swath, broad_aurora) if not box.ignored)
    seen = swath.excess_R >= truth.visible_from(swath.background_R, broad_aurora.world)
    twilight = replace(swath, background_R=np.where(seen, 1.9 * swath.excess_R, swath.background_R))
    (hidden,) = (box for box in label(twilight, broad_aurora) if box.corners == clear.corners)
    assert hidden.ignored
    assert 0 < hidden.snr < 1 / 1.9 / true_boxes.STRUCTURE
    assert hidden.brightness_R == clear.brightness_R


def test_aurora_below_the_label_threshold_is_boxed_and_ignored(broad_aurora):
    swath = broad_aurora.swath
    factor = 1.6 / swath.excess_R.max()  # between half the threshold of a label and the threshold
    dimmed = replace(swath, excess_R=factor * swath.excess_R, background_R=np.full_like(swath.background_R, 0.5))
    (faint,) = label(dimmed, broad_aurora)
    assert faint.snr == 0
    assert faint.ignored
    assert not faint.trained_on
    assert 1 <= faint.brightness_R < 1.6


def test_box_of_mars_is_within_the_disk(pictures):
    for picture in pictures:
        (mars,) = picture.visible("mars")
        assert 147 <= mars.x0 < mars.x1 <= 494  # the disk and half a native pixel
        assert 57 <= mars.y0 < mars.y1 <= 404
        assert (mars.x1 - mars.x0) * (mars.y1 - mars.y0) > 0.5 * 340**2


def test_most_sliver_pictures_contain_little_of_the_disk():
    make, _ = dataset.plan_sets(1)["slivers"]
    made = (make(index) for index in range(1, 25))
    boxes = [box for picture in made if picture is not None for box in picture.visible("mars")]
    shown = [(box.x1 - box.x0) * (box.y1 - box.y0) / 344**2 for box in boxes]
    assert len(shown) >= 15
    assert np.mean(np.less(shown, 0.3)) > 0.4
    assert min(shown) < 0.02


def test_same_arguments_give_the_same_picture(pictures):
    assert dataset.simulate_picture(0, BRIGHT, 3, "bright") == pictures[0]


def test_hard_negatives_contain_no_aurora():
    for group, (world, seed) in dataset.TEST_WORLDS.items():
        if group in dataset.NEGATIVE_WORLDS:
            picture = dataset.simulate_picture(0, world, seed, group)
            assert [box.label for box in picture.labels] == ["mars"]


def test_parts_across_a_small_gap_are_one_feature():
    seen = np.zeros((HEIGHT, WIDTH), bool)
    seen[100:110, 100:120] = seen[113:120, 100:120] = True  # 3 px apart
    seen[300:310, 300:310] = True
    found = list(true_boxes.find_features(seen, GRID))
    assert [corners for _, corners in found] == [(100, 100, 120, 120), (300, 300, 310, 310)]
    assert sum(pixels.sum() for pixels, _ in found) == seen.sum()  # the gap is not included


def test_auroras_are_painted_only_on_the_dark_disk():
    levels = np.full((HEIGHT, WIDTH), heatmap.to_levels(np.float32(0.7), OXYGEN_1304), np.uint8)
    levels[:, 320:] = heatmap.to_levels(np.float32(300), OXYGEN_1304)  # day
    sun = np.array([0, 1, 0, 0, 0, 0, 0, 0, 0], np.float32)
    plain = LabeledPicture("plain", "painted", png.write(core.Picture(levels, sun)), ())
    painted = [painting.paint_picture(plain, np.random.default_rng(seed), World()) for seed in range(12)]
    boxes = [box for picture in painted for box in picture.labels]
    assert len(boxes) >= 6
    assert all(box.x1 <= 322 for box in boxes)
    for picture in painted:
        assert np.array_equal(png.read(picture.png).sza_coefficients, sun)
        changed = png.read(picture.png).levels[:, 325:] != levels[:, 325:]
        assert changed.mean() < 0.01


def test_saturated_areas_are_large_and_keep_unobserved_pixels():
    levels = np.full((HEIGHT, WIDTH), 50, np.uint8)
    levels[:50] = core.UNOBSERVED
    white, area = painting.whiten(np.random.default_rng(1), levels)
    assert area.sum() > 40 * 40
    assert (white[area & (levels > 0)] >= 200).all()
    assert (white[:50] == core.UNOBSERVED).all()


def test_contact_sheet_tiles_the_first_pictures(tmp_path, pictures):
    write_set(tmp_path / "set", pictures)
    contact_sheet.draw_contact_sheet(tmp_path / "set", tmp_path / "sheet.png", count=3, columns=2)
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (480, 640, 3)
