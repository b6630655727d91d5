"""Reference systems of the outlines, and work-arounds for programs that do not know those of Mars.

Latitudes are those of the inputs, and the reference system is that of their frame: the ellipsoid of the IAU 2015
report where all of them are planetographic, else its sphere (IAU_2015:49900, planetocentric). Where they are
undetermined or of several frames, positions in the sphere are off by up to 20 km; the column ``latitude_frame`` tells
the frame of each row.

Work-arounds, measured with QGIS 3.22, GDAL 3.6 and 3.12, each for an upstream fault:

- The code IAU_2015:49900 is an invention of PROJ (https://github.com/OSGeo/PROJ/issues/2876): WKT 1 can state neither
  the year nor this authority. GDAL writes ``AUTHORITY["IAU","49900"]``, which no program resolves
  (https://github.com/rasterio/rasterio/issues/3206, https://github.com/rasterio/rasterio/pull/3217). QGIS before
  2025-04 then takes the system as invalid (https://github.com/qgis/QGIS/issues/53917,
  https://github.com/qgis/QGIS/issues/61385, mended in https://github.com/qgis/QGIS/pull/61390).
- So a GeoJSON states its system as WKT without codes (`name_for_geojson`): GDAL converts each form of the code to that
  authority, and takes the address of the OGC registry for WGS 84.
- In a GeoPackage, ``definition`` is WKT 1 and stays as GDAL writes it; ``definition_12_063``, which readers prefer, is
  WKT 2, which can state the year. GDAL writes it without, and `complete_geopackage` adds it.
- GeoParquet has PROJJSON, which is right in both cases (`describe_for_parquet`).
- GDAL 3.6 warns of the version 1.4 of GeoPackage, which newer ones write: 1.3 is requested.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

SPHERE = "IAU_2015:49900"
# IAU_2015:49901 with its longitudes to the east: there they are to the west
ELLIPSOID = (
    'GEOGCRS["Mars (2015) / Ographic, east longitude",DATUM["Mars (2015)",'
    'ELLIPSOID["Mars (2015)",3396190,169.894447223612,LENGTHUNIT["metre",1]],ANCHOR["Viking 1 lander: 47.95137 W"]],'
    'PRIMEM["Reference Meridian",0,ANGLEUNIT["degree",0.0174532925199433]],CS[ellipsoidal,2],'
    'AXIS["geodetic latitude (Lat)",north,ORDER[1],ANGLEUNIT["degree",0.0174532925199433]],'
    'AXIS["geodetic longitude (Lon)",east,ORDER[2],ANGLEUNIT["degree",0.0174532925199433]]]'
)
GEOPACKAGE_OPTIONS = {"CRS_WKT_EXTENSION": "YES", "VERSION": "1.3"}
# constants, as writing them needs no PROJ
_WKT_1 = {
    SPHERE: (
        'GEOGCS["Mars (2015) - Sphere / Ocentric",DATUM["Mars (2015) - Sphere",'
        'SPHEROID["Mars (2015) - Sphere",3396190,0,AUTHORITY["IAU","49900"]],AUTHORITY["IAU","49900"]],'
        'PRIMEM["Reference Meridian",0,AUTHORITY["IAU","49900"]],'
        'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["IAU","49900"]]'
    ),
    ELLIPSOID: (
        'GEOGCS["Mars (2015) / Ographic, east longitude",DATUM["Mars (2015)",'
        'SPHEROID["Mars (2015)",3396190,169.894447223612]],'
        'PRIMEM["Reference Meridian",0],UNIT["degree",0.0174532925199433]]'
    ),
}
_WKT_2 = {
    SPHERE: (
        'GEOGCRS["Mars (2015) - Sphere / Ocentric",DATUM["Mars (2015) - Sphere",'
        'ELLIPSOID["Mars (2015) - Sphere",3396190,0,LENGTHUNIT["metre",1]],ANCHOR["Viking 1 lander: 47.95137 W"]],'
        'PRIMEM["Reference Meridian",0,ANGLEUNIT["degree",0.0174532925199433]],CS[ellipsoidal,2],'
        'AXIS["geodetic latitude (Lat)",north,ORDER[1],ANGLEUNIT["degree",0.0174532925199433]],'
        'AXIS["geodetic longitude (Lon)",east,ORDER[2],ANGLEUNIT["degree",0.0174532925199433]],ID["IAU",49900,2015],'
        'REMARK["Use semi-major radius as sphere for interoperability. Source of IAU Coordinate systems: '
        'https://doi.org/10.1007/s10569-017-9805-5"]]'
    ),
    ELLIPSOID: ELLIPSOID,
}
_AUTHORITY = re.compile(r',AUTHORITY\["\w+","\d+"\]')
_PARQUET_DATUMS: dict[str, tuple[str, str, dict[str, float]]] = {  # of PROJJSON
    SPHERE: ("Mars (2015) - Sphere / Ocentric", "Mars (2015) - Sphere", {"radius": 3396190}),
    ELLIPSOID: (
        "Mars (2015) / Ographic, east longitude",
        "Mars (2015)",
        {"semi_major_axis": 3396190, "inverse_flattening": 169.894447223612},
    ),
}
_PARQUET_AXES = [
    {"name": "Geodetic latitude", "abbreviation": "Lat", "direction": "north", "unit": "degree"},
    {"name": "Geodetic longitude", "abbreviation": "Lon", "direction": "east", "unit": "degree"},
]


def find_crs(latitude_frames: Iterable[str]) -> str:
    """Find the reference system of outlines: `ELLIPSOID` if all latitudes are planetographic, else `SPHERE`."""
    return ELLIPSOID if set(latitude_frames) == {"planetographic"} else SPHERE


def name_for_geojson(crs: str) -> str:
    """Return the name of a reference system in the ``crs`` member of a GeoJSON: WKT 1 without codes."""
    return _AUTHORITY.sub("", _WKT_1[crs])


def define_for_gdal(crs: str) -> str:
    """Return a reference system as WKT 1, from which GDAL writes a GeoPackage or a shapefile."""
    return _WKT_1[crs]


def describe_for_parquet(crs: str) -> str:
    """Return the member ``geo`` of the metadata of a GeoParquet file with outlines in a reference system."""
    name, datum, size = _PARQUET_DATUMS[crs]
    system: dict[str, Any] = {
        "$schema": "https://proj.org/schemas/v0.7/projjson.schema.json",
        "type": "GeographicCRS",
        "name": name,
        "datum": {
            "type": "GeodeticReferenceFrame",
            "name": datum,
            "anchor": "Viking 1 lander: 47.95137 W",
            "ellipsoid": {"name": datum, **size},
            "prime_meridian": {"name": "Reference Meridian", "longitude": 0},
        },
        "coordinate_system": {"subtype": "ellipsoidal", "axis": _PARQUET_AXES},
    }
    if crs == SPHERE:
        system["id"] = {"authority": "IAU", "code": 49900, "version": 2015}
    column = {"encoding": "WKB", "geometry_types": ["MultiPolygon"], "crs": system}
    return json.dumps({"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}})


def complete_geopackage(path: Path, crs: str) -> None:
    """State the reference system in a GeoPackage as WKT 2 with its code and year."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(
            "UPDATE gpkg_spatial_ref_sys SET definition_12_063 = ? "
            "WHERE srs_id IN (SELECT srs_id FROM gpkg_geometry_columns)",
            [_WKT_2[crs]],
        )
