"""The steps on a folder, with simulated files and fake detectors."""

import json
import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from whole_run import KEYS, PROVENANCE, finish_run, settle_run

from mars_aurora.box import Box, Detections
from mars_aurora.detect.candidate import Candidate
from mars_aurora.detect.detectors import Detector, DetectorName, DetectorVersion
from mars_aurora.errors import TransientError
from mars_aurora.geometry.canvas import unpack_geometry
from mars_aurora.readers import reading
from mars_aurora.run import predictions, stamps
from mars_aurora.run.keys import is_fits
from mars_aurora.run.ledger import Outcome, Record, settle
from mars_aurora.run.listing import LISTED, write_items
from mars_aurora.run.messages import (
    CatalogueRequest,
    ClassifyRequest,
    DetectRequest,
    PreprocessRequest,
    PreprocessResult,
)
from mars_aurora.run.predictions import Made
from mars_aurora.run.records import is_input, list_inputs, read_records
from mars_aurora.run.stamps import Reading
from mars_aurora.run.storage import FolderStorage, Version
from mars_aurora.steps.catalogue import join_slices
from mars_aurora.steps.classify import classify
from mars_aurora.steps.detect import detect
from mars_aurora.steps.measure import measure_slices
from mars_aurora.steps.preprocess import preprocess

WEIGHTS = PROVENANCE.weights_sha256
OLD = "emm_emu_l2b_20220331t212107_0191_os2_sw1of1_r_v01-04.fits"
NEW = "emm_emu_l2b_20220331t212107_0191_os2_sw1of1_f_v02-00.fits"
PRODUCTS = ("image", "geometry", "exposure")
MARS, DISK_WIDE = Box("mars", 1.0, 150, 60, 490, 400), Box("aurora", 0.9, 150, 60, 490, 400)


@pytest.fixture(scope="module")
def content(broad_aurora) -> bytes:
    return broad_aurora.to_fits()


@pytest.fixture(scope="module")
def other_content(night_swath) -> bytes:
    """A file of another observation."""
    return night_swath.to_fits()


def _preprocess(name: str, inputs: FolderStorage, work: FolderStorage, again: str = "") -> PreprocessResult:
    return preprocess(PreprocessRequest("r", "bucket", f"b/{name}", name, again=again), inputs, work)


def _run_all(inputs: FolderStorage, work: FolderStorage, detector: Detector, again: str = "", weights: str = WEIGHTS):
    """Run all steps as the workflow does, with every usable picture a candidate."""
    for name in filter(is_fits, list_inputs(inputs, "b/")):
        if _preprocess(name, inputs, work, again).usable:
            classify(ClassifyRequest("r", name, min_objects=1), work)
    version = DetectorVersion(DetectorName.YOLO, weights)
    counts = settle_run(inputs, work)
    _detect_all(work, detector, version)
    return counts, finish_run(work, version.folder)


def _detect_all(work: FolderStorage, detector: Detector, version: DetectorVersion) -> None:
    for line in work.get(KEYS.items("candidates")).splitlines():
        detect(DetectRequest("r", json.loads(line)["name"]), work, detector, version)


def _find_aurora(_candidate: Candidate) -> Detections:
    return Detections((MARS, DISK_WIDE))


def _find_aurora_in_x(candidate: Candidate) -> Detections:
    return Detections((MARS, DISK_WIDE) if candidate.observation.facts.name == "x.fits" else ())


def _find_only_mars(_candidate: Candidate) -> Detections:
    return Detections((MARS,))


def _find_nothing(_candidate: Candidate) -> Detections:
    return Detections(())


def _fail(_candidate: Candidate) -> Detections:
    raise ArithmeticError("failure of the detector")


def _record(work: FolderStorage, name: str) -> Record:
    return Record.from_json(work.get(KEYS.record(name)))


def _ledger(work: FolderStorage) -> str:
    return work.get(KEYS.product("ledger.csv")).decode()


