"""Training of the second network, which rescores boxes."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: make train-setup")
pytest.importorskip("onnx", reason="export needs onnx: make train-setup")

import torch

from mars_aurora.detect import yolo
from mars_aurora.detect.rescoring import CROP_PX, NUMBERS
from mars_aurora_model import rescoring
from mars_aurora_model.dataset import RESCORING_CALIBRATION, RESCORING_SELECTION, simulate_picture
from mars_aurora_model.labels import Label, write_set
from mars_aurora_model.rescoring import SHOWN_WEIGHT, Candidates, Mean, find_candidates, find_targets, is_right, train
from mars_aurora_model.simulator.world import World

WORLD = World(no_aurora_fraction=0.0, crustal_peak_R=(30.0, 60.0), modes=(("os2", 1.0, (75, 130)),))


@pytest.fixture(scope="module")
def pictures():
    made = [simulate_picture(index, WORLD, 41, "night") for index in range(8)]
    return [picture for picture in made if picture is not None]


def draw_candidates(count: int) -> Candidates:
    """Draw boxes whose crop is bright if they show an aurora and brighter if they are right; numbers tell nothing."""
    rng = np.random.default_rng(0)
    shown = rng.random(count) < 0.6
    right = shown & (rng.random(count) < 0.5)
    crops = rng.normal(0, 0.1, (count, 6, CROP_PX, CROP_PX)) + 0.3 * (shown + 1.0 * right)[:, None, None, None]
    numbers = rng.normal(0, 1, (count, NUMBERS)).astype(np.float32)
    return Candidates(crops.astype(np.float16), numbers, np.stack([right, shown], 1).astype(np.float32))


def test_visible_auroras_and_bright_ones_in_twilight_are_right():
    faint = Label("aurora", 0, 0, 10, 10, brightness_R=4.0, snr=7.0)
    assert not is_right(faint)
    assert is_right(replace(faint, snr=8.0))
    assert is_right(replace(faint, brightness_R=40.0))
    assert not is_right(replace(faint, brightness_R=40.0, snr=6.0))
    assert is_right(replace(faint, snr=None))  # painted


def test_boxes_on_auroras_are_right_and_those_on_fainter_ones_do_not_count(pictures):
    seen = max(pictures, key=lambda picture: max((label.snr or 0 for label in picture.labels), default=0))
    assert find_candidates(seen, yolo.WEIGHTS).targets.all(1).any()
    assert not find_candidates(replace(seen, labels=()), yolo.WEIGHTS).targets.any()
    faint = replace(seen, labels=tuple(replace(label, snr=1.0) for label in seen.labels if label.label == "aurora"))
    some, fewer = find_candidates(replace(seen, labels=()), yolo.WEIGHTS), find_candidates(faint, yolo.WEIGHTS)
    assert len(fewer.targets) < len(some.targets)


def test_loose_boxes_show_an_aurora_without_being_right():
    aurora = np.array([[100, 100, 140, 140]], np.float32)
    boxes = np.array(
        [[100, 100, 140, 150], [102, 100, 140, 140], [100, 100, 140, 220], [110, 110, 120, 120], [300, 0, 340, 40]],
        np.float32,
    )
    nothing = np.zeros((0, 4), np.float32)
    right, shown = find_targets(boxes, aurora, nothing).T
    assert right.tolist() == [1, 0, 0, 0, 0]  # the second is a repetition
    assert shown.tolist() == [1, 1, 1, 1, 0]
    right, shown = find_targets(boxes, nothing, aurora).T
    assert np.isnan(right).tolist() == [True, True, False, True, False]
    assert np.isnan(shown).tolist() == [True, True, True, True, False]


def test_network_learns_what_only_the_crops_tell_and_repeats_it():
    candidates = draw_candidates(512)
    one, again = train(candidates, 1, epochs=4), train(candidates, 1, epochs=4)
    crops, numbers = torch.tensor(candidates.crops).float(), torch.tensor(candidates.numbers)
    with torch.no_grad():
        logits = one(crops, numbers).numpy() - candidates.numbers[:, :1]
        assert np.array_equal(again(crops, numbers).numpy() - candidates.numbers[:, :1], logits)
    for logit, target in zip(logits.T, candidates.targets.T, strict=True):
        assert logit[target == 1].mean() > np.quantile(logit[target == 0], 0.9)


def test_boxes_that_do_not_count_change_nothing():
    candidates = draw_candidates(256)
    none = candidates.targets[:, 1] == 0
    without = replace(candidates, targets=np.where(none[:, None], np.nan, candidates.targets))
    crops, numbers = torch.tensor(candidates.crops).float(), torch.tensor(candidates.numbers)
    network = train(without, 1, epochs=4)
    with torch.no_grad():
        logits = network(crops, numbers).numpy() - candidates.numbers[:, :1]
    assert logits[none, 1].mean() > 0  # all that counts shows an aurora


def test_logit_of_a_box_is_mostly_that_of_being_right():
    network = train(draw_candidates(128), 0, epochs=1)
    crops = torch.ones(2, 6, CROP_PX, CROP_PX)  # the same in mirror images
    numbers = torch.zeros(2, NUMBERS)
    with torch.no_grad():
        right, shown = network(crops, numbers)[0].tolist()
        assert Mean([network])(crops, numbers)[0] == pytest.approx(right + SHOWN_WEIGHT * (shown - right), abs=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_exported_network_is_that_which_was_trained(pictures, tmp_path):
    candidates = draw_candidates(256)
    networks = [train(candidates, seed, epochs=1) for seed in (0, 1)]
    for name in (RESCORING_CALIBRATION, RESCORING_SELECTION):
        write_set(tmp_path / name, pictures)
    threshold = rescoring.export(networks, tmp_path, yolo.WEIGHTS, tmp_path / "rescoring.onnx")
    loaded = yolo.load(yolo.WEIGHTS, tmp_path / "rescoring.onnx")
    assert loaded.thresholds["aurora"] == loaded.rescorer.threshold == threshold
    crops, numbers = candidates.crops[:5].astype(np.float32), candidates.numbers[:5]
    with torch.no_grad():
        wanted = Mean(networks)(torch.tensor(crops), torch.tensor(numbers)).numpy()
    (got,) = loaded.rescorer.session.run(None, {"crops": crops, "numbers": numbers})
    assert got == pytest.approx(wanted, abs=1e-4)
    mirrored = np.ascontiguousarray(crops[..., ::-1])
    (turned,) = loaded.rescorer.session.run(None, {"crops": mirrored, "numbers": numbers})
    assert turned == pytest.approx(got, abs=1e-4)
