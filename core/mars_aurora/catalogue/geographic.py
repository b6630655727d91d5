"""Geographic files: GeoJSON, GeoPackage and GeoParquet of outlines with all columns of their table.

Longitudes of the outlines are -180 to 180, cut there and at the poles; those of the columns are east, 0 to 360.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from mars_aurora.catalogue.cells import finite_or_none
from mars_aurora.catalogue.crs import GEOPACKAGE_OPTIONS, complete_geopackage, describe_for_parquet, name_for_geojson
from mars_aurora.catalogue.rows import BLOCK_ROWS
from mars_aurora.catalogue.tables import Kind, Row, RowTable
from mars_aurora.geometry.antimeridian import cut_all
from mars_aurora.run.slices import split

_MODULES = {".parquet": ("pyarrow",)}  # by suffix; other files are written by geopandas


def is_installed(suffix: str) -> bool:
    """Return whether the extra that writes files with a suffix is installed: ``parquet``, or ``maps`` for others."""
    return all(find_spec(module) for module in _MODULES.get(suffix, ("geopandas", "pyogrio")))


def split_mapped(rows: Iterable[Row]) -> Iterator[tuple[list[Row], list[shapely.MultiPolygon]]]:
    """Yield blocks of rows with their outlines for maps, see `cut_at_antimeridian`."""
    for block in split(rows, BLOCK_ROWS):
        yield block, cut_all(shapely.from_wkt([row.outline_wkt for row in block]))


def write_geojson(path: Path, table: RowTable[Row]) -> int:
    """Write a FeatureCollection, one feature a line, with the provenance as a further member; return their number.

    RFC 7946 has no field for a reference system other than WGS 84; the ``crs`` member of GeoJSON 2008 specifies Mars.
    """
    crs = {"type": "name", "properties": {"name": name_for_geojson(table.crs)}}
    provenance = table.provenance.to_dict()
    members = {"type": "FeatureCollection", "name": table.kind.name, "crs": crs, "provenance": provenance}
    names = list_properties(table.kind)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(json.dumps(members)[:-1] + ', "features": [')
        separator = "\n"
        for block, outlines in split_mapped(table.rows):
            for row, geometry in zip(block, shapely.to_geojson(outlines), strict=True):
                properties = json.dumps({name: finite_or_none(getattr(row, name)) for name in names})
                file.write(f'{separator}{{"type": "Feature", "geometry": {geometry}, "properties": {properties}}}')
                separator = ",\n"
        file.write("\n]}\n")
    return len(table.rows)


def write_geopackage(path: Path, table: RowTable[Row]) -> int:
    """Write a GeoPackage with one layer, named after the table, and the provenance as its metadata.

    It requires the extra ``maps``. Returns the number of rows.
    """
    metadata = {name: str(value) for name, value in table.provenance.to_dict().items()}
    options = GEOPACKAGE_OPTIONS | {"driver": "GPKG", "engine": "pyogrio", "layer": table.kind.name}
    new: dict[str, Any] = {"dataset_metadata": metadata}
    for frame in make_frames(table):
        frame.to_file(path, **options, **new)
        new = {"mode": "a"}
    complete_geopackage(path, table.crs)
    return len(table.rows)


def make_frames(table: RowTable[Row]) -> Iterator[Any]:
    """Yield the rows in blocks, as data frames of geopandas; at least one, which is empty if there are no rows."""
    import geopandas  # noqa: PLC0415 -- optional dependency
    import pandas as pd  # noqa: PLC0415 -- optional dependency

    dtypes = {int: "Int64", float: "float64", str: "str"}
    kinds = {column.name: dtypes[column.kind] for column in table.kind.columns}
    for block, outlines in split_mapped(table.rows) if len(table.rows) else [([], [])]:
        data = {
            name: pd.Series([getattr(row, name) for row in block], dtype=kinds[name])
            for name in list_properties(table.kind)
        }
        yield geopandas.GeoDataFrame(data, geometry=geopandas.GeoSeries(outlines, crs=table.crs), crs=table.crs)


def write_geoparquet(path: Path, table: RowTable[Row]) -> int:
    """Write GeoParquet 1.0, with the provenance as ``mars_aurora`` in the metadata of the schema.

    It requires the extra ``parquet``. Returns the number of rows.
    """
    import pyarrow as pa  # noqa: PLC0415 -- optional dependency
    from pyarrow import parquet  # noqa: PLC0415 -- optional dependency

    fields = make_fields((column.name, column.kind) for column in table.kind.columns if column.name != "outline_wkt")
    metadata = {"geo": describe_for_parquet(table.crs), "mars_aurora": table.provenance.to_json()}
    schema = pa.schema([*fields, ("geometry", pa.binary())], metadata)
    with parquet.ParquetWriter(path, schema, compression="snappy") as writer:
        for block, outlines in split_mapped(table.rows):
            values = [_to_array(block, field.name, field.type) for field in fields]
            shapes = pa.array(shapely.to_wkb(np.array(outlines, object)), pa.binary())
            writer.write_batch(pa.record_batch([*values, shapes], schema=schema))
    return len(table.rows)


def make_fields(columns: Iterable[tuple[str, type]]) -> list[Any]:
    """Make fields of pyarrow from names and types of columns."""
    import pyarrow as pa  # noqa: PLC0415 -- optional dependency

    types = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    return [pa.field(name, types[kind]) for name, kind in columns]


def _to_array(rows: Sequence[Row], name: str, kind: Any) -> Any:  # noqa: ANN401 -- pyarrow has no types
    """Return a column as an array of pyarrow; NaN is null, as geopandas writes it."""
    import pyarrow as pa  # noqa: PLC0415 -- optional dependency

    return pa.array([getattr(row, name) for row in rows], kind, from_pandas=True)


def list_properties(kind: Kind) -> list[str]:
    """Return the names of the columns of a table but for that of the outline."""
    return [column.name for column in kind.columns if column.name != "outline_wkt"]
