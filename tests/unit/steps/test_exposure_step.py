"""The exposure of a run is the sum over the files that were searched, with and without auroras."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from whole_run import KEYS, finish_run, settle_run

from mars_aurora.background import exposure
from mars_aurora.box import Box, Detections
from mars_aurora.catalogue.ledger_table import from_csv
from mars_aurora.detect.detectors import DetectorName, DetectorVersion
from mars_aurora.run.keys import EXPOSURE, LEDGER, is_fits
from mars_aurora.run.ledger import Record
from mars_aurora.run.messages import ClassifyRequest, DetectRequest, PreprocessRequest
from mars_aurora.run.records import list_inputs
from mars_aurora.run.storage import FolderStorage, Source, Storage
from mars_aurora.steps import exposure as step
from mars_aurora.steps.classify import classify
from mars_aurora.steps.detect import detect
from mars_aurora.steps.preprocess import preprocess
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

DISK_WIDE = Box("aurora", 0.9, 150, 60, 490, 400)


@pytest.fixture(scope="module")
def contents(small_world: World) -> list[bytes]:
    """Four files of different observations."""
    return [observe(small_world, 3, index).to_fits() for index in range(4)]


@pytest.fixture
def inputs(tmp_path: Path, contents: list[bytes]) -> FolderStorage:
    storage = FolderStorage(tmp_path / "inputs")
    for name, content in zip("abc", contents, strict=False):
        storage.put(f"b/{name}.fits", content)
    return storage


def _run(inputs: Source, work: Storage, min_objects: int = 1, found: object = ()) -> dict[str, int]:
    for name in filter(is_fits, list_inputs(inputs, "b/")):
        if preprocess(PreprocessRequest("r", "bucket", f"b/{name}", name), inputs, work).usable:
            classify(ClassifyRequest("r", name, min_objects), work)
    settle_run(inputs, work)
    version = DetectorVersion(DetectorName.YOLO, f"{len(found)} boxes")
    for line in work.get(KEYS.items("candidates")).splitlines():
        detect(DetectRequest("r", json.loads(line)["name"]), work, lambda _: Detections(found), version)
    counts = finish_run(work, version.folder).counts
    return {outcome: count for outcome, count in counts.items() if count}


def _table(work: Storage) -> list[tuple[float, ...]]:
    return fits.getdata(io.BytesIO(work.get(KEYS.product(EXPOSURE)))).tolist()


def _area_km2(work: Storage, *names: str) -> float:
    """Area of the exposures that were stored for some inputs."""
    return sum(exposure.from_npy(work.get(KEYS.exposure(f"{name}.fits")))["area_km2"].sum() for name in names)


def _total_km2(work: Storage) -> float:
    return sum(row[-1] for row in _table(work))


def test_files_count_with_and_without_auroras_and_discarded(inputs, work):
    assert _run(inputs, work, found=(DISK_WIDE,))["aurora"] >= 1
    with_auroras = _table(work)
    assert _run(inputs, work) == {"no_aurora": 3}
    without = _table(work)
    assert _run(inputs, work, min_objects=99) == {"discarded": 3}
    assert with_auroras == without == _table(work)
    assert _total_km2(work) == pytest.approx(_area_km2(work, "a", "b", "c"))
    ledger = from_csv(work.get(KEYS.product(LEDGER)))
    assert _total_km2(work) == pytest.approx(ledger["night_area_km2"].sum(), rel=1e-6)
    assert len(without) > 100


def test_superseded_and_rejected_files_do_not_count(inputs, work, contents):
    _run(inputs, work)
    before = _table(work)
    inputs.put("b/copy.fits", contents[0])
    inputs.put("b/bad.fits", b"text")
    assert _run(inputs, work) == {"no_aurora": 3, "superseded": 1, "rejected": 1}
    assert _table(work) == before
    assert _area_km2(work, "copy") == pytest.approx(_area_km2(work, "a"))


def test_file_whose_detection_failed_does_not_count(inputs, work):
    _run(inputs, work)
    work.put(KEYS.prediction("b.fits", "0 boxes"), b"damaged")
    finish_run(work, "0 boxes")
    assert _total_km2(work) == pytest.approx(_area_km2(work, "a", "c"))


def test_table_of_a_repeated_run_is_that_of_the_changed_files(inputs, work, contents, tmp_path):
    _run(inputs, work)
    before = _table(work)
    inputs.put("b/b.fits", contents[3])
    _run(inputs, work)
    fresh = FolderStorage(tmp_path / "fresh")
    _run(inputs, fresh)
    assert before != _table(work) == _table(fresh)


def test_table_is_the_same_in_buckets(inputs, work, contents, buckets):
    for name, content in zip("abc", contents, strict=False):
        buckets["inputs"].put(f"b/{name}.fits", content)
    _run(inputs, work)
    _run(buckets["inputs"], buckets["work"])
    assert _table(work) == _table(buckets["work"])


def test_files_are_joined_in_the_order_of_the_records_in_any_number_at_once(contents, buckets, monkeypatch):
    for name, content in zip("abc", contents, strict=False):
        buckets["inputs"].put(f"b/{name}.fits", content)
    _run(buckets["inputs"], buckets["work"])
    work = buckets["work"]
    records = [Record.from_json(work.get(key)) for key in work.list(KEYS.records)]
    whole = step.join_exposure(records, work, KEYS)[0]
    monkeypatch.setattr("mars_aurora.run.storage._AT_ONCE", 1)
    assert np.array_equal(step.join_exposure(records, work, KEYS)[0], whole)
