"""Maps as GDAL reads them: one reference system in all formats, and outlines that are valid after projection."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import shapely
from rendering import render
from test_catalogue_files import PROVENANCE, make_aurora

from mars_aurora.catalogue import geographic, jmars
from mars_aurora.catalogue.entries import list_entries
from mars_aurora.catalogue.sightings import join
from mars_aurora.catalogue.tables import AURORAS, DETECTIONS, Kind, RowTable, write_ecsv
from mars_aurora.geometry.outline import to_wkt
from mars_aurora.geometry.plane import Plane

geopandas = pytest.importorskip("geopandas", reason="the extra 'formats' is not installed")
pyproj = pytest.importorskip("pyproj", reason="the extra 'formats' is not installed")

WRITERS = {
    "gpkg": geographic.write_geopackage,
    "geojson": geographic.write_geojson,
    "parquet": geographic.write_geoparquet,
}
CENTERS = [(0.0, 180.0), (30.0, 0.0), (-60.0, 170.0), (89.0, 40.0), (-87.0, 200.0), (10.0, 90.0)]
SPHERE = pyproj.CRS("IAU_2015:49900")


def _circle(lat: float, lon: float) -> str:
    return to_wkt(shapely.MultiPolygon([shapely.Point(0, 0).buffer(400)]), Plane(lat, lon))


ROWS = [
    make_aurora(
        name=f"{n}.fits", lat_deg=lat, lon_deg=lon, outline_wkt=_circle(lat, lon), latitude_frame="undetermined"
    )
    for n, (lat, lon) in enumerate(CENTERS)
]


def _read(folder: Path, suffix: str, kind: Kind = DETECTIONS, rows: list = ROWS) -> object:
    path = folder / f"{kind.name}.{suffix}"
    WRITERS[suffix](path, RowTable(rows, PROVENANCE, kind))
    return geopandas.read_parquet(path) if suffix == "parquet" else geopandas.read_file(path, engine="pyogrio")


@pytest.mark.parametrize("suffix", sorted(WRITERS))
def test_all_formats_have_the_same_system_and_projected_outlines_are_valid(tmp_path, suffix):
    frame = _read(tmp_path, suffix)
    assert frame.crs.equals(SPHERE, ignore_axis_order=True)
    assert frame.crs.ellipsoid.semi_major_metre == 3_396_190
    assert frame["lon_deg"].tolist() == [lon for _, lon in CENTERS]
    for code in (49910, 49930, 49935):
        projected = frame.to_crs(f"IAU_2015:{code}")
        assert projected.is_valid.all()
        assert not projected.is_empty.any()
        assert np.isfinite(projected.bounds).all(axis=None)
    bounds = frame.explode().bounds
    assert (bounds["maxx"] - bounds["minx"]).max() <= 180
    assert bounds["minx"].min() >= -180


def test_code_with_its_year_is_found_where_the_format_can_state_it(tmp_path):
    for suffix in ("gpkg", "parquet"):
        assert _read(tmp_path, suffix).crs.to_authority(auth_name="IAU_2015") == ("IAU_2015", "49900")
    with closing(sqlite3.connect(tmp_path / "catalogue.gpkg")) as file:
        query = "SELECT definition, definition_12_063 FROM gpkg_spatial_ref_sys WHERE srs_id = 49900"
        wkt_1, wkt_2 = file.execute(query).fetchone()
    assert wkt_1.startswith("GEOGCS[")  # as the specification of the column asks
    assert 'ID["IAU",49900,2015]' in wkt_2


@pytest.mark.parametrize("suffix", sorted(WRITERS))
def test_ellipsoid_is_the_same_in_all_formats(tmp_path, suffix):
    rows = [make_aurora(latitude_frame="planetographic")]
    crs = _read(tmp_path, suffix, rows=rows).crs
    assert crs.equals(pyproj.CRS(_read(tmp_path, "parquet", rows=rows).crs), ignore_axis_order=True)
    assert crs.ellipsoid.semi_minor_metre == pytest.approx(3_376_200)


@pytest.mark.parametrize("suffix", sorted(WRITERS))
def test_table_of_auroras_has_all_its_columns_in_each_format(tmp_path, suffix):
    entries = list_entries(join(ROWS))
    frame = _read(tmp_path, suffix, AURORAS, entries)
    assert set(frame.columns) == {column.name for column in AURORAS.columns} - {"outline_wkt"} | {"geometry"}
    assert len(frame) == len(ROWS)


def test_shapefile_has_simple_polygons_within_the_map(tmp_path):
    entries = list_entries(join(ROWS))
    path = tmp_path / "jmars.shp.zip"
    count = jmars.write_shapefile(path, RowTable(entries, PROVENANCE, AURORAS))
    frame = geopandas.read_file(path, engine="pyogrio")
    assert set(frame.geom_type) == {"Polygon"}
    assert not any(len(polygon.interiors) for polygon in frame.geometry)
    assert len(frame) == count > len(entries)
    assert set(frame["aurora_id"]) == {entry.aurora_id for entry in entries}
    assert frame.columns.tolist() == [*jmars.ATTRIBUTES, "geometry"]
    assert max(map(len, jmars.ATTRIBUTES)) <= 10
    assert frame.crs.equals(SPHERE, ignore_axis_order=True)


def test_numbers_that_are_not_known_are_null_in_a_geopackage(tmp_path):
    path = tmp_path / "catalogue.gpkg"
    rows = [make_aurora(mars_year=year, snr=snr) for year, snr in ((None, np.nan), (36, 5.5))]
    geographic.write_geopackage(path, RowTable(rows, PROVENANCE))
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT mars_year, snr FROM catalogue").fetchall() == [(None, None), (36, 5.5)]


_WRITE = """
import sys
from pathlib import Path
sys.modules.update(dict.fromkeys(("geopandas", "pandas", "pyproj")))  # cannot be imported
from mars_aurora.catalogue import geographic, jmars, tables
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.run.provenance import describe_provenance
folder = Path(sys.argv[1])
rows = list(tables.read_ecsv(folder / "auroras.ecsv", tables.AURORAS))
table = tables.RowTable(rows, describe_provenance(DetectorName.YOLO, 2, ""), tables.AURORAS)
geographic.write_geopackage(folder / "auroras.gpkg", table)
jmars.write_shapefile(folder / "jmars.shp.zip", table)
"""


def test_files_are_written_without_libraries_that_the_extra_lacks(tmp_path):
    entries = list_entries(join(ROWS))
    write_ecsv(tmp_path / "auroras.ecsv", RowTable(entries, PROVENANCE, AURORAS))
    subprocess.run([sys.executable, "-c", _WRITE, tmp_path], check=True)
    for name in ("auroras.gpkg", "jmars.shp.zip"):
        frame = geopandas.read_file(tmp_path / name, engine="pyogrio")
        assert set(frame["aurora_id"]) == {entry.aurora_id for entry in entries}
        assert frame.crs.equals(SPHERE, ignore_axis_order=True)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_files_of_several_blocks_have_all_rows(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(geographic, "BLOCK_ROWS", 2)
    entries = list_entries(join(ROWS[5:] * rows))
    table = RowTable(entries, PROVENANCE, AURORAS)
    assert geographic.write_geopackage(tmp_path / "auroras.gpkg", table) == len(entries)
    assert jmars.write_shapefile(tmp_path / "jmars.shp.zip", table) == len(entries)
    for name in ("auroras.gpkg", "jmars.shp.zip"):
        assert len(geopandas.read_file(tmp_path / name, engine="pyogrio")) == len(entries)


def test_points_have_the_columns_that_jmars_looks_for():
    entries = list_entries(join(ROWS))
    header, *lines = render(jmars.write_points, entries, PROVENANCE, AURORAS).decode().splitlines()
    assert header.split(",")[:2] == ["lon", "lat"]
    assert [tuple(map(float, line.split(",")[:2])) for line in lines] == [(lon, lat) for lat, lon in CENTERS]
