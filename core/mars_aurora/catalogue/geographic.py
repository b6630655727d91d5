"""Geographic files: GeoJSON, GeoPackage and GeoParquet of outlines with all columns of their table.

Longitudes of the outlines are -180 to 180, cut there and at the poles; those of the columns are east, 0 to 360.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from mars_aurora.catalogue.cells import finite_or_none
from mars_aurora.catalogue.crs import (
    GEOPACKAGE_OPTIONS,
    complete_geopackage,
    define_for_gdal,
    describe_for_parquet,
    name_for_geojson,
)
from mars_aurora.catalogue.rows import BLOCK_ROWS
from mars_aurora.catalogue.tables import Kind, Row, RowTable
from mars_aurora.geometry.antimeridian import cut_all
from mars_aurora.run.slices import split

_DTYPES: dict[type, type] = {int: np.int64, float: np.float64, str: object}


def is_installed(suffix: str) -> bool:
    """Return whether the extra that writes files with a suffix is installed: ``parquet``, or ``maps`` for others."""
    return find_spec("pyarrow" if suffix == ".parquet" else "pyogrio") is not None


def split_mapped(rows: Iterable[Row]) -> Iterator[tuple[list[Row], list[shapely.MultiPolygon]]]:
    """Yield blocks of rows with their outlines for maps, see `cut_at_antimeridian`."""
    for block in split(rows, BLOCK_ROWS):
        yield block, _cut(*(row.outline_wkt for row in block))


@lru_cache(maxsize=2)  # a process that writes several formats has one block of detections and one of auroras
def _cut(*outlines_wkt: str) -> list[shapely.MultiPolygon]:
    return cut_all(shapely.from_wkt(outlines_wkt))


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
    fields = {name: name for name in list_properties(table.kind)}
    features = ((row, outline) for block in split_mapped(table.rows) for row, outline in zip(*block, strict=True))
    options: dict[str, Any] = GEOPACKAGE_OPTIONS | {"driver": "GPKG", "layer": table.kind.name}
    metadata = {name: str(value) for name, value in table.provenance.to_dict().items()}
    count = write_features(path, table, fields, features, "MultiPolygon", metadata=metadata, **options)
    complete_geopackage(path, table.crs)
    return count


def write_features(  # noqa: PLR0913 -- a file, its fields and features, and options of its format
    path: Path,
    table: RowTable[Row],
    fields: Mapping[str, str],
    features: Iterable[tuple[Row, BaseGeometry]],
    geometry_type: str,
    *,
    metadata: dict[str, str] | None = None,
    **options: Any,  # noqa: ANN401 -- of pyogrio
) -> int:
    """Write rows of a table with their outlines to a file by GDAL, in blocks; return their number.

    None and NaN become NULL. ``fields`` are the names of the columns of the table by those of the fields of the file.
    """
    from pyogrio import raw  # noqa: PLC0415 -- optional dependency

    kinds = {column.name: column.kind for column in table.kind.columns}
    options |= {"geometry_type": geometry_type, "crs": define_for_gdal(table.crs)}
    blocks, count = split(features, BLOCK_ROWS), 0
    for block in chain([next(blocks, [])], blocks):  # a file without features is written, too
        rows, outlines = zip(*block, strict=True) if block else ((), ())
        values = {field: [getattr(row, column) for row in rows] for field, column in fields.items()}
        masks = [np.array([value is None for value in column], bool) for column in values.values()]
        data: list[NDArray[Any]] = [
            np.array([0 if value is None else value for value in column], _DTYPES[kinds[fields[field]]])
            for field, column in values.items()
        ]
        once = {"append": True} if count else {"dataset_metadata": metadata}
        raw.write(path, shapely.to_wkb(np.array(outlines, object)), data, list(fields), masks, **options, **once)
        count += len(block)
    return count


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
