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
from mars_aurora_model.dataset import simulate_picture
from mars_aurora_model.labels import Label, write_set
from mars_aurora_model.rescoring import Candidates, Mean, find_candidates, is_right, train
from mars_aurora_model.simulator.world import World

WORLD = World(no_aurora_fraction=0.0, crustal_peak_R=(30.0, 60.0), modes=(("os2", 1.0, (75, 130)),))


@pytest.fixture(scope="module")
def pictures():
    made = [simulate_picture(index, WORLD, 41, "night") for index in range(8)]
    return [picture for picture in made if picture is not None]


def draw_candidates(count: int) -> Candidates:
    """Draw boxes that are right where their crop is bright, which the numbers do not tell."""
    rng = np.random.default_rng(0)
    right = rng.random(count) < 0.5
    crops = rng.normal(0, 0.1, (count, 6, CROP_PX, CROP_PX)) + 0.3 * right[:, None, None, None]
    return Candidates(crops.astype(np.float16), rng.normal(0, 1, (count, NUMBERS)).astype(np.float32), right)


def test_visible_auroras_and_bright_ones_in_twilight_are_right():
    faint = Label("aurora", 0, 0, 10, 10, brightness_R=4.0, snr=6.0)
    assert not is_right(faint)
    assert is_right(replace(faint, snr=8.0))
    assert is_right(replace(faint, brightness_R=40.0))
    assert not is_right(replace(faint, brightness_R=40.0, snr=4.0))
    assert is_right(replace(faint, snr=None))  # painted


def test_boxes_on_auroras_are_right_and_those_on_fainter_ones_do_not_count(pictures):
    seen = max(pictures, key=lambda picture: max((label.snr or 0 for label in picture.labels), default=0))
    assert find_candidates(seen, yolo.WEIGHTS).right.any()
    assert not find_candidates(replace(seen, labels=()), yolo.WEIGHTS).right.any()
    faint = replace(seen, labels=tuple(replace(label, snr=1.0) for label in seen.labels if label.label == "aurora"))
    some, fewer = find_candidates(replace(seen, labels=()), yolo.WEIGHTS), find_candidates(faint, yolo.WEIGHTS)
    assert len(fewer.right) < len(some.right)


def test_network_learns_what_only_the_crops_tell_and_repeats_it():
    candidates = draw_candidates(512)
    one, again = train(candidates, 1, epochs=4), train(candidates, 1, epochs=4)
    crops, numbers = torch.tensor(candidates.crops).float(), torch.tensor(candidates.numbers)
    with torch.no_grad():
        logit = one(crops, numbers).numpy() - candidates.numbers[:, 0]
        assert np.array_equal(again(crops, numbers).numpy() - candidates.numbers[:, 0], logit)
    assert logit[candidates.right].min() > np.median(logit[~candidates.right])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_exported_network_is_that_which_was_trained(pictures, tmp_path):
    candidates = draw_candidates(256)
    networks = [train(candidates, seed, epochs=1) for seed in (0, 1)]
    for name in ("calibration", "selection"):
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
