"""The tally step: which candidates are to be detected, and where."""

import json
from pathlib import Path

import pytest
from whole_run import count_nothing

from mars_aurora.box import Detections
from mars_aurora.detect.detectors import DetectorName, describe_detector
from mars_aurora.run import predictions
from mars_aurora.run.detection import Detection, choose_path
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Origin, Outcome, Record
from mars_aurora.run.messages import TallyRequest
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.tally import collect_predictions, tally

KEYS = RunKeys("r")
NETWORK = describe_detector(DetectorName.YOLO)
SETTINGS = Settings("work-bucket", "detections", DetectorName.YOLO, cleaning=True)
REQUEST = TallyRequest("r", "bucket", "b/")
NAMES = ["2022/b.fits", "a.fits", "c.fits.gz"]
DONE = {"Status": "Completed"}
DESCRIBED = '{"TransformJobStatus": "Failed", "FailureReason": "AlgorithmError: it ended"}'


@pytest.fixture
def inputs(tmp_path: Path) -> FolderStorage:
    storage = FolderStorage(tmp_path / "inputs")
    for name in NAMES:
        storage.put(f"b/{name}", b"FITS")
    return storage


@pytest.fixture
def work(tmp_path: Path) -> FolderStorage:
    """Three candidates."""
    storage = FolderStorage(tmp_path / "work")
    for name in NAMES:
        storage.put(KEYS.record(name), _record(name).to_json())
        storage.put(KEYS.image(name), name.encode())
    return storage


def _record(name: str) -> Record:
    origin = Origin(image_sha256=f"sha256 of {name}", products={"image": len(name)})
    return Record(name, Outcome.CANDIDATE, objects=2, origin=origin)


def _predict(work: FolderStorage, name: str, key: str = "") -> None:
    made = predictions.describe(_record(name), NETWORK)
    work.put(key or KEYS.prediction(name, NETWORK.folder), predictions.to_json(Detections(()), made))


def _listed(work: FolderStorage) -> list[str]:
    return [json.loads(line)["name"] for line in work.get(KEYS.items("undetected")).splitlines()]


def test_manifest_has_the_candidates_without_a_prediction(inputs, work):
    result = tally(REQUEST, inputs, work, SETTINGS, count_nothing)
    assert (result.listed, result.candidates, result.undetected) == (3, 3, 3)
    assert (result.detect_on, result.detected) == ("sagemaker", "on SageMaker: 3 candidates")
    assert result.predictions == NETWORK.weights_sha256
    manifest = json.loads(work.get(KEYS.transform_manifest))
    assert manifest[0] == {"prefix": "s3://work-bucket/runs/r/candidates/"}
    assert [KEYS.candidates + name for name in manifest[1:]] == [KEYS.candidate(name) for name in NAMES]
    assert _listed(work) == NAMES

    _predict(work, "a.fits")
    again = tally(REQUEST, inputs, work, SETTINGS, count_nothing)
    assert (again.candidates, again.undetected) == (3, 2)
    assert len(json.loads(work.get(KEYS.transform_manifest))) == 3
    assert _listed(work) == ["2022/b.fits", "c.fits.gz"]


def test_error_records_and_predictions_of_other_pictures_or_weights_are_not_predictions(inputs, work):
    made = predictions.describe(_record("a.fits"), NETWORK)
    work.put(KEYS.prediction("a.fits", NETWORK.folder), predictions.error_to_json("failed", made))
    _predict(work, "2022/b.fits", KEYS.prediction("c.fits.gz", NETWORK.folder))
    _predict(work, "2022/b.fits", KEYS.prediction("2022/b.fits", "other-weights"))
    assert tally(REQUEST, inputs, work, SETTINGS, count_nothing).undetected == 3


