"""The detect step: what it reads, and the predictions that it writes."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from mars_aurora import readers
from mars_aurora.box import Box, Detections
from mars_aurora.detect import threshold
from mars_aurora.detect.candidate import Candidate
from mars_aurora.detect.detectors import DetectorName, DetectorVersion
from mars_aurora.geometry import canvas
from mars_aurora.picture import heatmap, png
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Origin, Outcome, Record
from mars_aurora.run.messages import DetectRequest, DetectResult
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.detect import StoredCandidate, detect, detect_one

KEYS = RunKeys("r")
NAME = "x.fits"
NETWORK, THRESHOLD = DetectorVersion(DetectorName.YOLO, "weights"), DetectorVersion(DetectorName.THRESHOLD)
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
    picture = png.write(heatmap.draw(observation, fitted))
    return {
        KEYS.candidate(NAME): picture,
        KEYS.geometry(NAME): canvas.pack_geometry(observation, fitted),
        KEYS.record(NAME): _record(NAME, picture).to_json(),
    }


def _record(name: str, picture: bytes, read: str = "stamp") -> Record:
    origin = Origin(read=read, image_sha256=hashlib.sha256(picture).hexdigest(), products={"image": len(picture)})
    return Record(name, Outcome.CANDIDATE, objects=2, origin=origin)


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


def _prediction(work: FolderStorage, detector: str = "weights") -> dict:
    return json.loads(work.get(KEYS.prediction(NAME, detector)))


def test_detector_that_uses_only_the_picture_reads_only_the_picture(work):
    assert detect_one(KEYS, NAME, work, _by_picture, NETWORK) == 1
    assert work.read == [KEYS.record(NAME), KEYS.prediction(NAME, "weights"), KEYS.candidate(NAME)]


def test_detector_that_uses_only_the_observation_reads_only_the_geometry(work, files):
    assert detect_one(KEYS, NAME, work, threshold.detect, THRESHOLD) >= 2
    assert work.read == [KEYS.record(NAME), KEYS.prediction(NAME, "threshold"), KEYS.geometry(NAME)]
    observation, fitted = canvas.unpack_geometry(files[KEYS.geometry(NAME)])
    boxes = [Box(**box) for box in _prediction(work, "threshold")["boxes"]]
    assert boxes == threshold.find(observation, fitted)


def test_geometry_is_read_once(work):
    candidate = StoredCandidate(KEYS, NAME, work)
    assert work.read == []
    assert candidate.observation.shape == candidate.canvas.x.shape
    assert candidate.observation is candidate.observation
    assert work.read == [KEYS.geometry(NAME)]


def test_prediction_reports_missing_sza_only_where_it_is_missing(work, files):
    detect_one(KEYS, NAME, work, _by_picture, NETWORK)
    assert _prediction(work).keys() == {"boxes", "made"}
    work.delete(KEYS.prediction(NAME, "weights"))
    picture = replace(png.read(files[KEYS.candidate(NAME)]), sza_coefficients=None)
    work.put(KEYS.candidate(NAME), png.write(picture))
    detect_one(KEYS, NAME, work, _by_picture, NETWORK)
    assert _prediction(work)["sza_missing"] is True


def test_candidate_with_a_prediction_is_not_read(work):
    detect_one(KEYS, NAME, work, _by_picture, NETWORK)
    work.read.clear()
    assert detect_one(KEYS, NAME, work, _by_picture, NETWORK) == 1
    assert work.read == [KEYS.record(NAME), KEYS.prediction(NAME, "weights")]


@pytest.mark.parametrize("version", [DetectorVersion(DetectorName.YOLO, "other weights"), THRESHOLD])
def test_other_weights_or_another_detector_detect_again(work, version):
    detect_one(KEYS, NAME, work, _by_picture, NETWORK)
    assert detect_one(KEYS, NAME, work, lambda _: Detections(()), version) == 0
    assert _prediction(work, version.folder)["made"]["weights_sha256"] == version.weights_sha256
    assert len(_prediction(work)["boxes"]) == 1, "the predictions of the first remain"


def test_prediction_by_other_weights_in_the_folder_of_a_run_is_made_again(work):
    detect_one(KEYS, NAME, work, _by_picture, NETWORK)
    other = DetectorVersion(DetectorName.YOLO, "other weights")
    assert detect_one(KEYS, NAME, work, lambda _: Detections(()), other, folder="weights") == 0
    assert _prediction(work)["made"]["weights_sha256"] == "other weights"


@pytest.mark.parametrize("prediction", [b"", b'{"boxes": []}', b"[]"])
def test_damaged_prediction_or_one_of_an_earlier_version_is_made_again(work, prediction):
    work.put(KEYS.prediction(NAME, "weights"), prediction)
    assert detect_one(KEYS, NAME, work, _by_picture, NETWORK) == 1


def test_picture_that_changed_is_detected_again(work, files):
    detect_one(KEYS, NAME, work, _by_picture, NETWORK)
    work.put(KEYS.record(NAME), _record(NAME, b"another picture").to_json())
    assert detect_one(KEYS, NAME, work, lambda _: Detections(()), NETWORK) == 0


def test_new_geometry_is_detected_again_by_the_detector_that_uses_it(work, files):
    detect_one(KEYS, NAME, work, _by_picture, NETWORK)
    work.put(KEYS.record(NAME), _record(NAME, files[KEYS.candidate(NAME)], "new stamp").to_json())
    assert detect_one(KEYS, NAME, work, lambda _: Detections(()), NETWORK) == 1
    detect_one(KEYS, NAME, work, _by_picture, THRESHOLD)
    work.put(KEYS.record(NAME), _record(NAME, files[KEYS.candidate(NAME)], "newer stamp").to_json())
    assert detect_one(KEYS, NAME, work, lambda _: Detections(()), THRESHOLD) == 0


def test_damaged_picture_becomes_an_error_record(work):
    work.put(KEYS.candidate(NAME), b"damaged")
    assert detect_one(KEYS, NAME, work, _by_picture, NETWORK) == 0
    assert _prediction(work)["boxes"] == []
    assert _prediction(work)["error"] == "ValueError: the picture is not a PNG"


def test_missing_candidate_is_an_error(work):
    with pytest.raises(KeyError, match=r"candidates/[0-9a-f]{32}\.png"):
        detect_one(KEYS, "y.fits", work, _by_picture, NETWORK)
    assert work.size(KEYS.prediction("y.fits", "weights")) is None


def test_one_candidate_is_detected_into_its_folder_or_that_of_the_run(work):
    assert detect(DetectRequest("r", NAME), work, _by_picture, NETWORK) == DetectResult("r", NAME, 1)
    assert detect(DetectRequest("r", NAME, "of-the-run"), work, _by_picture, NETWORK).boxes == 1
    assert work.list(KEYS.predictions) == [KEYS.prediction(NAME, "of-the-run"), KEYS.prediction(NAME, "weights")]
