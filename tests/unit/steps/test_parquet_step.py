"""GeoParquet and the data set of a run in the cloud: those of a local run, byte by byte, if the same made them."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.products import EXECUTION, KEYS, make_parts
from mars_aurora.catalogue import geographic
from mars_aurora.catalogue.dataset import DATASET
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.errors import ProductError
from mars_aurora.run.identity import Identity
from mars_aurora.run.keys import RUN
from mars_aurora.run.ledger import Origin, Record
from mars_aurora.run.listing import SETS, SLICES, write_items
from mars_aurora.run.messages import CatalogueRequest, ParquetRequest, ParquetResult
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.slices import MeasuredSlice, pack_measured, pack_records
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.catalogue import catalogue
from mars_aurora.steps.parquet import parquet

pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")

MADE_BY = describe_provenance(DetectorName.YOLO, 2, "test")
MARCH_MS = 1_648_760_000_000
PRODUCTS = ("catalogue.parquet", "auroras.parquet")


def identify(record: Record, number: int) -> Record:
    identity = Identity("EMM/EMUS", start_ms=MARCH_MS + 86_400_000 * number, integrations=90, level="l2b")
    return replace(record, name=f"={number}{record.name}", identity=identity)


def make_work(root: Path, *, lost: Iterable[int] = ()) -> FolderStorage:
    """Write three slices of inputs, with a letter to be escaped in the names; those that are lost were not measured."""
    work, listed = FolderStorage(root), 0
    for number, part in enumerate(make_parts(230)):
        records = [identify(record, number) for record in part.records]
        auroras = [
            replace(aurora, name=f"={number}{aurora.name}", start_utc="2022-03-31T20:53:20") for aurora in part.auroras
        ]
        if number in lost:
            origin = Origin(products={"image": 1})
            lines = [replace(record, origin=origin).to_json().decode() for record in records]
            work.put(KEYS.settled(EXECUTION, number), pack_records(lines))
        else:
            packed = pack_measured(MeasuredSlice(records, auroras, part.searched, []))
            work.put(KEYS.measured_slice(EXECUTION, number), packed)
        listed += len(records)
    write_items(work, KEYS, SLICES, ({"number": number} for number in range(3)), EXECUTION)
    write_items(work, KEYS, SETS, [], EXECUTION)
    write_items(work, KEYS, "listed", ({"name": number} for number in range(listed)), EXECUTION)
    return work


def write_catalogue(work: FolderStorage, results: FolderStorage) -> None:
    listed = work.get(KEYS.items("listed", EXECUTION)).count(b"\n")
    catalogue(CatalogueRequest(KEYS.run_id, listed, EXECUTION), work, results, MADE_BY)


def write_as_the_cloud(work: FolderStorage, results: FolderStorage, monkeypatch: pytest.MonkeyPatch) -> ParquetResult:
    with monkeypatch.context() as patch:
        patch.setattr(geographic, "is_installed", lambda _suffix: False)
        write_catalogue(work, results)
    return parquet(ParquetRequest(KEYS.run_id, EXECUTION), work, results)


def read_files(root: Path, *names: str) -> dict[str, bytes]:
    return {name: (root / KEYS.product(name)).read_bytes() for name in names}


def read_dataset(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in (root / DATASET).rglob("*")
        if path.suffix == ".parquet"
    }


@pytest.mark.parametrize("lost", [(), (1,)])
def test_products_and_data_set_are_those_of_a_run_that_writes_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: tuple[int, ...]
) -> None:
    work = make_work(tmp_path / "work", lost=lost)
    write_catalogue(work, FolderStorage(tmp_path / "local"))
    result = write_as_the_cloud(work, FolderStorage(tmp_path / "cloud"), monkeypatch)
    local, cloud = tmp_path / "local", tmp_path / "cloud"
    assert read_files(cloud, *PRODUCTS) == read_files(local, *PRODUCTS)
    assert read_dataset(cloud) == read_dataset(local)
    assert result == ParquetResult(KEYS.run_id, *((131, 131) if lost else (230, 230)), len(read_dataset(local)))
    months = {key.split("/")[2] for key in read_dataset(local)}
    assert months == {"month=2022-03", "month=2022-04"}
    runs = [json.loads((root / KEYS.product(RUN)).read_text()) for root in (cloud, local)]
    assert {name: runs[0]["products_sha256"][name] for name in PRODUCTS}.items() <= runs[1]["products_sha256"].items()
    assert {**runs[0], "products_sha256": {}} == {**runs[1], "products_sha256": {}}


def test_repeated_run_replaces_its_files_and_removes_those_of_other_months(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = FolderStorage(tmp_path / "cloud")
    stale = [f"{DATASET}detections/month=2021-12/{run}.parquet" for run in (KEYS.run_id, "other")]
    for key in stale:
        results.put(key, b"stale")
    write_as_the_cloud(make_work(tmp_path / "whole"), results, monkeypatch)
    first = read_dataset(tmp_path / "cloud")
    assert [key for key in stale if key in first] == stale[1:]
    write_as_the_cloud(make_work(tmp_path / "part", lost=(2,)), results, monkeypatch)
    second = read_dataset(tmp_path / "cloud")
    assert first.keys() == second.keys()
    assert {key for key in first if first[key] != second[key]} == {
        f"{DATASET}detections/month=2022-03/{KEYS.run_id}.parquet",
        f"{DATASET}observations/month=2022-04/{KEYS.run_id}.parquet",
    }, "those of the slices that were not measured again"


def test_product_that_is_not_what_was_written_is_an_error_and_run_json_does_not_state_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cutting(FolderStorage):
        def put_file(self, key: str, path: Path) -> None:
            super().put(key, path.read_bytes()[:-4])

    work, results = make_work(tmp_path / "work"), FolderStorage(tmp_path / "cloud")
    write_as_the_cloud(work, results, monkeypatch)
    before = results.get(KEYS.product(RUN))
    with pytest.raises(ProductError, match=r"catalogue\.parquet: what was read back"):
        parquet(ParquetRequest(KEYS.run_id, EXECUTION), work, Cutting(tmp_path / "cloud"))
    assert results.get(KEYS.product(RUN)) == before


def test_without_a_catalogue_there_is_nothing_to_write(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        parquet(ParquetRequest(KEYS.run_id, EXECUTION), make_work(tmp_path / "work"), FolderStorage(tmp_path / "none"))