def test_record_has_the_perspective_of_the_middle_of_the_scan(inputs, work, content):
    inputs.put("b/x.fits", content)
    _preprocess("x.fits", inputs, work)
    observation, _ = unpack_geometry(work.get(KEYS.geometry("x.fits")))
    row, perspective = observation.shape[0] // 2, _record(work, "x.fits").perspective
    assert perspective is not None
    assert perspective.sub_spacecraft_lon_deg == observation.sub_spacecraft_longitude_deg[row]
    assert perspective.sub_solar_lat_deg == observation.sub_solar_latitude_deg[row]


def test_bad_input_is_recorded_as_rejected_and_not_read_again(inputs, work, monkeypatch):
    inputs.put("b/x.fits", b"text")
    first = _preprocess("x.fits", inputs, work)
    assert (first.usable, first.record["reason"]) == (False, "not_fits")
    assert _record(work, "x.fits").outcome is Outcome.REJECTED
    monkeypatch.setattr("mars_aurora.readers.reading.unpack", None)
    written = work.version(KEYS.record("x.fits"))
    assert _preprocess("x.fits", inputs, work) == first
    assert work.version(KEYS.record("x.fits")) == written


def test_file_is_cleaned_unless_not_wanted_and_read_again_when_that_changes(inputs, work, content):
    inputs.put("b/x.fits", content)
    request = PreprocessRequest("r", "bucket", "b/x.fits", "x.fits")
    stamps = []
    for settings in (Reading(), Reading(cleaning=False), Reading()):
        assert preprocess(request, inputs, work, settings).usable
        observation, _ = unpack_geometry(work.get(KEYS.geometry("x.fits")))
        assert bool(observation.facts.cleaning) == settings.cleaning
        assert _record(work, "x.fits").flags == observation.facts.notes
        stamps.append(_record(work, "x.fits").origin.read)
    assert stamps[0] == stamps[2] != stamps[1]


def test_rejected_file_that_is_replaced_is_read(inputs, work, content):
    inputs.put("b/x.fits", content[:9000])
    assert _preprocess("x.fits", inputs, work).record["reason"] == "truncated"
    inputs.put("b/x.fits", content)
    assert _preprocess("x.fits", inputs, work).usable


def test_usable_file_that_is_replaced_by_a_bad_one_is_rejected(inputs, work, content):
    inputs.put("b/x.fits", content)
    _run_all(inputs, work, _find_aurora)
    inputs.put("b/x.fits", content[:9000])
    _, result = _run_all(inputs, work, _find_aurora)
    assert (result.counts["rejected"], result.auroras) == (1, 0)
    assert work.list(KEYS.candidates) == work.list(KEYS.detections) == []


def test_file_with_other_times_but_equal_content_is_not_read_again(inputs, work, content, monkeypatch):
    inputs.put("b/x.fits", content)
    _run_all(inputs, work, _find_nothing)
    before = _record(work, "x.fits")
    inputs.put("b/x.fits", content)
    monkeypatch.setattr("mars_aurora.readers.reading.unpack", None)
    _preprocess("x.fits", inputs, work)
    after = _record(work, "x.fits")
    assert after.origin.version == inputs.version("b/x.fits") != before.origin.version
    assert replace(after, origin=before.origin) == before


@pytest.mark.parametrize("stage", ["read", "picture", "classify", "detect", "measure"])
def test_new_result_version_makes_its_stage_and_those_after_it_again(inputs, work, content, monkeypatch, stage):
    inputs.put("b/x.fits", content)
    _run_all(inputs, work, _find_aurora)
    before = _products(work)
    monkeypatch.setitem(stamps.RESULT_VERSIONS, stage, 99)
    _run_all(inputs, work, _find_aurora)
    again = {key for key, version in _products(work).items() if version != before[key]}
    wanted = {
        "read": {"images", "geometry", "exposure", "candidates", "measured", "native"},
        "picture": {"images", "geometry", "exposure", "candidates", "measured", "native"},
        "classify": {"candidates"},
        "detect": {"predictions", "measured", "native"},
        "measure": {"measured", "native"},
    }
    assert again == wanted[stage]


