"""Every product states what made it, read with a reader of its format."""

import hashlib
import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from astropy.io import fits
from astropy.table import Table
from test_catalogue_files import AURORAS, PROVENANCE

from mars_aurora.catalogue import write
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.storage import FolderStorage

KEYS = RunKeys("r")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("products")
    records = [Record(AURORAS[0].name, Outcome.AURORA, objects=2, auroras=2), Record("=x.fits", Outcome.REJECTED, "x")]
    write.write_products(KEYS, records, AURORAS, PROVENANCE, FolderStorage(root))
    return root / KEYS.root


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, str]:
    digest = hashlib.sha256((folder / "ledger.csv").read_bytes()).hexdigest()
    provenance = replace(PROVENANCE, ledger_sha256=digest, command="mars-aurora run 'a b' %FF%0D --out x")
    return {name: str(value) for name, value in provenance.to_dict().items()}


def _ecsv(path: Path) -> dict[str, object]:
    return Table.read(path, format="ascii.ecsv").meta


def _votable(path: Path) -> dict[str, object]:
    return {item.get("name"): item.get("value") for item in ET.parse(path).iter() if item.tag.endswith("}INFO")}  # noqa: S314 -- own file


def _geopackage(path: Path) -> dict[str, object]:
    with closing(sqlite3.connect(path)) as file:
        (text,) = file.execute("SELECT metadata FROM gpkg_metadata").fetchone()
    return {item.get("key"): item.text for item in ET.fromstring(text).iter() if item.tag.endswith("MDI")}  # noqa: S314 -- own file


def _parquet(path: Path) -> dict[str, object]:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra 'formats' is not installed")
    return json.loads(parquet.read_schema(path).metadata[b"mars_aurora"])


def _fits(path: Path) -> dict[str, object]:
    return json.loads(fits.getheader(path, 1)["PROVENAN"])


def _zip(path: Path) -> dict[str, object]:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("provenance.json"))


def _page(path: Path) -> dict[str, object]:
    texts: list[str] = []
    parser = HTMLParser()
    parser.handle_data = texts.append
    parser.feed(path.read_text())
    words = [text.strip() for text in texts if text.strip()]
    return {name: words[words.index(name.replace("_", " ")) + 1] for name in PROVENANCE.to_dict()}


READERS: dict[str, Callable[[Path], dict[str, object]]] = {
    "run.json": lambda path: json.loads(path.read_text()),
    "catalogue.ecsv": _ecsv,
    "catalogue.vot": _votable,
    "catalogue.geojson": lambda path: json.loads(path.read_text())["provenance"],
    "catalogue.gpkg": _geopackage,
    "catalogue.parquet": _parquet,
    "exposure.fits": _fits,
    "annotations.coco.json": lambda path: json.loads(path.read_text())["info"],
    "labels.yolo.zip": _zip,
    "regions.ds9.zip": _zip,
    "report.html": _page,
}


@pytest.mark.parametrize("name", READERS)
def test_product_states_what_made_it(folder: Path, expected: dict[str, str], name: str):
    if not (folder / name).exists():
        pytest.skip("the extra 'formats' is not installed")
    assert {key: str(value) for key, value in READERS[name](folder / name).items()}.items() >= expected.items()


def test_run_states_its_counts(folder: Path):
    found = json.loads((folder / "run.json").read_text())
    assert (found["run_id"], found["inputs"], found["auroras"]) == ("r", 2, 2)
    assert found["counts"]["aurora"] == found["counts"]["rejected"] == 1
