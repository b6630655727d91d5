"""The detect step: what it reads, and the predictions that it writes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.box import Box, Detections
from mars_aurora.detect import threshold
from mars_aurora.detect.candidate import Candidate
from mars_aurora.geometry import canvas
from mars_aurora.picture import heatmap, png
from mars_aurora.picture.picture import Picture
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.messages import DetectRequest, DetectResult
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.detect import StoredCandidate, detect, detect_one

KEYS = RunKeys("r")
NAME = "x.fits"
AURORA = Box("aurora", 0.9, 1, 2, 3, 4)


class CountingStorage(FolderStorage):
    """A folder that lists the keys it was read from."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read: list[str] = []

    def get(self, key: str) -> bytes:
        self.read.append(key)
        return super().get(key)


@pytest.fixture(scope="module")
def files(broad_aurora, tmp_path_factory) -> dict[str, bytes]:
    """The picture and the geometry of a candidate, by key."""
    path = tmp_path_factory.mktemp("detect") / NAME
    path.write_bytes(broad_aurora.to_fits())
    observation = readers.read(path, NAME)
    fitted = canvas.fit(observation)
    return {
        KEYS.candidate(NAME): png.write(heatmap.draw(observation, fitted)),
        KEYS.geometry(NAME): canvas.pack_geometry(observation, fitted),
    }


@pytest.fixture
def work(tmp_path, files) -> CountingStorage:
    storage = CountingStorage(tmp_path)
    for key, data in files.items():
        storage.put(key, data)
    return storage


def _by_picture(candidate: Candidate) -> Detections:
    """Use the picture alone, twice, as a network does."""
    picture = candidate.picture
    assert candidate.picture is picture
    return Detections((AURORA,), sza_missing=picture.sza_coefficients is None)


def _prediction(work: FolderStorage) -> dict:
    return json.loads(work.get(KEYS.prediction(NAME)))


def test_detector_that_uses_only_the_picture_reads_only_the_picture(work):
    assert detect_one(KEYS, NAME, work, _by_picture) == 1
    assert work.read == [KEYS.prediction(NAME), KEYS.candidate(NAME)]


def test_detector_that_uses_only_the_observation_reads_only_the_geometry(work, files):
    assert detect_one(KEYS, NAME, work, threshold.detect) >= 2
    assert work.read == [KEYS.prediction(NAME), KEYS.geometry(NAME)]
    observation, fitted = canvas.unpack_geometry(files[KEYS.geometry(NAME)])
    boxes = [Box(**box) for box in _prediction(work)["boxes"]]
    assert boxes == threshold.find(observation, fitted)


def test_geometry_is_read_once(work):
    candidate = StoredCandidate(KEYS, NAME, work)
    assert work.read == []
    assert candidate.observation.shape == candidate.canvas.x.shape
    assert candidate.observation is candidate.observation
    assert work.read == [KEYS.geometry(NAME)]


def test_prediction_reports_missing_sza_only_where_it_is_missing(work, files):
    detect_one(KEYS, NAME, work, _by_picture)
    assert _prediction(work).keys() == {"boxes"}
    work.delete(KEYS.prediction(NAME))
    picture = replace(png.read(files[KEYS.candidate(NAME)]), sza_coefficients=None)
    work.put(KEYS.candidate(NAME), png.write(picture))
    detect_one(KEYS, NAME, work, _by_picture)
    assert _prediction(work)["sza_missing"] is True


def test_candidate_with_a_prediction_is_not_read(work):
    detect_one(KEYS, NAME, work, _by_picture)
    work.read.clear()
    assert detect_one(KEYS, NAME, work, _by_picture) == 1
    assert work.read == [KEYS.prediction(NAME)]


def test_damaged_picture_becomes_an_error_record(work):
    work.put(KEYS.candidate(NAME), b"damaged")
    assert detect_one(KEYS, NAME, work, _by_picture) == 0
    assert _prediction(work) == {"boxes": [], "error": "ValueError: the picture is not a PNG"}


def test_missing_candidate_is_an_error(work):
    with pytest.raises(KeyError, match=r"candidates/y\.fits"):
        detect_one(KEYS, "y.fits", work, _by_picture)
    assert work.size(KEYS.prediction("y.fits")) is None


def test_all_candidates_or_one_are_detected(work):
    work.put(KEYS.candidate("y.fits"), png.write(Picture(np.ones((480, 640), np.uint8))))
    for name in (NAME, "y.fits"):
        work.put(KEYS.record(name), Record(name, Outcome.CANDIDATE).to_json())
    assert detect(DetectRequest("r", "y.fits"), work, _by_picture) == DetectResult("r", 1, 1)
    assert work.list(KEYS.predictions) == [KEYS.prediction("y.fits")]
    assert detect(DetectRequest("r"), work, _by_picture) == DetectResult("r", 2, 2)
    assert work.list(KEYS.predictions) == [KEYS.prediction(NAME), KEYS.prediction("y.fits")]
