"""Geographic files: GeoJSON, GeoPackage and GeoParquet of the outlines with all catalogue columns.

Longitudes are east, 0 to 360 degrees; outlines are split at 0/360. Latitudes are those of the inputs, and the reference
system is that of their frame: the ellipsoid of the IAU 2015 report where all of them are planetographic, else its
sphere (IAU_2015:49900, planetocentric). Where they are undetermined or of several frames, positions in the sphere are
off by up to 20 km; the column ``latitude_frame`` tells the frame of each row.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import shapely

from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue.cells import finite_or_none
from mars_aurora.run.provenance import Provenance

SPHERE = "IAU_2015:49900"
# IAU_2015:49901 with its longitudes to the east: there they are to the west
ELLIPSOID = (
    'GEOGCRS["Mars (2015) / Ographic, east longitude",DATUM["Mars (2015)",'
    'ELLIPSOID["Mars (2015)",3396190,169.894447223612,LENGTHUNIT["metre",1]],ANCHOR["Viking 1 lander: 47.95137 W"]],'
    'PRIMEM["Reference Meridian",0,ANGLEUNIT["degree",0.0174532925199433]],CS[ellipsoidal,2],'
    'AXIS["geodetic latitude (Lat)",north,ORDER[1],ANGLEUNIT["degree",0.0174532925199433]],'
    'AXIS["geodetic longitude (Lon)",east,ORDER[2],ANGLEUNIT["degree",0.0174532925199433]]]'
)
_GEOJSON_NAMES = {
    SPHERE: "urn:ogc:def:crs:IAU:2015:49900",
    ELLIPSOID: "+proj=longlat +a=3396190 +b=3376200 +no_defs",  # has no code
}


def find_crs(auroras: Sequence[Aurora]) -> str:
    """Find the reference system of the outlines: `ELLIPSOID` if all latitudes are planetographic, else `SPHERE`."""
    frames = {aurora.latitude_frame for aurora in auroras}
    return ELLIPSOID if frames == {"planetographic"} else SPHERE


def is_extra_installed() -> bool:
    """Return whether the extra ``formats`` is installed, which GeoPackage and GeoParquet require."""
    return all(find_spec(module) for module in ("geopandas", "pyogrio", "pyarrow"))


def to_geojson(auroras: Sequence[Aurora], provenance: Provenance) -> bytes:
    """Write a FeatureCollection, with the provenance as a further member.

    RFC 7946 has no field for a reference system other than WGS 84; the ``crs`` member of GeoJSON 2008 specifies Mars.
    """
    features = [
        {"type": "Feature", "geometry": shapely.geometry.mapping(_outline(aurora)), "properties": _properties(aurora)}
        for aurora in auroras
    ]
    crs = {"type": "name", "properties": {"name": _GEOJSON_NAMES[find_crs(auroras)]}}
    members = {"type": "FeatureCollection", "name": "catalogue", "crs": crs, "provenance": provenance.to_dict()}
    return json.dumps(members | {"features": features}).encode()


def to_geopackage(auroras: Sequence[Aurora], provenance: Provenance) -> bytes:
    """Write a GeoPackage with the layer ``catalogue`` and the provenance as its metadata.

    Returns no bytes if the extra ``formats`` is not installed.
    """

    def write(frame: Any, path: Path) -> None:  # noqa: ANN401 -- geopandas has no types
        metadata = {name: str(value) for name, value in provenance.to_dict().items()}
        frame.to_file(path, layer="catalogue", driver="GPKG", engine="pyogrio", dataset_metadata=metadata)

    return _write_file(auroras, "catalogue.gpkg", write)


def to_geoparquet(auroras: Sequence[Aurora], provenance: Provenance) -> bytes:
    """Write GeoParquet, with the provenance as ``mars_aurora`` in the metadata of the schema.

    Returns no bytes if the extra ``formats`` is not installed.
    """

    def write(frame: Any, path: Path) -> None:  # noqa: ANN401 -- geopandas has no types
        from pyarrow import parquet  # noqa: PLC0415 -- optional dependency

        frame.to_parquet(path)
        table = parquet.read_table(path)
        metadata = {**table.schema.metadata, b"mars_aurora": provenance.to_json().encode()}
        parquet.write_table(table.replace_schema_metadata(metadata), path)

    return _write_file(auroras, "catalogue.parquet", write)


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
    outlines, crs = [_outline(aurora) for aurora in auroras], find_crs(auroras)
    return geopandas.GeoDataFrame(data, geometry=geopandas.GeoSeries(outlines, crs=crs), crs=crs)


def _outline(aurora: Aurora) -> Any:  # noqa: ANN401 -- shapely has no types
    outline = shapely.from_wkt(aurora.outline_wkt)
    return outline if outline.geom_type == "MultiPolygon" else shapely.MultiPolygon([outline])


def _properties(aurora: Aurora) -> dict[str, object]:
    names = [column.name for column in COLUMNS if column.name != "outline_wkt"]
    return {name: finite_or_none(getattr(aurora, name)) for name in names}
