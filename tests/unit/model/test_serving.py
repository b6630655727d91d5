import functools
import hashlib
import json
import struct

import pytest

from mars_aurora.detect.yolo import load
from mars_aurora.picture import png
from mars_aurora.run import predictions
from mars_aurora_model.dataset import simulate_picture
from mars_aurora_model.serving import inference
from mars_aurora_model.serving.transform import transform
from mars_aurora_model.simulator.world import World


@functools.cache
def draw_picture(index=0):
    return simulate_picture(index, World(swaths_per_set=(1,)), 41, "served").png


def answer(body):
    network = inference.model_fn("/opt/ml/model")
    prediction = inference.predict_fn(inference.input_fn(body, "image/png"), network)
    data, kind = inference.output_fn(prediction, "application/json")
    assert kind == "application/json"
    return data


def test_answer_has_the_boxes_of_the_local_detector_and_what_they_were_made_from():
    picture = draw_picture()
    found = predictions.read(answer(picture))
    assert list(found.boxes) == load().detect(png.read(picture))
    assert found.boxes
    assert found.made.picture_sha256 == hashlib.sha256(picture).hexdigest()


@pytest.mark.parametrize(
    "body", [b"", b"not a picture", draw_picture()[:200], "text"], ids=["empty", "junk", "cut", "text"]
)
def test_body_that_is_no_picture_is_answered_with_an_error_record(body):
    found = json.loads(answer(body))
    assert found["boxes"] == []
    assert found["error"]
    assert found["made"]["weights_sha256"]


def test_picture_that_declares_20000_px_a_side_is_refused():
    declared = draw_picture()[:16] + struct.pack(">II", 20_000, 20_000) + draw_picture()[24:]
    assert "at most 4096 a side" in json.loads(answer(declared))["error"]


def test_failure_of_the_network_is_answered_with_an_error_record():
    class Broken:
        def detect_all(self, _picture):
            raise MemoryError("no memory")

    assert json.loads(inference.predict_fn(draw_picture(), Broken()))["error"] == "MemoryError: no memory"


def test_transform_predicts_all_pictures_of_a_folder(tmp_path):
    for number in range(4):
        path = tmp_path / "candidates" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(draw_picture(number))
    (tmp_path / "candidates" / "broken.png").write_bytes(b"broken")
    assert transform(tmp_path / "candidates", tmp_path / "predictions", concurrency=3) == 5
    written = {path.name: path.read_bytes() for path in (tmp_path / "predictions").iterdir()}
    assert written == {
        f"{name}.png.out": answer((tmp_path / "candidates" / f"{name}.png").read_bytes())
        for name in (0, 1, 2, 3, "broken")
    }
