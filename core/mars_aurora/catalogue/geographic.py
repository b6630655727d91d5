"""Geographic files: GeoJSON, GeoPackage and GeoParquet of the outlines with all catalogue columns.

Longitudes are east, 0 to 360 degrees, in IAU_2015:49900 (Mars 2015, sphere, ocentric); outlines are split at 0/360.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from mars_aurora.aurora import COLUMNS, Aurora

CRS = "IAU_2015:49900"


def is_extra_installed() -> bool:
    """Return whether the extra ``formats`` is installed, which GeoPackage and GeoParquet require."""
    return all(find_spec(module) for module in ("geopandas", "pyogrio", "pyarrow"))


def to_geojson(auroras: Sequence[Aurora]) -> bytes:
    """Write a FeatureCollection.

    RFC 7946 has no field for a reference system other than WGS 84; the ``crs`` member of GeoJSON 2008 specifies Mars.
    """
    features = [
        {"type": "Feature", "geometry": shapely.geometry.mapping(_outline(aurora)), "properties": _properties(aurora)}
        for aurora in auroras
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:IAU:2015:49900"}}
    return json.dumps({"type": "FeatureCollection", "name": "catalogue", "crs": crs, "features": features}).encode()


def to_geopackage(auroras: Sequence[Aurora]) -> bytes:
    """Write a GeoPackage with the layer ``catalogue``; return no bytes if the extra ``formats`` is not installed."""
    return _write_file(
        auroras, "catalogue.gpkg", lambda frame, path: frame.to_file(path, layer="catalogue", driver="GPKG")
    )


def to_geoparquet(auroras: Sequence[Aurora]) -> bytes:
    """Write GeoParquet; return no bytes if the extra ``formats`` is not installed."""
    return _write_file(auroras, "catalogue.parquet", lambda frame, path: frame.to_parquet(path))


def _write_file(auroras: Sequence[Aurora], name: str, write: Callable[[Any, Path], None]) -> bytes:
    if not is_extra_installed():
        return b""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(_frame(auroras), path)
        return path.read_bytes()


def _frame(auroras: Sequence[Aurora]) -> Any:  # noqa: ANN401 -- geopandas has no types
    import geopandas  # noqa: PLC0415 -- optional dependency
    import pandas as pd  # noqa: PLC0415 -- optional dependency

    kinds = {int: "Int64", float: "float64", str: "str"}
    data = {
        column.name: pd.Series([getattr(aurora, column.name) for aurora in auroras], dtype=kinds[column.kind])
        for column in COLUMNS
        if column.name != "outline_wkt"
    }
    outlines = [_outline(aurora) for aurora in auroras]
    return geopandas.GeoDataFrame(data, geometry=geopandas.GeoSeries(outlines, crs=CRS), crs=CRS)


def _outline(aurora: Aurora) -> Any:  # noqa: ANN401 -- shapely has no types
    outline = shapely.from_wkt(aurora.outline_wkt)
    return outline if outline.geom_type == "MultiPolygon" else shapely.MultiPolygon([outline])


def _properties(aurora: Aurora) -> dict[str, object]:
    columns = {name: value for name, value in asdict(aurora).items() if name != "outline_wkt"}
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in columns.items()
    }
