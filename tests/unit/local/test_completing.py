"""Products that a run in the cloud does not write are made after the download, and are those of a local run."""

import json
import os
from pathlib import Path

import pytest

from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue import geographic
from mars_aurora.catalogue.write import write_products
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.local.completing import COMPLETED, complete_products
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.storage import FolderStorage

pytest.importorskip("geopandas", reason="the extra 'maps' is not installed")
pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")

KEYS = RunKeys("r")
FILL = {int: 7, float: 1 / 3, str: "a b"}
OUTLINE = "MULTIPOLYGON (((358 -40, 360 -40, 360 -30, 358 -30, 358 -40)), ((0 -40, 3 -40, 3 -30, 0 -30, 0 -40)))"
TIME = "2022-03-31T21:21:07.000"
TEXTS = {
    "name": "x.fits",
    "time_utc": TIME,
    "start_utc": TIME,
    "emission": "O I 130.4",
    "quality_flags": "",
    "outline_wkt": OUTLINE,
    "native_outline": "1,1,4,1,4,3",
    "picture_outline": "10,20,14,20,14,30",
}
AURORA = Aurora(**{column.name: FILL[column.kind] for column in COLUMNS} | TEXTS | {"orbit": None})


def write_run(root: Path) -> dict[str, bytes]:
    records = [Record("x.fits", Outcome.AURORA, auroras=1)]
    made_by = describe_provenance(DetectorName.YOLO, 2, "test")
    write_products(KEYS, records, [AURORA], made_by, FolderStorage(root))
    names = [name for name in COMPLETED if (root / KEYS.product(name)).is_file()]
    return {name: (root / KEYS.product(name)).read_bytes() for name in names}


def test_products_are_those_of_a_local_run(tmp_path: Path):
    local = write_run(tmp_path)
    assert complete_products(tmp_path, KEYS) == []
    for name in COMPLETED:
        (tmp_path / KEYS.product(name)).unlink()
    assert complete_products(tmp_path, KEYS) == list(COMPLETED)
    for name in ("catalogue.parquet", "auroras.parquet", "jmars.shp.zip"):  # a GeoPackage has the time of writing
        assert (tmp_path / KEYS.product(name)).read_bytes() == local[name], name


def test_products_older_than_the_tables_are_made_again_unless_the_run_wrote_them(tmp_path: Path):
    write_run(tmp_path)
    for name in ("auroras.gpkg", "auroras.parquet"):
        os.utime(tmp_path / KEYS.product(name), (0, 0))
    assert complete_products(tmp_path, KEYS) == []
    path = tmp_path / KEYS.product("run.json")
    facts = json.loads(path.read_text())
    del facts["products_sha256"]["auroras.gpkg"]
    path.write_text(json.dumps(facts))
    assert complete_products(tmp_path, KEYS) == ["auroras.gpkg"]


def test_without_extras_or_tables_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert complete_products(tmp_path, KEYS) == []
    monkeypatch.setattr(geographic, "is_installed", lambda _suffix: False)
    assert write_run(tmp_path) == {}
    assert complete_products(tmp_path, KEYS) == []
