"""From a picture to boxes by a network; here a fake one that returns given scores."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora.detect.calibration import Calibration
from mars_aurora.detect.view import make_view, placement
from mars_aurora.detect.yolo import Yolo
from mars_aurora.emission import OXYGEN_1356
from mars_aurora.errors import UsageError
from mars_aurora.picture.picture import Picture

SIDE = 256
NOTHING = np.zeros((0, 7))


class FakeSession:
    """A network that returns the same scores for every view, and keeps the views."""

    def __init__(self, scores) -> None:
        self.scores = np.array(scores, np.float32)
        self.views: list[np.ndarray] = []

    def run(self, _outputs, inputs):
        self.views.append(inputs["image"])
        return [self.scores[None]]


def _load(scores, mars=Calibration(), aurora=Calibration()) -> Yolo:  # noqa: B008 -- frozen
    calibrations = {"mars": mars, "aurora": aurora}
    return Yolo(FakeSession(scores), ("mars", "aurora"), calibrations, {"mars": 0.5, "aurora": 0.3}, SIDE)


def _score(shape, x0, y0, x1, y1, *confidences: float) -> list[float]:
    """Make the network's output for a box in px of a picture of a shape: center, size, objectness, class scores."""
    left, top, scale = placement(shape, SIDE)
    center = [left + scale * (x0 + x1) / 2, top + scale * (y0 + y1) / 2]
    return [*center, scale * (x1 - x0), scale * (y1 - y0), 1.0, *confidences]


@pytest.mark.parametrize("shape", [(480, 640), (240, 320), (960, 1280), (480, 480)])
def test_boxes_are_in_px_of_the_picture(shape):
    network = _load([_score(shape, 180, 100, 260, 150, 0, 0.8), _score(shape, 100, 60, 300, 200, 0.9, 0)])
    mars, aurora = network.detect(Picture(np.ones(shape, np.uint8)))
    assert (mars.label, mars.confidence) == ("mars", pytest.approx(0.9))
    assert (aurora.label, aurora.confidence) == ("aurora", pytest.approx(0.8))
    assert (aurora.x0, aurora.y0, aurora.x1, aurora.y1) == pytest.approx((180, 100, 260, 150), abs=0.01)


def test_boxes_are_cut_at_the_edges_of_the_picture():
    (box,) = _load([_score((480, 640), -50, 300, 700, 520, 0.9, 0)]).detect(Picture(np.ones((480, 640), np.uint8)))
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((0, 300, 640, 480), abs=0.01)


def test_each_class_has_its_own_threshold_unless_another_is_given():
    shape = (480, 640)
    network = _load([_score(shape, 10, 10, 90, 90, 0.4, 0), _score(shape, 200, 10, 250, 90, 0, 0.4)])
    picture = Picture(np.ones(shape, np.uint8))
    assert [box.label for box in network.detect(picture)] == ["aurora"]
    assert sorted(box.label for box in network.detect(picture, least=0.1)) == ["aurora", "mars"]
    assert network.detect(picture, least=0.5) == []


def test_confidences_are_calibrated_before_they_are_compared_with_the_threshold():
    shape = (480, 640)
    scores = [_score(shape, 10, 10, 90, 90, 0.8, 0), _score(shape, 200, 10, 250, 90, 0, 0.2)]
    picture = Picture(np.ones(shape, np.uint8))
    aurora, mars = _load(scores, aurora=Calibration(offset=np.log(36))).detect(picture)  # odds of 1 to 4 become 9 to 1
    assert (aurora.label, aurora.confidence) == ("aurora", pytest.approx(0.9))
    assert (mars.label, mars.confidence) == ("mars", pytest.approx(0.8))
    (mars,) = _load(scores, aurora=Calibration(offset=0.4)).detect(picture)
    assert mars.label == "mars"
    (aurora, _) = _load(scores, mars=Calibration(0.5, 0.5), aurora=Calibration(offset=np.log(36))).detect(picture)
    assert aurora.label == "aurora"  # the most confident after calibration is the first


class FakeRescorer:
    """A second network that is sure of every box."""

    def rescore(self, _picture, _view, _corners, confidence):
        return np.full(len(confidence), 0.95)


def test_auroras_are_rescored_where_the_sza_is_known():
    shape = (480, 640)
    scores = [_score(shape, 180, 100, 260, 150, 0, 0.8), _score(shape, 100, 60, 300, 200, 0.9, 0)]
    network = replace(_load(scores), rescorer=FakeRescorer())
    levels = np.ones(shape, np.uint8)
    confidences = [
        {box.label: box.confidence for box in network.detect(Picture(levels, sza))}
        for sza in (None, np.full(9, -0.5, np.float32))
    ]
    assert confidences[0] == pytest.approx({"mars": 0.9, "aurora": 0.8})
    assert confidences[1] == pytest.approx({"mars": 0.9, "aurora": 0.95})


def test_network_is_run_on_the_view_of_the_picture():
    picture = Picture(np.random.default_rng(0).integers(0, 256, (480, 640), np.uint8), np.full(9, 0.1, np.float32))
    network = _load(NOTHING)
    assert network.detect(picture) == []
    assert np.array_equal(network.session.views[0], make_view(picture, SIDE))


def test_picture_of_another_emission_is_rejected():
    with pytest.raises(UsageError, match=r"not trained for O I 135\.6"):
        _load(NOTHING).detect(Picture(np.ones((480, 640), np.uint8), emission=OXYGEN_1356))
