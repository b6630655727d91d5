"""The steps on a folder, with real files, and detectors written for the test."""

import json
from pathlib import Path

import pytest

from mars_aurora.box import Box
from mars_aurora.detect.detectors import Detector
from mars_aurora.errors import TransientError
from mars_aurora.run.keys import RunKeys, is_fits
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.messages import (
    CatalogueRequest,
    ClassifyRequest,
    DetectRequest,
    PreprocessRequest,
    PreprocessResult,
    TallyRequest,
)
from mars_aurora.run.records import list_inputs
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.catalogue import catalogue
from mars_aurora.steps.classify import classify
from mars_aurora.steps.detect import detect
from mars_aurora.steps.preprocess import preprocess
from mars_aurora.steps.tally import tally

KEYS = RunKeys("r")
OLD = "emm_emu_l2b_20220331t212107_0191_os2_sw1of1_r_v01-04.fits"
NEW = "emm_emu_l2b_20220331t212107_0191_os2_sw1of1_f_v02-00.fits"
EVERYTHING = [Box("mars", 1.0, 150, 60, 490, 400), Box("aurora", 0.9, 150, 60, 490, 400)]


@pytest.fixture
def inputs(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "inputs")


@pytest.fixture
def work(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "work")


@pytest.fixture(scope="module")
def sound(broad_aurora) -> bytes:
    return broad_aurora.to_fits()


def _preprocess(name: str, inputs: FolderStorage, work: FolderStorage) -> PreprocessResult:
    return preprocess(PreprocessRequest("r", "bucket", f"b/{name}", name), inputs, work)


def _take_all(inputs: FolderStorage, work: FolderStorage, detector: Detector):
    """Run all steps, as the workflow would, with every usable image a candidate."""
    for name in filter(is_fits, list_inputs(inputs, "b/")):
        if _preprocess(name, inputs, work).usable:
            classify(ClassifyRequest("r", name, min_objects=1), work)
    counts = tally(TallyRequest("r", "bucket", "b/"), inputs, work)
    detect(DetectRequest("r"), work, detector)
    return counts, catalogue(CatalogueRequest("r", "bucket", "b/"), inputs, work, work)


def _find_everything(_png: bytes, _geometry: bytes) -> list[Box]:
    return EVERYTHING


def _find_nothing(_png: bytes, _geometry: bytes) -> list[Box]:
    return []


def _fail(_png: bytes, _geometry: bytes) -> list[Box]:
    raise ArithmeticError("no such luck")


def _record(work: FolderStorage, name: str) -> Record:
    return Record.from_json(work.get(KEYS.record(name)))


def _ledger(work: FolderStorage) -> str:
    return work.get(KEYS.product("ledger.csv")).decode()


def test_bad_input_becomes_a_recorded_outcome_and_is_not_done_again(inputs, work, sound):
    inputs.put("b/x.fits", b"text")
    first = _preprocess("x.fits", inputs, work)
    assert (first.usable, first.reason) == (False, "not_fits")
    assert _record(work, "x.fits").outcome is Outcome.REJECTED
    inputs.put("b/x.fits", sound)
    assert _preprocess("x.fits", inputs, work) == first


def test_infrastructure_errors_pass_through_to_be_retried(work):
    class Throttled(FolderStorage):
        def local_file(self, key):
            raise TransientError(key)

    with pytest.raises(TransientError):
        _preprocess("x.fits", Throttled(Path()), work)
    assert work.list("") == []


def test_enough_objects_make_a_candidate_too_few_a_discarded_image(inputs, work, sound):
    for name in ("a.fits", "b.fits"):
        inputs.put(f"b/{name}", sound)
        assert _preprocess(name, inputs, work).usable
    found = classify(ClassifyRequest("r", "a.fits", min_objects=1), work).objects
    assert found >= 2
    classify(ClassifyRequest("r", "b.fits", min_objects=found + 1), work)
    assert work.list(KEYS.candidates) == [KEYS.candidate("a.fits")]
    assert _record(work, "a.fits") == Record("a.fits", Outcome.CANDIDATE, objects=found)
    assert _record(work, "b.fits") == Record("b.fits", Outcome.DISCARDED, "too_few_objects", found)


def test_a_recorded_failure_is_tried_again(inputs, work, sound):
    inputs.put("b/x.fits", sound)
    work.put(KEYS.record("x.fits"), Record("x.fits", Outcome.FAILED, "worker_died").to_json())
    tally, _ = _take_all(inputs, work, _find_nothing)
    assert tally.counts["candidate"] == 1


