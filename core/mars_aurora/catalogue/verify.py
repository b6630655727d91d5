"""Read each product back and count its rows, before a run reports success.

Each product is read completely, so that a row that cannot be read is found, and where possible by another library than
that which wrote it. Tables are read row by row, in little memory.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree import ElementTree as ET

import numpy as np

from mars_aurora.catalogue.rows import BLOCK_ROWS
from mars_aurora.errors import ProductError

_MAX_CELL = 1 << 30


def verify_product(name: str, path: Path, rows: int) -> None:
    """Check that a product can be read and has a number of rows; raises ProductError naming it.

    Parameters
    ----------
    name : str
        Name or key of the product.
    path : Path
        A file with its contents.
    rows : int
        Expected number of rows: lines, features, annotations, pictures of a report, or boxes or outlines of a zip file.
    """
    file_name = name.rpartition("/")[2]
    count = _READERS.get(file_name) or _READERS[file_name[file_name.rindex(".") :]]
    try:
        found = count(path)
    except Exception as error:
        raise ProductError(f"{name}: it cannot be read back: {type(error).__name__}: {error}") from error
    if found != rows:
        raise ProductError(f"{name}: {found} rows were read back, not {rows}")


def _count_csv(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return _count_lines(file, ",")


def _count_lines(lines: Iterable[str], delimiter: str) -> int:
    csv.field_size_limit(_MAX_CELL)  # 131,072 by default, which an outline may exceed
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    width = len(next(rows))
    return sum(len(row) == width for row in rows)


def _count_ecsv(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return _count_lines((line for line in file if not line.startswith("#")), " ")


def _count_votable(path: Path) -> int:
    with path.open("rb") as file:
        return sum(_votable_rows(file))


def _votable_rows(file: BinaryIO) -> Iterator[bool]:
    """Yield for each row of a VOTable whether it has a cell for each field."""
    fields, table = 0, None
    for event, element in ET.iterparse(file, ("start", "end")):  # noqa: S314 -- written by this program
        name = element.tag.rpartition("}")[2]
        if event == "start":
            table = element if name == "TABLEDATA" else table
            continue
        fields += name == "FIELD"
        if name == "TR" and table is not None:
            yield len(element) == fields
            table.clear()


def _count_geojson(path: Path) -> int:
    """Count the features, which have a line each."""
    with path.open(encoding="utf-8") as file:
        _read_json(f"{next(file)}]}}")
        return sum(map(_has_coordinates, _read_lines(file, "]}\n")))


def _has_coordinates(feature: Any) -> bool:  # noqa: ANN401 -- any JSON
    return bool(feature["geometry"]["coordinates"])


def _read_lines(lines: Iterator[str], last: str) -> Iterator[Any]:
    """Yield the items of a JSON list, which have a line each, up to a last line."""
    is_open = True  # an item must follow or may be the first
    for line in lines:
        if line == last:
            return
        if not is_open:
            raise ValueError("items are not separated")
        item = line.rstrip("\n")
        is_open = item.endswith(",")
        yield _read_json(item.removesuffix(","))
    raise ValueError("it is cut short")


def _read_json(data: bytes | str) -> Any:  # noqa: ANN401 -- any JSON
    """Read JSON as browsers do, without NaN and infinities, which Python accepts."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(data, parse_constant=refuse)


def _count_geopackage(path: Path) -> int:
    """Count the features of all layers."""
    with path.open("rb") as opened:
        head = opened.read(32)
    size, page_bytes, pages = path.stat().st_size, int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:], "big")
    if page_bytes * pages != size:
        raise ValueError(f"it has {size} bytes, not {page_bytes * pages}")  # SQLite does not miss unused pages
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as file:
        if (state := file.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise ValueError(state)
        layers = [name for (name,) in file.execute("SELECT table_name FROM gpkg_contents WHERE data_type = 'features'")]
        return sum(int(file.execute(f'SELECT count(geom) FROM "{name}"').fetchone()[0]) for name in layers)  # noqa: S608 -- names of its own


def _count_parquet(path: Path) -> int:
    from pyarrow import parquet  # noqa: PLC0415 -- optional dependency

    with path.open("rb") as opened, parquet.ParquetFile(opened) as file:  # Arrow takes paths in UTF-8 only
        return sum(batch.num_rows for batch in file.iter_batches(BLOCK_ROWS))


def _count_coco(path: Path) -> int:
    """Count the annotations; pictures and annotations have a line each."""
    with path.open(encoding="utf-8") as file:
        _read_json(f"{next(file)}]}}")
        images = {image["id"] for image in _read_lines(file, '], "annotations": [\n')}
        return sum(annotation["image_id"] in images for annotation in _read_lines(file, "]}\n"))


def _count_labels(path: Path) -> int:
    return sum(len(list(map(float, line.split()))) == 5 for text in _members(path) for line in text.splitlines())


def _count_regions(path: Path) -> int:
    return sum(line.startswith("polygon(") for text in _members(path) for line in text.splitlines())


def _count_shapefile(path: Path) -> int:
    """Count the records of the main file by its index, of eight bytes each behind a header of 100."""
    with zipfile.ZipFile(path) as archive:
        if (damaged := archive.testzip()) is not None:
            raise ValueError(damaged)
        with archive.open("jmars.shp") as main:
            length = 2 * int.from_bytes(main.read(28)[24:], "big")
        if length != archive.getinfo("jmars.shp").file_size:
            raise ValueError("jmars.shp is cut short")
        return (archive.getinfo("jmars.shx").file_size - 100) // 8


def _members(path: Path) -> Iterator[str]:
    """Yield the texts in the folders of a zip file, those of the inputs; reading checks the sums of all."""
    with zipfile.ZipFile(path) as archive:
        if len(set(archive.namelist())) != len(archive.namelist()):
            raise ValueError("two members have the same name")
        for name in archive.namelist():
            text = archive.read(name).decode()
            if "/" in name:
                yield text


def _count_report(path: Path) -> int:
    page, text = _Report(), path.read_text(encoding="utf-8")
    page.feed(text)
    page.close()
    if not text.rstrip().endswith("</html>"):
        raise ValueError("it is cut short")
    return len(_read_json(page.data)["pictures"])


def _count_report_part(path: Path) -> int:
    call = re.fullmatch(r"addPart\((.*)\);\n", path.read_text(encoding="utf-8"))
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


def _count_fits(path: Path) -> int:
    from astropy.io import fits  # noqa: PLC0415 -- no other product needs it

    with fits.open(io.BytesIO(path.read_bytes())) as hdus:
        return int(np.count_nonzero(hdus[1].data["pixels"]))


def _count_picture(path: Path) -> int:
    import cv2  # noqa: PLC0415 -- the function that writes GeoParquet does not have it

    return int(cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED) is not None)


_READERS: dict[str, Callable[[Path], int]] = {  # by name or suffix
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