def _products(work: FolderStorage) -> dict[str, Version]:
    """The version of the only file in each folder of the run; records are written each time."""
    keys = [key for key in work.list("runs/r/") if key.count("/") > 2 and "/map/" not in key]
    return {key.split("/")[2]: work.version(key) for key in keys if "/ledger/" not in key and "/detections/" not in key}


def test_new_weights_detect_again_and_do_not_read_again(inputs, work, content):
    inputs.put("b/x.fits", content)
    _run_all(inputs, work, _find_aurora, weights="a")
    before = _products(work)
    _, result = _run_all(inputs, work, _find_nothing, weights="b")
    assert result.counts["no_aurora"] == 1
    assert {key for key, version in _products(work).items() if version != before[key]} == {"predictions", "measured"}


def test_other_min_objects_count_again(inputs, work, content):
    inputs.put("b/x.fits", content)
    _run_all(inputs, work, _find_aurora)
    classify(ClassifyRequest("r", "x.fits", min_objects=99), work)
    assert _record(work, "x.fits").outcome is Outcome.DISCARDED
    settled = settle_run(inputs, work)
    assert (settled.candidates, work.list(KEYS.candidates)) == (0, [])


@pytest.mark.parametrize("damage", [None, b"", b"cut"])
@pytest.mark.parametrize("product", [*PRODUCTS, "candidate", "prediction", "measured", "detection"])
def test_products_that_are_missing_empty_or_cut_are_made_again(inputs, work, content, product, damage):
    inputs.put("b/x.fits", content)
    _run_all(inputs, work, _find_aurora)
    key = KEYS.prediction("x.fits", WEIGHTS) if product == "prediction" else getattr(KEYS, product)("x.fits")
    before = work.get(key)
    work.delete(key)
    if damage is not None:
        work.put(key, damage)
    _, result = _run_all(inputs, work, _find_aurora)
    assert result.counts["aurora"] == 1
    assert work.get(key) == before


def test_again_reads_valid_inputs_too(inputs, work, content, monkeypatch):
    inputs.put("b/x.fits", content)
    inputs.put("b/y.fits", b"text")
    _run_all(inputs, work, _find_aurora)
    read = []
    monkeypatch.setattr(
        "mars_aurora.readers.read", lambda path, name, emission: read.append(name) or reading.read(path, name, emission)
    )
    _run_all(inputs, work, _find_nothing)
    assert read == []
    _run_all(inputs, work, _find_nothing, again="rejected")
    assert read == ["y.fits"]
    _, result = _run_all(inputs, work, _find_nothing, again="all")
    assert read == ["y.fits", "x.fits", "y.fits"]
    assert result.counts["no_aurora"] == 1


def test_input_that_changes_while_it_is_read_has_failed_and_is_retried(inputs, work, content):
    class Changing(FolderStorage):
        @contextmanager
        def local_file(self, key, version):
            with super().local_file(key, version) as path:
                yield path
                path.write_bytes(content)

    inputs.put("b/x.fits", content)
    result = _preprocess("x.fits", Changing(inputs._root), work)
    assert (result.usable, result.record["reason"]) == (False, "changed_during_run")
    assert _record(work, "x.fits").outcome is Outcome.FAILED
    assert _preprocess("x.fits", inputs, work).usable


def test_file_that_is_too_large_is_rejected_without_reading_it(inputs, work, monkeypatch):
    inputs.put("b/x.fits", b"SIMPLE  =")
    os.truncate(inputs._root / "b/x.fits", 1 << 40)  # a sparse file
    monkeypatch.setattr(FolderStorage, "local_file", None)
    assert _preprocess("x.fits", inputs, work).record["reason"] == "too_large"
    assert _preprocess("x.fits", inputs, work).record["reason"] == "too_large"


def test_input_that_vanished_has_failed_and_is_retried(inputs, work, content):
    result = _preprocess("x.fits", inputs, work)
    assert (result.usable, result.record["reason"]) == (False, "unreadable")
    inputs.put("b/x.fits", content)
    assert _preprocess("x.fits", inputs, work).usable