@pytest.mark.parametrize("layout", ["", "candidates/", "runs/r/candidates/"])
def test_outputs_of_a_transform_job_are_found_by_their_base_name(inputs, work, layout):
    folder = KEYS.predictions_by(NETWORK.folder)
    tally(REQUEST, inputs, work, SETTINGS, count_nothing)
    for name in NAMES:
        _predict(work, name, f"{folder}{layout}{KEYS.candidate(name).removeprefix(KEYS.candidates)}.out")
    request = TallyRequest("r", "bucket", "b/", transform=DONE, detected="on SageMaker: 3 candidates")
    result = tally(request, inputs, work, SETTINGS, count_nothing)
    assert (result.undetected, result.detect_on, result.detected) == (0, "none", request.detected)
    assert work.list(folder) == sorted(KEYS.prediction(name, NETWORK.folder) for name in NAMES)


def test_new_output_takes_the_place_of_an_old_prediction(work):
    key = KEYS.prediction("a.fits", NETWORK.folder)
    work.put(key, b"old")
    work.put(KEYS.predictions_by(NETWORK.folder) + "candidates/" + key.rpartition("/")[2], b"new")
    collect_predictions(work, KEYS, NETWORK.folder)
    assert work.get(key) == b"new"
    assert work.list(KEYS.predictions) == [key]


def test_outputs_that_a_transform_job_left_out_are_listed_for_lambda(inputs, work):
    tally(REQUEST, inputs, work, SETTINGS, count_nothing)
    _predict(work, "a.fits")
    result = tally(TallyRequest("r", "bucket", "b/", transform=DONE), inputs, work, SETTINGS, count_nothing)
    assert (result.undetected, result.detect_on) == (2, "lambda")
    assert _listed(work) == ["2022/b.fits", "c.fits.gz"]


@pytest.mark.parametrize(
    ("changed", "undetected", "path", "said"),
    [
        ({}, 1, "sagemaker", "on SageMaker: 1 candidate"),
        ({}, 0, "none", "all with a prediction"),
        ({"detect_on_lambda_up_to": 5}, 5, "lambda", "up to 5 are detected there"),
        ({"detect_on_lambda_up_to": 5}, 6, "sagemaker", "6 candidates"),
        ({"prefix": "live/x.fits.gz"}, 1, "lambda", "a single file"),
        ({"no_transform": "no image"}, 9, "lambda", "on Lambda: no image"),
        ({"no_transform": "no image"}, 0, "none", "all with a prediction"),
        ({"transform": DONE, "detected": "on SageMaker: 5"}, 0, "none", "on SageMaker: 5"),
        ({"transform": DONE, "detected": "on SageMaker: 5"}, 2, "lambda", "on SageMaker: 5; 2 candidates left, and"),
        ({"transform": {"Error": "States.TaskFailed", "Cause": DESCRIBED}}, 9, "lambda", "AlgorithmError: it ended"),
        (
            {"transform": {"Error": "States.TaskFailed", "Cause": '{"TransformJobStatus": "Stopped"}'}},
            9,
            "lambda",
            "Stopped",
        ),
        (
            {"transform": {"Error": "States.TaskFailed", "Cause": "not JSON"}},
            0,
            "none",
            "failed: States.TaskFailed: not JSON",
        ),
        ({"transform": {"Error": "SageMaker.ResourceLimitExceededException", "Cause": "0"}}, 9, "lambda", "quota"),
        ({"transform": {"Error": "States.Timeout"}}, 1, "lambda", "took longer than its time limit (States.Timeout);"),
    ],
)
def test_path_and_its_reason(changed, undetected, path, said):
    request = TallyRequest(**{"run_id": "r", "bucket": "b", "prefix": "incoming/a/"} | changed)
    chosen, reason = choose_path(request, 10, undetected)
    assert chosen is Detection(path)
    assert said in reason


def test_run_without_candidates_says_so():
    assert choose_path(TallyRequest("r", "b", "incoming/a/"), 0, 0) == (Detection.NONE, "no detection: no candidates")


def test_cause_of_any_length_and_form_is_shortened():
    for cause in ("x" * 9000, '{"FailureReason": null}', "[]", "null"):
        request = TallyRequest("r", "b", "a/", transform={"Error": "E", "Cause": cause})
        assert len(choose_path(request, 1, 1)[1]) < 500
