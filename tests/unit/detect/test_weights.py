"""The weights that are shipped: what they are, and that they find what they are for."""

import hashlib
import json
from pathlib import Path

import pytest

from mars_aurora.detect.yolo import WEIGHTS, detect, load
from mars_aurora_model.dataset import simulate_picture
from mars_aurora_model.predictions import ask
from mars_aurora_model.simulator.world import World

METRICS = json.loads((Path(__file__).parents[3] / "model" / "weights" / "METRICS.json").read_text())
NIGHT = World(
    no_aurora_share=0.0,
    kinds=(("crustal", 0.5), ("sinuous", 0.5)),
    crustal_peak_R=(30.0, 50.0),
    sinuous_peak_R=(20.0, 30.0),
    crustal_size_km=(300.0, 500.0),
    modes=(("os2", 1.0, (110, 150)),),
    swaths_per_set=(1,),
    slit_cut_share=0.0,
    truncated_share=0.0,
)


@pytest.fixture(scope="module")
def answered():
    pictures = [simulate_picture(index, NIGHT, 31, "night") for index in range(12)]
    return ask(load(), [picture for picture in pictures if picture is not None])


def test_the_metrics_are_those_of_the_shipped_file():
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == METRICS["weights_sha256"]
    assert load().thresholds == METRICS["thresholds"]
    assert WEIGHTS.stat().st_size < 5e6


def test_mars_is_found_in_every_picture(answered):
    assert answered.matches("mars").at(load().thresholds["mars"])[1] == 1.0


def test_pictures_with_bright_auroras_are_told_from_a_new_seed(answered):
    assert sum(bool(picture.visible("aurora")) for picture in answered.pictures) >= 10
    _, recall = answered.image_level(load().thresholds["aurora"])
    assert recall >= 0.9


def test_boxes_are_the_same_every_time_and_sorted(answered):
    png = answered.pictures[0].png
    boxes = detect(png, b"")
    assert boxes == detect(png, b"")
    assert [box.confidence for box in boxes] == sorted((box.confidence for box in boxes), reverse=True)
    assert {box.label for box in boxes} == {"mars", "aurora"}


def test_boxes_lie_in_the_picture_and_are_as_big_as_the_truth(answered):
    for picture in answered.pictures:
        boxes = detect(picture.png, b"")
        assert all(0 <= box.x0 < box.x1 <= 640 and 0 <= box.y0 < box.y1 <= 480 for box in boxes)
        mars = [(box.x0, box.y0, box.x1, box.y1) for box in boxes if box.label == "mars"]
        assert mars == [pytest.approx(picture.visible("mars")[0].corners, abs=15)]