def test_object_that_was_replaced_since_its_listing_has_failed(inputs, work, content):
    inputs.put("b/x.fits", content)
    result = preprocess(PreprocessRequest("r", "bucket", "b/x.fits", "x.fits", etag="listed"), inputs, work)
    assert (result.usable, result.record["reason"]) == (False, "changed_during_run")


def test_infrastructure_failure_is_raised_and_not_recorded(work):
    class Throttled(FolderStorage):
        def version(self, _key):
            return Version(0)

        def local_file(self, key, _version):
            raise TransientError(key)

    with pytest.raises(TransientError):
        _preprocess("x.fits", Throttled(Path()), work)
    assert work.list("") == []


def test_picture_is_a_candidate_with_enough_objects_and_discarded_with_too_few(inputs, work, content):
    for name in ("a.fits", "b.fits"):
        inputs.put(f"b/{name}", content)
        assert _preprocess(name, inputs, work).usable
    found = classify(ClassifyRequest("r", "a.fits", min_objects=1), work).record["objects"]
    assert found >= 2
    classify(ClassifyRequest("r", "b.fits", min_objects=found + 1), work)
    assert work.list(KEYS.candidates) == [KEYS.candidate("a.fits")]
    records = [_record(work, name) for name in ("a.fits", "b.fits")]
    assert [(record.outcome, record.reason, record.objects) for record in records] == [
        (Outcome.CANDIDATE, "", found),
        (Outcome.DISCARDED, "too_few_objects", found),
    ]


def test_recorded_failure_is_retried(inputs, work, content):
    inputs.put("b/x.fits", content)
    work.put(KEYS.record("x.fits"), Record("x.fits", Outcome.FAILED, "worker_died").to_json())
    tally, _ = _run_all(inputs, work, _find_nothing)
    assert tally.counts["candidate"] == 1


def test_unreadable_record_is_ignored(inputs, work, content):
    inputs.put("b/x.fits", content)
    work.put(KEYS.record("x.fits"), b"")
    tally, _ = _run_all(inputs, work, _find_nothing)
    assert tally.counts["candidate"] == 1


def test_auroras_are_measured_and_their_pictures_copied_to_the_detections(inputs, work, content):
    inputs.put("b/x.fits", content)
    inputs.put("b/notes.txt", b"")
    inputs.put("b/_READY", b"")
    tally, result = _run_all(inputs, work, _find_aurora)
    assert (tally.listed, tally.candidates) == (2, 1)
    assert (result.listed, result.auroras) == (2, 1)
    assert {outcome: count for outcome, count in result.counts.items() if count} == {"aurora": 1, "ignored": 1}
    assert work.get(KEYS.detection("x.fits")) == work.get(KEYS.image("x.fits"))
    assert json.loads(work.get(KEYS.prediction("x.fits", WEIGHTS)))["boxes"][1]["label"] == "aurora"


def _finish_with_native(inputs: FolderStorage, work: FolderStorage) -> None:
    """Measure with native images of all observations, as a local run does."""
    records = settle(list_inputs(inputs, "b/"), read_records(list_inputs(inputs, "b/"), work, KEYS))
    slices = measure_slices(records, KEYS, work, work, WEIGHTS, native=True)
    join_slices(CatalogueRequest("r", len(records)), slices, (), work, PROVENANCE, native=True)


def test_observations_with_auroras_have_native_images_and_others_on_request(inputs, work, content, other_content):
    inputs.put("b/x.fits", content)
    inputs.put("b/y.fits", other_content)
    _run_all(inputs, work, _find_aurora_in_x)
    assert work.list(KEYS.natives) == [KEYS.native("x.fits")]
    before = work.get(KEYS.native("x.fits"))
    _finish_with_native(inputs, work)
    assert work.list(KEYS.natives) == [KEYS.native("x.fits"), KEYS.native("y.fits")]
    assert work.get(KEYS.native("x.fits")) == before
    work.put(KEYS.native("x.fits"), before[:1000])
    _run_all(inputs, work, _find_aurora_in_x)
    assert work.list(KEYS.natives) == [KEYS.native("x.fits")]
    assert work.size(KEYS.native("x.fits")) == len(before)


