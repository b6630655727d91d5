"""Read each product back and count its rows, before a run reports success.

Each product is read completely, so that a row that cannot be read is found, and where possible by another library than
that which wrote it. Above 20,000 rows, ECSV and VOTable are streamed as text and XML, without the values.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import cv2
import numpy as np

from mars_aurora.errors import ProductError
from mars_aurora.run.storage import Storage

STREAMED_ROWS = 20_000
_MAX_CELL = 1 << 30


class Written(NamedTuple):
    """A product that was written: its key, its number of rows as `verify_product` counts them, and its SHA-256."""

    key: str
    rows: int
    sha256: str


def verify_stored(written: Written, storage: Storage) -> None:
    """Read a product back from storage; raises ProductError naming it."""
    try:
        data = storage.get(written.key)
    except KeyError:
        raise ProductError(f"{written.key}: it was removed while the run wrote its products") from None
    if hashlib.sha256(data).hexdigest() != written.sha256:
        raise ProductError(f"{written.key}: what was read back is not what was written")
    verify_product(written.key, data, written.rows)


def verify_product(name: str, data: bytes, rows: int) -> None:
    """Check that a product can be read and has a number of rows; raises ProductError naming it.

    Parameters
    ----------
    name : str
        Name or key of the product.
    data : bytes
    rows : int
        Expected number of rows: lines, features, annotations, pictures of a report, or boxes or outlines of a zip file.
    """
    file_name = name.rpartition("/")[2]
    count = _READERS.get(file_name) or _READERS[file_name[file_name.rindex(".") :]]
    try:
        found = count(data, rows)
    except Exception as error:
        raise ProductError(f"{name}: it cannot be read back: {type(error).__name__}: {error}") from error
    if found != rows:
        raise ProductError(f"{name}: {found} rows were read back, not {rows}")


def _count_csv(data: bytes, _expected: int, delimiter: str = ",") -> int:
    csv.field_size_limit(_MAX_CELL)  # 131,072 by default, which an outline may exceed
    rows = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter, strict=True)
    width = len(next(rows))
    return sum(len(row) == width for row in rows)


def _count_ecsv(data: bytes, expected: int) -> int:
    from astropy.table import Table  # noqa: PLC0415 -- takes half a second, which other formats do not need

    if expected <= STREAMED_ROWS:
        return len(Table.read(data.decode(), format="ascii.ecsv"))
    lines = data.decode().splitlines(keepends=True)
    return _count_csv("".join(line for line in lines if not line.startswith("#")).encode(), expected, " ")


def _count_votable(data: bytes, expected: int) -> int:
    from astropy.io.votable import parse_single_table  # noqa: PLC0415 -- see _count_ecsv

    return len(parse_single_table(io.BytesIO(data)).array) if expected <= STREAMED_ROWS else sum(_votable_rows(data))


def _votable_rows(data: bytes) -> Iterator[bool]:
    """Yield for each row of a VOTable whether it has a cell for each field."""
    fields = 0
    for _, element in ET.iterparse(io.BytesIO(data)):  # noqa: S314 -- written by this program
        name = element.tag.rpartition("}")[2]
        fields += name == "FIELD"
        if name == "TR":
            yield len(element) == fields
            element.clear()


def _count_geojson(data: bytes, _expected: int) -> int:
    return sum(bool(feature["geometry"]["coordinates"]) for feature in _read_json(data)["features"])


def _read_json(data: bytes | str) -> Any:  # noqa: ANN401 -- any JSON
    """Read JSON as browsers do, without NaN and infinities, which Python accepts."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(data, parse_constant=refuse)


