"""The shipped weights: their metadata, and their detections on simulated pictures."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from mars_aurora.box import Detections
from mars_aurora.detect.candidate import Drawn
from mars_aurora.detect.detectors import DetectorName, hash_weights
from mars_aurora.detect.yolo import RESCORING, WEIGHTS, detect, load
from mars_aurora.picture import png
from mars_aurora_model.dataset import simulate_picture
from mars_aurora_model.predictions import Predictions, predict
from mars_aurora_model.simulator.world import World

METRICS = json.loads((Path(__file__).parents[3] / "model" / "weights" / "METRICS.json").read_text())
NIGHT = World(
    no_aurora_fraction=0.0,
    kinds=(("crustal", 0.5), ("sinuous", 0.5)),
    crustal_peak_R=(30.0, 50.0),
    sinuous_peak_R=(20.0, 30.0),
    crustal_size_km=(300.0, 500.0),
    modes=(("os2", 1.0, (110, 150)),),
    swaths_per_set=(1,),
    slit_cut_fraction=0.0,
    truncated_fraction=0.0,
)


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    pictures = [simulate_picture(index, NIGHT, 31, "night") for index in range(12)]
    return predict(load(), [picture for picture in pictures if picture is not None])


def _detect(data: bytes) -> Detections:
    """Run the shipped detector as a step does; it uses only the picture."""
    return detect(Drawn(png.read(data), observation=None, canvas=None))


def test_metrics_are_those_of_the_shipped_weights():
    both = WEIGHTS.read_bytes() + RESCORING.read_bytes()
    assert hash_weights(DetectorName.YOLO) == hashlib.sha256(both).hexdigest() == METRICS["weights_sha256"]
    assert load().thresholds == METRICS["thresholds"]
    assert len(both) < 5e6


def test_network_is_loaded_once_and_runs_in_the_thread_of_the_caller():
    options = load().session.get_session_options()
    assert options.intra_op_num_threads == options.inter_op_num_threads == 1
    assert not options.enable_cpu_mem_arena
    assert load() is load()


def test_mars_is_found_in_every_picture(predictions):
    assert predictions.matches("mars").at(load().thresholds["mars"])[1] == 1.0


def test_pictures_with_bright_auroras_from_a_new_seed_are_found(predictions):
    assert sum(bool(picture.visible("aurora")) for picture in predictions.pictures) >= 10
    _, recall = predictions.image_level(load().thresholds["aurora"])
    assert recall >= 0.9


def test_detections_are_repeatable_and_sorted_by_confidence(predictions):
    found = _detect(predictions.pictures[0].png)
    assert found == _detect(predictions.pictures[0].png)
    assert [box.confidence for box in found.boxes] == sorted((box.confidence for box in found.boxes), reverse=True)
    assert {box.label for box in found.boxes} == {"mars", "aurora"}


def test_boxes_are_inside_the_picture_and_mars_has_its_true_size(predictions):
    for picture in predictions.pictures:
        boxes = _detect(picture.png).boxes
        assert all(0 <= box.x0 < box.x1 <= 640 and 0 <= box.y0 < box.y1 <= 480 for box in boxes)
        mars = [(box.x0, box.y0, box.x1, box.y1) for box in boxes if box.label == "mars"]
        assert mars == [pytest.approx(picture.visible("mars")[0].corners, abs=15)]


def test_missing_sza_is_reported(predictions):
    picture = png.read(predictions.pictures[0].png)
    assert not _detect(png.write(picture)).sza_missing
    assert _detect(png.write(replace(picture, sza_coefficients=None))).sza_missing
