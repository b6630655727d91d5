"""Pictures that other programs saved again have the same levels, and the same boxes where the text was kept."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mars_aurora.detect import yolo
from mars_aurora.detect.detectors import DetectorName, describe_detector
from mars_aurora.picture import png
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.messages import DetectRequest
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.detect import detect
from mars_aurora_model import dataset
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

PICTURES = 120


def save_by_pillow(original: bytes, mode: str) -> bytes:
    """Save again as another mode, with the text that the picture had."""
    stream, info = io.BytesIO(), PngInfo()
    with Image.open(io.BytesIO(original)) as image:
        image.load()
        for keyword, text in image.text.items():
            info.add_text(keyword, text)
        (image if mode == "P" else image.convert(mode)).save(stream, "png", pnginfo=info)
    return stream.getvalue()


def save_by_opencv(original: bytes) -> bytes:
    pixels = cv2.imdecode(np.frombuffer(original, np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.imencode(".png", pixels)[1].tobytes()


RESAVE: dict[str, Callable[[bytes], bytes]] = {
    "palette": lambda original: save_by_pillow(original, "P"),
    "RGB": lambda original: save_by_pillow(original, "RGB"),
    "RGBA": lambda original: save_by_pillow(original, "RGBA"),
    "OpenCV": save_by_opencv,
}
KEEPS_TEXT = {"palette", "RGB", "RGBA"}


@pytest.fixture(scope="module")
def pictures(small_world: World) -> list[bytes]:
    made: list[bytes] = []
    for index in range(2 * PICTURES):
        simulated = observe(small_world, 44, index)
        try:
            made.append(dataset.preprocess(simulated.plain_name, simulated.to_fits())[0])
        except KeyError:
            continue
        if len(made) == PICTURES:
            break
    return made


@pytest.mark.slow
def test_levels_and_boxes_of_resaved_pictures_are_identical(pictures: list[bytes]):
    assert len(pictures) == PICTURES
    network = yolo.load()
    boxes = 0
    for original in pictures:
        read = png.read(original)
        expected = network.detect_all(read)
        boxes += len(expected.boxes)
        assert read.sza_coefficients is not None
        for name, resave in RESAVE.items():
            again = png.read(resave(original))
            assert np.array_equal(again.levels, read.levels), name
            found = network.detect_all(again)
            assert found.sza_missing is (name not in KEEPS_TEXT), name
            assert found == expected or name not in KEEPS_TEXT, name
    assert boxes > PICTURES


def test_prediction_of_a_picture_without_text_states_that_the_sza_was_missing(pictures: list[bytes], tmp_path: Path):
    keys, work = RunKeys("r"), FolderStorage(tmp_path)
    work.put(keys.candidate("kept.fits"), save_by_pillow(pictures[0], "P"))
    work.put(keys.candidate("lost.fits"), save_by_opencv(pictures[0]))
    for name in ("kept.fits", "lost.fits"):
        work.put(keys.record(name), Record(name, Outcome.CANDIDATE, objects=2).to_json())
        detect(DetectRequest("r", name), work, yolo.detect, describe_detector(DetectorName.YOLO))
    kept, lost = (
        json.loads(work.get(keys.prediction(name, describe_detector(DetectorName.YOLO).folder)))
        for name in ("kept.fits", "lost.fits")
    )
    assert "sza_missing" not in kept
    assert lost["sza_missing"] is True
    assert {box["label"] for box in lost["boxes"]} >= {"mars"}