def test_an_illegible_record_is_as_good_as_none(inputs, work, sound):
    inputs.put("b/x.fits", sound)
    work.put(KEYS.record("x.fits"), b"")
    tally, _ = _take_all(inputs, work, _find_nothing)
    assert tally.counts["candidate"] == 1


def test_auroras_are_measured_and_their_images_put_among_the_detections(inputs, work, sound):
    inputs.put("b/x.fits", sound)
    inputs.put("b/notes.txt", b"")
    inputs.put("b/_READY", b"")
    tally, result = _take_all(inputs, work, _find_everything)
    assert (tally.listed, tally.candidates) == (2, 1)
    assert (result.listed, result.auroras) == (2, 1)
    assert {outcome: count for outcome, count in result.counts.items() if count} == {"aurora": 1, "ignored": 1}
    assert work.get(KEYS.detection("x.fits")) == work.get(KEYS.image("x.fits"))
    assert json.loads(work.get(KEYS.prediction("x.fits")))["boxes"][1]["label"] == "aurora"


def test_an_image_without_boxes_is_no_aurora(inputs, work, sound):
    inputs.put("b/x.fits", sound)
    _, result = _take_all(inputs, work, _find_nothing)
    assert result.counts["no_aurora"] == 1
    assert work.list(KEYS.detections) == []


def test_a_detector_that_fails_costs_one_image_and_is_asked_again(inputs, work, sound):
    inputs.put("b/x.fits", sound)
    _, result = _take_all(inputs, work, _fail)
    assert result.counts["failed"] == 1
    assert "not_detected" in _ledger(work)
    assert "ArithmeticError: no such luck" in _ledger(work)
    _, result = _take_all(inputs, work, _find_everything)
    assert result.counts["aurora"] == 1


def test_what_is_detected_is_not_detected_again(inputs, work, sound):
    inputs.put("b/x.fits", sound)
    _take_all(inputs, work, _find_everything)
    _, result = _take_all(inputs, work, _fail)
    assert result.counts["aurora"] == 1


@pytest.mark.parametrize(
    "damage",
    [
        (KEYS.prediction("x.fits"), None, "missing_object"),
        (KEYS.prediction("x.fits"), b"<html>", "not_detected"),
        (KEYS.prediction("x.fits"), b'{"boxes": [{"x": 1}]}', "not_detected"),
        (KEYS.prediction("x.fits"), b'{"error": "too large", "boxes": []}', "not_detected"),
        (KEYS.geometry("x.fits"), None, "missing_object"),
        (KEYS.geometry("x.fits"), b"cut", "not_measured"),
    ],
)
def test_what_is_lost_or_spoilt_on_the_way_is_a_failure_of_that_input_alone(inputs, work, sound, damage):
    key, data, reason = damage
    for name in ("x.fits", "y.fits"):
        inputs.put(f"b/{name}", sound)
    _take_all(inputs, work, _find_everything)
    work.delete(key)
    if data is not None:
        work.put(key, data)
    result = catalogue(CatalogueRequest("r", "bucket", "b/"), inputs, work, work)
    assert (result.counts["failed"], result.counts["aurora"]) == (1, 1)
    assert f"x.fits,failed,{reason}," in _ledger(work)


def test_a_newer_version_takes_the_place_of_the_older_and_gives_it_back(inputs, work, sound):
    inputs.put(f"b/{OLD}", sound)
    _take_all(inputs, work, _find_everything)
    inputs.put(f"b/{NEW}", sound)
    tally, result = _take_all(inputs, work, _find_everything)
    assert (tally.candidates, result.counts["superseded"], result.auroras) == (1, 1, 1)
    assert work.list(KEYS.candidates) == [KEYS.candidate(NEW)]
    assert work.list(KEYS.detections) == [KEYS.detection(NEW)]
    inputs.delete(f"b/{NEW}")
    _, result = _take_all(inputs, work, _find_everything)
    assert result.counts["aurora"] == 1
    assert work.list(KEYS.detections) == [KEYS.detection(OLD)]


def test_what_was_listed_and_has_no_record_is_a_failure(inputs, work):
    inputs.put("b/x.fits", b"text")
    result = catalogue(CatalogueRequest("r", "bucket", "b/"), inputs, work, work)
    assert result.counts["failed"] == 1
    assert "x.fits,failed,no_record," in _ledger(work)
