"""Maps: GeoJSON, GeoPackage and GeoParquet, outlines with all columns.

Longitudes are east, 0 to 360, on IAU_2015:49900 (Mars 2015, sphere, ocentric); outlines are cut at 0/360.
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


def are_installed() -> bool:
    """Tell whether the extra ``formats`` is there, which GeoPackage and GeoParquet need."""
    return all(find_spec(module) for module in ("geopandas", "pyogrio", "pyarrow"))


def to_geojson(auroras: Sequence[Aurora]) -> bytes:
    """Write a FeatureCollection; its ``crs`` member says that this is Mars, which RFC 7946 has no way to say."""
    features = [
        {"type": "Feature", "geometry": shapely.geometry.mapping(_outline(aurora)), "properties": _properties(aurora)}
        for aurora in auroras
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:IAU:2015:49900"}}
    return json.dumps({"type": "FeatureCollection", "name": "catalogue", "crs": crs, "features": features}).encode()


def to_geopackage(auroras: Sequence[Aurora]) -> bytes:
    """Write a GeoPackage, layer ``catalogue``; nothing where the extra ``formats`` is not installed."""
    return _written(
        auroras, "catalogue.gpkg", lambda frame, path: frame.to_file(path, layer="catalogue", driver="GPKG")
    )


def to_geoparquet(auroras: Sequence[Aurora]) -> bytes:
    """Write GeoParquet; nothing where the extra ``formats`` is not installed."""
    return _written(auroras, "catalogue.parquet", lambda frame, path: frame.to_parquet(path))


def _written(auroras: Sequence[Aurora], name: str, write: Callable[[Any, Path], None]) -> bytes:
    if not are_installed():
        return b""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(_frame(auroras), path)
        return path.read_bytes()


def _frame(auroras: Sequence[Aurora]) -> Any:  # noqa: ANN401 -- geopandas has no types
    import geopandas  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

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
    own = {name: value for name, value in asdict(aurora).items() if name != "outline_wkt"}
    return {name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in own.items()}
