"""Files for JMARS: points as CSV, and a shapefile of simple polygons, which are all that its shape layer reads.

JMARS takes the columns ``lon`` and ``lat`` as east longitude and planetocentric latitude. Names of attributes have at
most ten characters, as dBASE allows.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import shapely

from mars_aurora.catalogue.cells import write_csv
from mars_aurora.catalogue.crs import find_crs
from mars_aurora.catalogue.entries import Entry
from mars_aurora.catalogue.geographic import map_outline, write_file

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


def to_points(entries: Iterable[Entry]) -> bytes:
    """Write one line for each aurora, with the position of its centroid."""
    return write_csv(ATTRIBUTES, ([getattr(entry, name) for name in ATTRIBUTES.values()] for entry in entries))


def to_shapefile(entries: Sequence[Entry]) -> bytes:
    """Write a zip file with a shapefile of one polygon for each part of an outline; the parts of one share its id.

    Returns no bytes if the extra ``maps`` is not installed.
    """

    def write(path: Path) -> None:
        import geopandas  # noqa: PLC0415 -- optional dependency

        parts = list(_list_parts(entries))
        data = {name: [getattr(entry, column) for entry, _ in parts] for name, column in ATTRIBUTES.items()}
        crs = find_crs(entry.latitude_frame for entry in entries)
        frame = geopandas.GeoDataFrame(data, geometry=[part for _, part in parts], crs=crs)
        shape = path.parent / f"{_STEM}.shp"
        frame.to_file(shape, driver="ESRI Shapefile", engine="pyogrio", geometry_type="Polygon")
        path.write_bytes(_zip(path.parent))

    return write_file("jmars.shp.zip", write)


def count_parts(entries: Iterable[Entry]) -> int:
    """Count the polygons of the shapefile."""
    return sum(1 for _ in _list_parts(entries))


def _list_parts(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Any]]:
    for entry in entries:
        for part in shapely.get_parts(map_outline(entry)):
            yield entry, shapely.orient_polygons(shapely.Polygon(part.exterior), exterior_cw=True)  # as ESRI asks


def _zip(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(path.name, _FIXED_TIME), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()
