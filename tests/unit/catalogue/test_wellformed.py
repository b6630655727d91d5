"""Names and texts of any characters: each product has all rows and names, read with a reader that is not ours."""

import csv
import io
import json
import os
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
from astropy.io.votable import parse_single_table
from astropy.table import Table
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_catalogue_files import PROVENANCE, make_aurora

from mars_aurora.catalogue import report, write
from mars_aurora.catalogue.entries import list_entries
from mars_aurora.catalogue.tables import AURORAS, DETECTIONS, RowTable
from mars_aurora.run.escaping import escape_member, escape_name, escape_row, escape_text
from mars_aurora.run.keys import RunKeys, key_name
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.storage import FolderStorage

Rows = list[tuple[str, str]]  # name and mode

CHARACTERS = st.characters(codec=None) | st.sampled_from("=+-@;%0D\r\n\t\0\x1b\\/.: '\"#?&<>{}|,\x85\u2028\ufeff\ufffe")
SPECIAL = [
    *(
        "=1+1",
        "-2",
        "../../x",
        "/etc/x",
        "C:\\x",
        "</script><script>",
        " a ",
        "nan",
        "NULL",
        "--",
        "%00",
        "a\x1bb",
        '"',
        "]]>",
    ),
    *("#a", "1e5", "{{x}}", "a$b$c", "", "\r\n"),
]
TEXTS = st.text(CHARACTERS, max_size=8) | st.sampled_from(SPECIAL)
PATHS = st.binary(max_size=8).map(os.fsdecode) | TEXTS.map(lambda text: os.fsdecode(text.encode(errors="replace")))
QUICK = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def _csv(data: bytes) -> Rows:
    return [(row["name"], row["mode"]) for row in csv.DictReader(io.StringIO(data.decode(), newline=""))]


def _ecsv(data: bytes) -> Rows:
    table = Table.read(data.decode(), format="ascii.ecsv")
    return [
        (str(row["name"]), "" if row["mode"] is None or str(row["mode"]) == "--" else str(row["mode"]))
        for row in table.filled("")
    ]


def _votable(data: bytes) -> Rows:
    array = np.ma.getdata(parse_single_table(io.BytesIO(data)).array)
    return list(zip(array["name"].tolist(), array["mode"].tolist(), strict=True))


def _xml(data: bytes) -> Rows:
    root = ET.fromstring(data)  # noqa: S314 -- our own file
    space = root.tag.partition("}")[0] + "}"
    fields = [field.get("name") for field in root.iter(f"{space}FIELD")]
    rows = ([cell.text or "" for cell in row] for row in root.iter(f"{space}TR"))
    return [(row[fields.index("name")], row[fields.index("mode")]) for row in rows]


def _geojson(data: bytes) -> Rows:
    return [(item["properties"]["name"], item["properties"]["mode"]) for item in json.loads(data)["features"]]


def _geopackage(data: bytes) -> Rows:
    with closing(sqlite3.connect(":memory:")) as file:
        file.deserialize(data)
        return file.execute("SELECT name, mode FROM catalogue ORDER BY fid").fetchall()


def _parquet(data: bytes) -> Rows:
    from pyarrow import parquet  # noqa: PLC0415 -- installed with the extra

    table = parquet.read_table(io.BytesIO(data), columns=["name", "mode"])
    return [(row["name"], row["mode"]) for row in table.to_pylist()]


READERS: dict[str, list[Callable[[bytes], Rows]]] = {
    "catalogue.csv": [_csv],
    "catalogue.ecsv": [_ecsv],
    "catalogue.vot": [_votable, _xml],
    "catalogue.geojson": [_geojson],
    "catalogue.gpkg": [_geopackage],
    "catalogue.parquet": [_parquet],
}


def _write(paths: list[str], text: str) -> tuple[list[str], dict[str, tuple[int, bytes]]]:
    """Return the names of inputs, and of each product the number of rows and the bytes."""
    names = [escape_name(path) for path in paths]
    auroras = [escape_row(make_aurora(name=name, mode=text)) for name in names]
    records = [escape_row(Record(name, Outcome.AURORA, "x", 2, 1, text)) for name in names]
    tables = RowTable(auroras, PROVENANCE, DETECTIONS), RowTable(list_entries(auroras), PROVENANCE, AURORAS)
    contents = write.Contents(records, *tables)
    products = {}
    with tempfile.TemporaryDirectory() as folder:
        storage = FolderStorage(Path(folder))
        for name in (*READERS, "labels.yolo.zip", "regions.ds9.zip", "annotations.coco.json", "auroras.csv"):
            if write.is_written(name):
                ((key, rows, _),) = write.write_product(name, contents, RunKeys("r"), storage)
                products[name] = rows, storage.get(key)
    return names, products


@QUICK
@example(SPECIAL, "=1")
@example([f"{text} {text}" for text in SPECIAL], "#")
@given(st.lists(PATHS, min_size=1, max_size=8, unique=True), TEXTS)
def test_tables_have_all_names_and_texts(paths: list[str], text: str):
    names, products = _write(paths, text)
    for name, readers in READERS.items():
        rows, data = products.get(name, (0, b""))
        for read in readers if data else []:  # no data without the extra
            assert rows == len(names)
            assert read(data) == [(name, escape_text(text)) for name in names]


@QUICK
@example(SPECIAL, "=1")
@given(st.lists(PATHS, min_size=1, max_size=8, unique=True), TEXTS)
def test_zip_files_have_a_member_for_each_name_below_their_folder(paths: list[str], text: str):
    names, products = _write(paths, text)
    for product, folder, suffix in (("labels.yolo.zip", "labels", ".txt"), ("regions.ds9.zip", "regions", ".reg")):
        with zipfile.ZipFile(io.BytesIO(products[product][1])) as archive:
            assert archive.testzip() is None
            members = [name for name in archive.namelist() if "/" in name]
        assert members == [f"{folder}/{escape_member(key_name(name))}{suffix}" for name in names]
        assert not [
            name for name in members if re.search(r"\\|//|(^|/)([A-Za-z]:|\.+(/|$))", name.removesuffix(suffix))
        ]


@QUICK
@example(SPECIAL, "=1")
@given(st.lists(PATHS, min_size=1, max_size=8, unique=True), TEXTS)
def test_pictures_and_entries_have_all_names(paths: list[str], text: str):
    names, products = _write(paths, text)
    coco = json.loads(products["annotations.coco.json"][1])
    assert [image["file_name"] for image in coco["images"]] == [f"images/{key_name(name)}.png" for name in names]
    entries = list(csv.DictReader(io.StringIO(products["auroras.csv"][1].decode(), newline="")))
    assert sum(len(entry["names"].split()) for entry in entries) == len(names)
    records = [escape_row(Record(name, Outcome.DISCARDED, text, 1, None, text)) for name in names]
    records += [escape_row(Record(f"{name}x", Outcome.REJECTED, text, detail=text)) for name in names]
    ((_, page),) = report.build(RunKeys("r"), records, [], [], list(products), PROVENANCE)
    assert page.rows == len(names)
    assert page.data.count(b"<script") == 2
    assert page.data.count(b"</script") == 2
