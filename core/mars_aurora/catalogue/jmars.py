"""Files for JMARS: points as CSV, and a shapefile of simple polygons, which are all that its shape layer reads.

JMARS takes the columns ``lon`` and ``lat`` as east longitude and planetocentric latitude. Names of attributes have at
most ten characters, as dBASE allows.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import shapely

from mars_aurora.catalogue.cells import write_csv
from mars_aurora.catalogue.geographic import split_mapped, write_features
from mars_aurora.catalogue.tables import Row, RowTable

ATTRIBUTES = {  # of JMARS: column of the table of auroras
    "lon": "lon_deg",
    "lat": "lat_deg",
    "aurora_id": "aurora_id",
    "time_utc": "first_utc",
    "ls_deg": "solar_longitude_deg",
    "lt_h": "local_time_h",
    "sza_deg": "sza_deg",
    "mean_R": "mean_brightness_R",
    "peak_R": "peak_brightness_R",
    "snr": "snr",
    "area_km2": "area_km2",
    "morphology": "morphology",
    "flags": "quality_flags",
    "sightings": "sightings",
    "frame": "latitude_frame",
}
_STEM = "jmars"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def write_points(path: Path, table: RowTable[Row]) -> int:
    """Write one line for each aurora, with the position of its centroid; return their number."""
    return write_csv(path, ATTRIBUTES, map(attrgetter(*ATTRIBUTES.values()), table.rows))


def write_shapefile(path: Path, table: RowTable[Row]) -> int:
    """Write a zip file with a shapefile of one polygon for each part of an outline; the parts of one share its id.

    It requires the extra ``maps``. Returns the number of polygons.
    """
    with tempfile.TemporaryDirectory() as folder:
        shape, parts = Path(folder, f"{_STEM}.shp"), _list_parts(table.rows)
        count = write_features(shape, table, ATTRIBUTES, parts, "Polygon", driver="ESRI Shapefile")
        _zip(Path(folder), path)
    return count


def _list_parts(rows: Iterable[Row]) -> Iterator[tuple[Row, Any]]:
    for block, outlines in split_mapped(rows):
        for row, outline in zip(block, outlines, strict=True):
            for part in shapely.get_parts(outline):
                yield row, shapely.orient_polygons(shapely.Polygon(part.exterior), exterior_cw=True)  # as ESRI asks


def _zip(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(folder.iterdir()):
            with archive.open(_describe_member(part.name), "w", force_zip64=True) as member, part.open("rb") as file:
                shutil.copyfileobj(file, member)


def _describe_member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _FIXED_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info