def test_native_images_of_a_discarded_picture_are_written_on_request(inputs, work, content):
    inputs.put("b/x.fits", content)
    _preprocess("x.fits", inputs, work)
    classify(ClassifyRequest("r", "x.fits", min_objects=1000), work)
    _finish_with_native(inputs, work)
    assert work.list(KEYS.natives) == [KEYS.native("x.fits")]


def test_detection_without_signal_is_in_the_catalogue_and_is_no_aurora(inputs, work, content):
    inputs.put("b/x.fits", content)
    _run_all(inputs, work, _find_aurora)
    measured = json.loads(work.get(KEYS.measured("x.fits")))
    measured["auroras"][0]["quality_flags"] = "no_signal low_counts"
    work.put(KEYS.measured("x.fits"), json.dumps(measured).encode())
    _, result = _run_all(inputs, work, _find_aurora)
    assert (result.auroras, result.counts["no_aurora"]) == (0, 1)
    assert len(work.get(KEYS.product("catalogue.csv")).splitlines()) == 2
    assert len(work.get(KEYS.product("auroras.csv")).splitlines()) == 1
    assert json.loads(work.get(KEYS.product("run.json")))["auroras"] == 0
    assert work.list(KEYS.detections) == work.list(KEYS.natives) == []


def test_candidate_without_boxes_has_outcome_no_aurora(inputs, work, content):
    inputs.put("b/x.fits", content)
    _, result = _run_all(inputs, work, _find_nothing)
    assert result.counts["no_aurora"] == 1
    assert work.list(KEYS.detections) == []


def test_geometry_is_not_unpacked_without_auroras(inputs, work, content):
    inputs.put("b/x.fits", content)
    _run_all(inputs, work, _find_only_mars)
    work.put(KEYS.geometry("x.fits"), b"damaged")
    result = finish_run(work)
    assert result.counts["no_aurora"] == 1


def test_failed_detection_is_recorded_and_retried(inputs, work, content):
    inputs.put("b/x.fits", content)
    _, result = _run_all(inputs, work, _fail)
    assert result.counts["failed"] == 1
    assert "not_detected" in _ledger(work)
    assert "ArithmeticError: failure of the detector" in _ledger(work)
    _, result = _run_all(inputs, work, _find_aurora)
    assert result.counts["aurora"] == 1


def test_candidate_with_a_prediction_is_not_detected_again(inputs, work, content):
    inputs.put("b/x.fits", content)
    _run_all(inputs, work, _find_aurora)
    _, result = _run_all(inputs, work, _fail)
    assert result.counts["aurora"] == 1


@pytest.mark.parametrize(
    "damage",
    [
        (KEYS.prediction("x.fits", WEIGHTS), None, "missing_object"),
        (KEYS.prediction("x.fits", WEIGHTS), b"<html>", "not_detected"),
        (KEYS.prediction("x.fits", WEIGHTS), b'{"boxes": [{"x": 1}]}', "not_detected"),
        (
            KEYS.prediction("x.fits", WEIGHTS),
            predictions.error_to_json("too large", Made("", "yolo", "")),
            "not_detected",
        ),
        (
            KEYS.prediction("x.fits", WEIGHTS),
            predictions.to_json(Detections(()), Made("of another picture", "yolo", "")),
            "not_detected",
        ),
        (KEYS.geometry("x.fits"), None, "missing_object"),
        (KEYS.geometry("x.fits"), b"cut", "not_measured"),
        (KEYS.exposure("x.fits"), None, "missing_object"),
        (KEYS.exposure("x.fits"), b"", "not_measured"),
        (KEYS.exposure("x.fits"), b"cut", "not_measured"),
    ],
)
def test_missing_or_damaged_file_fails_only_its_input(inputs, work, content, other_content, damage):
    key, data, reason = damage
    inputs.put("b/x.fits", content)
    inputs.put("b/y.fits", other_content)
    _run_all(inputs, work, _find_aurora)
    work.delete(KEYS.measured("x.fits"))
    work.delete(key)
    if data is not None:
        work.put(key, data)
    result = finish_run(work)
    assert (result.counts["failed"], result.counts["aurora"]) == (1, 1)
    assert f"x.fits,failed,{reason}," in _ledger(work)


