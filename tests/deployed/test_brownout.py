"""A brown-out of S3, in which every fifth request fails: the storage hides it, and a run has the same results."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fault_proxy import FAULTS, FaultProxy, run_proxy
from stack import Emulator

from mars_aurora.detect.detectors import DetectorName, describe_detector, load_detector
from mars_aurora.run import aws
from mars_aurora.run.keys import LOCKS, RunKeys, is_fits
from mars_aurora.run.listing import SETS, SLICES, UNDETECTED, read_items
from mars_aurora.run.lock import release_lock, take_lock
from mars_aurora.run.messages import (
    CatalogueRequest,
    ClassifyRequest,
    DetectRequest,
    MeasureRequest,
    ParquetRequest,
    PreprocessRequest,
    StitchRequest,
    TallyRequest,
)
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import S3Storage
from mars_aurora.steps.catalogue import catalogue
from mars_aurora.steps.classify import classify
from mars_aurora.steps.detect import detect
from mars_aurora.steps.measure import measure
from mars_aurora.steps.parquet import parquet
from mars_aurora.steps.preprocess import preprocess
from mars_aurora.steps.stitch import stitch
from mars_aurora.steps.tally import tally

pytestmark = [pytest.mark.deployed, pytest.mark.slow]

BUCKETS = ("brownout-inputs", "brownout-work", "brownout-detections")


@pytest.fixture
def proxy(aws_buckets: Emulator) -> Iterator[FaultProxy]:
    with run_proxy(aws_buckets.environment["AWS_ENDPOINT_URL"], fraction=0.2, seed=7) as running:
        yield running


@pytest.fixture(scope="module")
def aws_buckets(aws: Emulator) -> Emulator:
    for bucket in BUCKETS:
        aws.client("s3").create_bucket(Bucket=bucket)
    return aws


def connect(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, url: str = "") -> list[S3Storage]:
    """Storages of the buckets, with the client of the functions, on the emulator or on a proxy."""
    for name, value in (emulator.environment | ({"AWS_ENDPOINT_URL": url} if url else {})).items():
        monkeypatch.setenv(name, value)
    client = aws.connect.__wrapped__("s3")
    return [S3Storage(client, bucket) for bucket in BUCKETS]


def test_storage_hides_the_faults(
    aws_buckets: Emulator, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, direct, _ = connect(aws_buckets, monkeypatch)
    _, faulty, _ = connect(aws_buckets, monkeypatch, proxy.url)
    contents = {f"objects/{number}": bytes([number]) * 1000 * number for number in range(60)}

    def use(key: str) -> None:
        faulty.put(key, contents[key])
        version = faulty.version(key)
        assert version == direct.version(key)
        assert faulty.get(key) == contents[key]
        with faulty.local_file(key, version) as path:
            assert path.read_bytes() == contents[key]
        assert faulty.size(f"{key}/none") is None

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(use, contents))
    assert faulty.list("objects/") == sorted(contents)
    assert set(proxy.done) == {*FAULTS, ""}
    assert sum(proxy.done[fault] for fault in FAULTS) > 40


def test_run_is_locked_by_one_execution(
    aws_buckets: Emulator, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, work, _ = connect(aws_buckets, monkeypatch, proxy.url)
    for number in range(20):
        take_lock(work, RunKeys("locked"), str(number), lambda _execution: True)
        release_lock(work, RunKeys("locked"), str(number))
    assert work.list(LOCKS) == []


def run_steps(run_id: str, storages: list[S3Storage]) -> dict[str, bytes]:
    """Run all steps, as the workflow does; return ledger and catalogue."""
    inputs, work, detections = storages
    for key, version in inputs.list_versions("b/"):
        name = key.removeprefix("b/")
        if is_fits(name):
            request = PreprocessRequest(run_id, inputs._bucket, key, name, version.etag)
            if preprocess(request, inputs, work).usable:
                classify(ClassifyRequest(run_id, name), work)
    settings = Settings(work._bucket, detections._bucket, DetectorName.YOLO, cleaning=True)
    settled = tally(TallyRequest(run_id, inputs._bucket, "b/"), inputs, work, settings, lambda _map_run: {})
    detector, version = load_detector(DetectorName.YOLO), describe_detector(DetectorName.YOLO)
    keys, made_by = RunKeys(run_id), describe_provenance(DetectorName.YOLO, 2, "test")
    for item in read_items(work, keys, UNDETECTED):
        detect(DetectRequest(run_id, item["name"]), work, detector, version)
    with ThreadPoolExecutor(4) as readers:
        for item in read_items(work, keys, SLICES):
            measure(MeasureRequest(run_id, "", item["number"], version.folder), work, detections, readers.map)
        stitch(StitchRequest(run_id, list(read_items(work, keys, SETS))), work, detections)
        catalogue(CatalogueRequest(run_id, settled.listed), work, detections, made_by, readers.map)
        parquet(ParquetRequest(run_id), work, detections, readers.map)
    return {name: detections.get(keys.product(name)) for name in ("ledger.csv", "catalogue.csv")}


def test_run_in_a_brownout_has_the_results_of_one_without(
    aws_buckets: Emulator, proxy: FaultProxy, simulated_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = connect(aws_buckets, monkeypatch)
    for path in sorted(simulated_folder.iterdir()):
        undisturbed[0].put(f"b/{path.name}", path.read_bytes())
    expected = run_steps("undisturbed", undisturbed)
    found = run_steps("disturbed", connect(aws_buckets, monkeypatch, proxy.url))
    assert found == expected
    assert found["catalogue.csv"].count(b"\n") > 2
    assert sum(proxy.done[fault] for fault in FAULTS) > 20