def _count_geopackage(data: bytes, _expected: int) -> int:
    """Count the features of all layers."""
    page_bytes, pages = int.from_bytes(data[16:18], "big"), int.from_bytes(data[28:32], "big")
    if page_bytes * pages != len(data):
        raise ValueError(f"it has {len(data)} bytes, not {page_bytes * pages}")  # SQLite does not miss unused pages
    file = sqlite3.connect(":memory:")
    try:
        file.deserialize(data)
        if (state := file.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise ValueError(state)
        layers = [name for (name,) in file.execute("SELECT table_name FROM gpkg_contents WHERE data_type = 'features'")]
        return sum(int(file.execute(f'SELECT count(geom) FROM "{name}"').fetchone()[0]) for name in layers)  # noqa: S608 -- names of its own
    finally:
        file.close()


def _count_parquet(data: bytes, _expected: int) -> int:
    from pyarrow import parquet  # noqa: PLC0415 -- optional dependency

    return sum(batch.num_rows for batch in parquet.ParquetFile(io.BytesIO(data)).iter_batches())


def _count_coco(data: bytes, _expected: int) -> int:
    coco = _read_json(data)
    images = {image["id"] for image in coco["images"]}
    return sum(annotation["image_id"] in images for annotation in coco["annotations"])


def _count_labels(data: bytes, _expected: int) -> int:
    return sum(len(list(map(float, line.split()))) == 5 for text in _members(data) for line in text.splitlines())


def _count_regions(data: bytes, _expected: int) -> int:
    return sum(line.startswith("polygon(") for text in _members(data) for line in text.splitlines())


def _count_shapefile(data: bytes, _expected: int) -> int:
    """Count the records of the main file by its index, of eight bytes each behind a header of 100."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if (damaged := archive.testzip()) is not None:
            raise ValueError(damaged)
        index, main = archive.read("jmars.shx"), archive.read("jmars.shp")
    if 2 * int.from_bytes(main[24:28], "big") != len(main):
        raise ValueError("jmars.shp is cut short")
    return (len(index) - 100) // 8


def _members(data: bytes) -> Iterator[str]:
    """Yield the texts in the folders of a zip file, those of the inputs; reading checks the sums of all."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if len(set(archive.namelist())) != len(archive.namelist()):
            raise ValueError("two members have the same name")
        for name in archive.namelist():
            text = archive.read(name).decode()
            if "/" in name:
                yield text


def _count_report(data: bytes, _expected: int) -> int:
    page = _Report()
    page.feed(data.decode())
    page.close()
    if not data.rstrip().endswith(b"</html>"):
        raise ValueError("it is cut short")
    return len(_read_json(page.data)["pictures"])


def _count_report_part(data: bytes, _expected: int) -> int:
    call = re.fullmatch(r"addPart\((.*)\);\n", data.decode())
    if not call:
        raise ValueError("it is cut short")
    return len(_read_json(call[1])["pictures"])


class _Report(HTMLParser):
    """Collects the text of the element with the data of the pictures."""

    data = ""
    _inside = False

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = ("id", "data") in attrs

    def handle_endtag(self, _tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        self.data += data if self._inside else ""


def _count_fits(data: bytes, _expected: int) -> int:
    from astropy.io import fits  # noqa: PLC0415 -- see _count_ecsv

    with fits.open(io.BytesIO(data)) as hdus:
        return int(np.count_nonzero(hdus[1].data["pixels"]))


def _count_picture(data: bytes, _expected: int) -> int:
    return int(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is not None)


_READERS: dict[str, Callable[[bytes, int], int]] = {  # by name or suffix
    ".csv": _count_csv,
    ".ecsv": _count_ecsv,
    ".vot": _count_votable,
    ".geojson": _count_geojson,
    ".gpkg": _count_geopackage,
    ".parquet": _count_parquet,
    ".fits": _count_fits,
    ".png": _count_picture,
    ".js": _count_report_part,
    "annotations.coco.json": _count_coco,
    "labels.yolo.zip": _count_labels,
    "regions.ds9.zip": _count_regions,
    "jmars.shp.zip": _count_shapefile,
    "report.html": _count_report,
}
