"""Rescoring: the second network sees boxes, their surroundings and the noise of the night."""

import json

import numpy as np
import pytest

from mars_aurora.detect import rescoring, yolo
from mars_aurora.detect.calibration import Calibration
from mars_aurora.detect.rescoring import CROP_PX, Rescorer, describe_boxes, is_beyond_shell, read_rescorer
from mars_aurora.detect.view import SIGMAS, TWILIGHT_DEG, VIEW_PX, make_view
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.errors import UsageError
from mars_aurora.geometry.canvas import DISK_RADIUS
from mars_aurora.picture.heatmap import to_levels
from mars_aurora.picture.picture import Picture

SIDE = 256
MIDNIGHT = np.array([-1, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)
PICTURE = Picture(np.full((480, 640), 20, np.uint8), MIDNIGHT, counts_per_R=0.5, removed_R=6.0)
LOGIT, WIDTH, HEIGHT, RADIUS, SZA, MEAN, STACKED, _, MAX, OBSERVED, COUNTS, REMOVED = range(12)
MEDIAN, SPREAD, HIGH, OTHERS, BEST_OTHER = 15, 18, 19, 20, 21


def _make_view(sigmas: np.ndarray) -> np.ndarray:
    """Make a view of an observed night at an SZA of 140 degrees, of a significance (SIDE, SIDE)."""
    view = np.ones((6, SIDE, SIDE), np.float32)
    view[3] = (140 - TWILIGHT_DEG[0]) / (TWILIGHT_DEG[1] - TWILIGHT_DEG[0])
    view[5] = (sigmas - SIGMAS[0]) / (SIGMAS[1] - SIGMAS[0])
    return view


def _describe(sigmas, *boxes, confidence=None):
    corners = np.array(boxes, np.float32)
    return describe_boxes(PICTURE, _make_view(sigmas), corners, np.array(confidence or [0.5] * len(boxes)))


class FakeSession:
    """A second network that returns the confidences it is given."""

    def run(self, _outputs, inputs):
        return [inputs["numbers"][:, LOGIT]]


def test_numbers_are_those_of_the_box_and_of_the_night():
    sigmas = np.full((SIDE, SIDE), -1.0)
    sigmas[100:120, 90:130] = 3
    inside, outside = _describe(sigmas, (90, 100, 130, 120), (140, 140, 160, 150), confidence=[0.8, 0.3]).numbers
    assert inside[LOGIT] == pytest.approx(np.log(4))
    assert np.exp(inside[[WIDTH, HEIGHT]]) == pytest.approx([40, 20])
    assert inside[RADIUS] == pytest.approx(np.hypot(110 - 128, 110 - 128) / SIDE)
    assert inside[SZA] == pytest.approx(140, abs=0.1)
    assert inside[[MEAN, MAX]] == pytest.approx([3, 3], abs=1e-3)
    averages = 800 * (VIEW_PX / SIDE) ** 2 / 113  # independent ones in the box
    assert inside[STACKED] == pytest.approx(3 * np.sqrt(averages), rel=1e-3)
    assert outside[MEAN] == inside[MEDIAN] == pytest.approx(-1, abs=1e-3)
    assert inside[OBSERVED] == 1
    assert np.exp(inside[[COUNTS, REMOVED]]) == pytest.approx([0.5, 7])
    assert (inside[OTHERS], inside[BEST_OTHER], outside[BEST_OTHER]) == pytest.approx((2, 0.3, 0.8))


def test_night_is_that_within_four_fifths_of_the_half_width():
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    (found,) = _describe(np.where(np.hypot(x, y) >= 0.4 * SIDE, 9.0, -1.0), (100, 100, 140, 140)).numbers
    assert found[[MEDIAN, SPREAD, HIGH]] == pytest.approx([-1, 0, 0], abs=1e-3)


def test_certain_confidences_are_described_by_numbers():
    boxes = [(10 * number, 100, 10 * number + 8, 110) for number in range(2)]
    numbers = _describe(np.zeros((SIDE, SIDE)), *boxes, confidence=[1.0, 0.0]).numbers
    assert np.isfinite(numbers).all()
    assert numbers[0, LOGIT] == pytest.approx(-numbers[1, LOGIT], rel=0.01)


def test_crop_shows_the_box_in_its_middle_half():
    sigmas = np.zeros((SIDE, SIDE))
    sigmas[100:140, 60:140] = 8
    (crop,) = _describe(sigmas, (60, 100, 140, 140)).crops
    middle = np.zeros((CROP_PX, CROP_PX), bool)
    middle[CROP_PX // 4 : -CROP_PX // 4, CROP_PX // 4 : -CROP_PX // 4] = True
    lowest, highest = (-SIGMAS[0] / 20, (8 - SIGMAS[0]) / 20)
    assert crop[5][middle] == pytest.approx(highest, abs=1e-3)
    assert crop[5][~middle] == pytest.approx(lowest, abs=1e-3)


def test_boxes_beyond_the_view_and_unobserved_nights_are_described():
    described = _describe(np.zeros((SIDE, SIDE)), (-20, -30, 4, 3), (250, 250, 300, 290), (10, 10, 10, 10))
    assert np.isfinite(described.numbers).all()
    dark = np.zeros((6, SIDE, SIDE), np.float32)
    empty = describe_boxes(PICTURE, dark, np.array([[10, 10, 40, 40]], np.float32), np.array([0.5]))
    assert np.isfinite(empty.numbers).all()
    assert empty.numbers[0, OBSERVED] == 0


def test_picture_of_another_size_is_described():
    picture = Picture(np.full((240, 320), 20, np.uint8), MIDNIGHT)
    view = _make_view(np.zeros((SIDE, SIDE)))
    assert np.isfinite(describe_boxes(picture, view, np.ones((1, 4), np.float32), np.array([0.5])).numbers).all()


def test_box_centered_above_the_shell_has_no_confidence():
    rescorer = Rescorer(FakeSession(), Calibration(), Calibration(), 0.2)
    limb = SIDE / 2 + DISK_RADIUS * SIDE / VIEW_PX
    corners = np.array([[limb - 8, 120, limb, 136], [limb + 2, 120, limb + 14, 136]], np.float32)
    assert is_beyond_shell(corners, SIDE).tolist() == [False, True]
    kept, star = rescorer.rescore(PICTURE, _make_view(np.zeros((SIDE, SIDE))), corners, np.array([0.7, 0.9]))
    assert kept == pytest.approx(0.7, abs=1e-6)
    assert star == 0


def test_boxes_of_one_aurora_share_its_probability():
    corners = np.array([[0, 0, 10, 10], [0, 4, 10, 14], [2, 2, 5, 5], [50, 50, 60, 60]], np.float32)
    reduced = rescoring.reduce_overlapping(corners, np.array([0.3, 0.8, 0.4, 0.5]))
    assert reduced == pytest.approx([0.3 * (1 - 0.8) * (1 - 0.4), 0.8, 0.4, 0.5])  # it overlaps the second and third
    apart = corners + np.arange(4, dtype=np.float32)[:, None] * 100
    assert rescoring.reduce_overlapping(apart, np.full(4, 0.9)) == pytest.approx(np.full(4, 0.9))
    alike = rescoring.reduce_overlapping(np.repeat(corners[:1], 3, 0), np.array([0.8, 0.5, 0.3]))
    assert alike == pytest.approx([0.8, 0.5 * (1 - 0.8), 0.3 * (1 - 0.8) * (1 - 0.1)])  # of the reduced one
    small_in_large = np.array([[0, 0, 100, 100], [10, 10, 14, 14]], np.float32)
    assert rescoring.reduce_overlapping(small_in_large, np.array([0.6, 0.2])) == pytest.approx([0.6, 0.08])


def test_confidence_is_calibrated_again_after_overlapping_boxes_share_it():
    rescorer = Rescorer(FakeSession(), Calibration(), Calibration(offset=np.log(3)), 0.2)  # three times the odds
    corners = np.array([[120, 120, 140, 140], [120, 122, 140, 142]], np.float32)
    best, other = rescorer.rescore(PICTURE, _make_view(np.zeros((SIDE, SIDE))), corners, np.array([0.8, 0.3]))
    assert best / (1 - best) == pytest.approx(3 * 0.8 / 0.2, rel=1e-3)
    assert other / (1 - other) == pytest.approx(3 * 0.06 / 0.94, rel=1e-3)


def test_no_boxes_need_no_network():
    nothing = np.zeros(0)
    rescorer = Rescorer(None, Calibration(), Calibration(), 0.2)
    assert len(rescorer.rescore(PICTURE, np.zeros((6, 8, 8)), np.zeros((0, 4)), nothing)) == 0


def test_the_noise_of_the_night_decides_on_a_faint_box():
    """A box of some 4 sigma is more credible where the rest of the night has the noise that is expected."""
    rescorer, rng = yolo.load().rescorer, np.random.default_rng(1)
    y, x = np.mgrid[:480, :640] // 3
    counts = rng.poisson(0.36 * (0.8 + 3.2 * (np.hypot(x - 120, y - 80) < 5)))[y[::3, 0]][:, x[0, ::3]]
    levels = to_levels((counts / 0.36).repeat(3, 0).repeat(3, 1).astype(np.float32), OXYGEN_1304)
    picture = Picture(levels, MIDNIGHT, counts_per_R=0.36)
    quiet = make_view(picture, SIDE)[0]
    noisy = quiet.copy()
    far = np.hypot(*(np.mgrid[:SIDE, :SIDE] - np.array([136, 157])[:, None, None])) > 40  # outside the crop
    waves = np.kron(rng.normal(0, 4, (32, 32)), np.ones((8, 8)))
    noisy[5][far] = ((np.clip(waves, *SIGMAS) - SIGMAS[0]) / (SIGMAS[1] - SIGMAS[0]))[far]
    corners, confidence = np.array([[145, 124, 169, 148]], np.float32), np.array([0.3])
    credible, doubtful = (rescorer.rescore(picture, view, corners, confidence)[0] for view in (quiet, noisy))
    assert credible > 2 * doubtful


def test_weights_for_another_description_are_refused(monkeypatch):
    session = yolo.load().rescorer.session
    assert json.loads(session.get_modelmeta().custom_metadata_map["description"]) == rescoring.describe()
    monkeypatch.setattr(rescoring, "CONTEXT", 3.0)
    with pytest.raises(UsageError, match="retrain"):
        read_rescorer(session)
