"""Geographic files: GeoJSON, GeoPackage and GeoParquet of outlines with all columns of their table.

Longitudes of the outlines are -180 to 180, cut there and at the poles; those of the columns are east, 0 to 360.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import shapely

from mars_aurora.catalogue.cells import finite_or_none
from mars_aurora.catalogue.crs import GEOPACKAGE_OPTIONS, complete_geopackage, find_crs, name_for_geojson
from mars_aurora.catalogue.tables import DETECTIONS, Kind, Row
from mars_aurora.geometry.antimeridian import cut_at_antimeridian
from mars_aurora.run.provenance import Provenance

_WRITERS = {".parquet": "pyarrow"}  # by suffix; other files are written by pyogrio


def is_installed(suffix: str) -> bool:
    """Return whether the extra that writes files with a suffix is installed: ``parquet``, or ``maps`` for others."""
    return all(find_spec(module) for module in ("geopandas", _WRITERS.get(suffix, "pyogrio")))


def map_outline(row: Row) -> shapely.MultiPolygon:
    """Return the outline of a row for maps, see `cut_at_antimeridian`."""
    return cut_at_antimeridian(shapely.from_wkt(row.outline_wkt))


def to_geojson(rows: Sequence[Row], provenance: Provenance, kind: Kind = DETECTIONS) -> bytes:
    """Write a FeatureCollection, with the provenance as a further member.

    RFC 7946 has no field for a reference system other than WGS 84; the ``crs`` member of GeoJSON 2008 specifies Mars.
    """
    crs = {"type": "name", "properties": {"name": name_for_geojson(_find_crs(rows))}}
    members = {"type": "FeatureCollection", "name": kind.name, "crs": crs, "provenance": provenance.to_dict()}
    return json.dumps(members | {"features": [_feature(row, kind) for row in rows]}).encode()


def to_geopackage(rows: Sequence[Row], provenance: Provenance, kind: Kind = DETECTIONS) -> bytes:
    """Write a GeoPackage with one layer, named after the table, and the provenance as its metadata.

    Returns no bytes if the extra ``maps`` is not installed.
    """

    def write(path: Path) -> None:
        metadata = {name: str(value) for name, value in provenance.to_dict().items()}
        options = GEOPACKAGE_OPTIONS | {"driver": "GPKG", "engine": "pyogrio", "dataset_metadata": metadata}
        _frame(rows, kind).to_file(path, layer=kind.name, **options)
        complete_geopackage(path, _find_crs(rows))

    return write_file(f"{kind.name}.gpkg", write)


def to_geoparquet(rows: Sequence[Row], provenance: Provenance, kind: Kind = DETECTIONS) -> bytes:
    """Write GeoParquet, with the provenance as ``mars_aurora`` in the metadata of the schema.

    Returns no bytes if the extra ``parquet`` is not installed.
    """

    def write(path: Path) -> None:
        from pyarrow import parquet  # noqa: PLC0415 -- optional dependency

        _frame(rows, kind).to_parquet(path)
        table = parquet.read_table(path)
        metadata = {**table.schema.metadata, b"mars_aurora": provenance.to_json().encode()}
        parquet.write_table(table.replace_schema_metadata(metadata), path)

    return write_file(f"{kind.name}.parquet", write)


def write_file(name: str, write: Callable[[Path], None]) -> bytes:
    """Return the bytes of a file that a function writes; none if the extra for its suffix is not installed."""
    if not is_installed(Path(name).suffix):
        return b""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def _frame(rows: Sequence[Row], kind: Kind) -> Any:  # noqa: ANN401 -- geopandas has no types
    import geopandas  # noqa: PLC0415 -- optional dependency
    import pandas as pd  # noqa: PLC0415 -- optional dependency

    dtypes = {int: "Int64", float: "float64", str: "str"}
    data = {
        column.name: pd.Series([getattr(row, column.name) for row in rows], dtype=dtypes[column.kind])
        for column in kind.columns
        if column.name != "outline_wkt"
    }
    crs = _find_crs(rows)
    return geopandas.GeoDataFrame(data, geometry=geopandas.GeoSeries(map(map_outline, rows), crs=crs), crs=crs)


def _find_crs(rows: Iterable[Row]) -> str:
    return find_crs(row.latitude_frame for row in rows)


def _feature(row: Row, kind: Kind) -> dict[str, Any]:
    names = [column.name for column in kind.columns if column.name != "outline_wkt"]
    properties = {name: finite_or_none(getattr(row, name)) for name in names}
    return {"type": "Feature", "geometry": shapely.geometry.mapping(map_outline(row)), "properties": properties}