def test_newer_version_supersedes_the_older_until_it_is_removed(inputs, work, content):
    inputs.put(f"b/{OLD}", content)
    _run_all(inputs, work, _find_aurora)
    inputs.put(f"b/{NEW}", content)
    tally, result = _run_all(inputs, work, _find_aurora)
    assert (tally.candidates, result.counts["superseded"], result.auroras) == (1, 1, 1)
    assert work.list(KEYS.candidates) == [KEYS.candidate(NEW)]
    assert work.list(KEYS.detections) == [KEYS.detection(NEW)]
    inputs.delete(f"b/{NEW}")
    _, result = _run_all(inputs, work, _find_aurora)
    assert result.counts["aurora"] == 1
    assert work.list(KEYS.detections) == [KEYS.detection(OLD)]


def test_listed_input_without_record_is_failed(inputs, work):
    inputs.put("b/x.fits", b"text")
    write_items(work, KEYS, LISTED, [{"name": "x.fits", "etag": ""}])
    settle_run(inputs, work)
    result = finish_run(work)
    assert result.counts["failed"] == 1
    assert "x.fits,failed,no_record," in _ledger(work)


def test_ready_markers_and_folder_placeholders_are_not_inputs(inputs):
    for name in ("x.fits", "x_READY", "deep/y_READY", "_READY", "deep/_READY"):
        inputs.put(f"b/{name}", b"")
    assert list_inputs(inputs, "b/") == ["deep/y_READY", "x.fits", "x_READY"]
    assert not is_input("deep/")


class Outage(FolderStorage):
    """A folder in which the files of one kind cannot be read."""

    unreadable = ""

    def get(self, key: str) -> bytes:
        if self.unreadable in key:
            raise TransientError(key)
        return super().get(key)


def test_outage_is_not_a_failed_detection(inputs, work, content, tmp_path):
    inputs.put("b/x.fits", content)
    _run_all(inputs, work, _fail)
    outage = Outage(tmp_path / "work")
    outage.unreadable = "/candidates/"
    with pytest.raises(TransientError):
        detect(
            DetectRequest("r", "x.fits"), outage, lambda found: found.picture, DetectorVersion(DetectorName.YOLO, "")
        )


def test_outage_is_not_a_failed_measurement(inputs, work, content, tmp_path):
    inputs.put("b/x.fits", content)
    _run_all(inputs, work, _find_aurora)
    work.delete(KEYS.measured("x.fits"))
    outage = Outage(tmp_path / "work")
    outage.unreadable = "/geometry/"
    with pytest.raises(TransientError):
        finish_run(outage, detections=work)


def test_input_removed_after_it_was_read_keeps_its_aurora_and_an_added_one_is_reported(inputs, work, content):
    write_items(work, KEYS, LISTED, [{"name": "x.fits", "etag": ""}])
    inputs.put("b/x.fits", content)
    assert _preprocess("x.fits", inputs, work).usable
    classify(ClassifyRequest("r", "x.fits", min_objects=1), work)
    inputs.delete("b/x.fits")
    inputs.put("b/y.fits", content)
    settle_run(inputs, work)
    _detect_all(work, _find_aurora, DetectorVersion(DetectorName.YOLO, WEIGHTS))
    result = finish_run(work)
    assert (result.listed, result.auroras) == (2, 1)
    assert "x.fits,aurora,removed_during_run," in _ledger(work)
    assert "y.fits,failed,added_during_run," in _ledger(work)
