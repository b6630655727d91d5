"""Files whose whole night is bright, and files that show no night, on their way to the catalogue."""

import csv
import io
import json
from dataclasses import replace

import pytest
from whole_run import KEYS, PROVENANCE, finish_run, settle_run

from mars_aurora import find
from mars_aurora.box import Box, Detections
from mars_aurora.detect.candidate import Candidate
from mars_aurora.detect.detectors import DetectorName, DetectorVersion
from mars_aurora.run.ledger import Record
from mars_aurora.run.messages import ClassifyRequest, DetectRequest, PreprocessRequest
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.classify import classify
from mars_aurora.steps.detect import detect
from mars_aurora.steps.preprocess import preprocess
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.simulator.world import World

EMPTY = World(
    n_slit=48,
    scan_step_deg=(0.13, 0.16),
    no_aurora_fraction=1.0,
    swaths_per_set=(1,),
    slit_cut_fraction=0.0,
    truncated_fraction=0.0,
    modes=(("os2", 1.0, (110, 150)),),
)
BOX = Box("aurora", 0.9, 150, 60, 490, 400)


@pytest.fixture(scope="module")
def diffuse() -> Simulated:
    return observe(replace(EMPTY, diffuse_fraction=1.0), 61, 0)


@pytest.fixture(scope="module")
def day_side() -> Simulated:
    return observe(replace(EMPTY, modes=(("os1", 1.0, (10, 15)),)), 61, 0)


def _classify(name: str, inputs: FolderStorage, work: FolderStorage, min_objects: int) -> Record:
    assert preprocess(PreprocessRequest("r", "bucket", f"b/{name}", name), inputs, work).usable
    return Record.from_event(classify(ClassifyRequest("r", name, min_objects), work).record)


def _finish(inputs: FolderStorage, work: FolderStorage, *boxes: Box) -> dict[str, dict[str, str]]:
    """Run the steps after the object count; return the ledger by name."""

    def detector(_candidate: Candidate) -> Detections:
        return Detections(boxes)

    settle_run(inputs, work)
    version = DetectorVersion(DetectorName.YOLO, PROVENANCE.weights_sha256)
    for line in work.get(KEYS.items("candidates")).splitlines():
        detect(DetectRequest("r", json.loads(line)["name"]), work, detector, version)
    finish_run(work)
    ledger = csv.DictReader(io.StringIO(work.get(KEYS.product("ledger.csv")).decode()))
    return {row["name"]: row for row in ledger}


def test_diffuse_night_is_measured_for_any_count_and_detector(inputs, work, diffuse, tmp_path):
    inputs.put("b/x.fits", diffuse.to_fits())
    counted = _classify("x.fits", inputs, work, min_objects=99)
    assert counted.outcome == "candidate"
    line = _finish(inputs, work)["x.fits"]
    assert (line["outcome"], line["auroras"], line["objects"]) == ("aurora", "1", str(counted.objects))
    (row,) = csv.DictReader(io.StringIO(work.get(KEYS.product("catalogue.csv")).decode()))
    assert (row["morphology"], row["confidence"]) == ("diffuse", "")
    assert work.size(KEYS.detection("x.fits")) == work.size(KEYS.image("x.fits"))
    found = find(tmp_path / "inputs/b/x.fits", min_objects=99)
    assert found["morphology"].tolist()[-1] == "diffuse"
    assert (found.meta["outcome"], found.meta["objects"]) == ("aurora", counted.objects)


def test_diffuse_night_is_one_more_object(inputs, work, diffuse):
    inputs.put("b/x.fits", diffuse.to_fits())
    counted = _classify("x.fits", inputs, work, min_objects=1)
    record = Record.from_json(work.get(KEYS.record("x.fits")))
    work.put(KEYS.record("x.fits"), replace(record, objects=None, night=None).to_json())
    assert classify(ClassifyRequest("r", "x.fits", 1), work).record["objects"] == counted.objects - 1


def test_diffuse_night_has_the_auroras_in_boxes_too(inputs, work, diffuse):
    inputs.put("b/x.fits", diffuse.to_fits())
    _classify("x.fits", inputs, work, min_objects=1)
    assert _finish(inputs, work, BOX)["x.fits"]["auroras"] == "2"


@pytest.mark.parametrize("min_objects", [1, 99])
def test_file_without_night_is_no_night_and_skips_nothing(inputs, work, day_side, min_objects, tmp_path):
    inputs.put("b/x.fits", day_side.to_fits())
    counted = _classify("x.fits", inputs, work, min_objects)
    assert counted.outcome == ("candidate" if min_objects == 1 else "no_night")
    line = _finish(inputs, work)["x.fits"]
    assert (line["outcome"], line["night_area_km2"]) == ("no_night", "0")
    assert line["reason"] == ("" if min_objects == 1 else "too_few_objects")
    assert find(tmp_path / "inputs/b/x.fits", min_objects=99).meta["outcome"] == "no_night"


def test_detection_in_a_file_without_night_is_an_aurora(inputs, work, day_side):
    inputs.put("b/x.fits", day_side.to_fits())
    _classify("x.fits", inputs, work, min_objects=1)
    assert _finish(inputs, work, BOX)["x.fits"]["outcome"] == "aurora"
