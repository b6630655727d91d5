"""Ledger and catalogue files, each read back with a reader of its format."""

import csv
import io
import json
import warnings
import zipfile

import numpy as np
import pytest
import regions
import shapely
from astropy.io.votable import parse as parse_votable
from astropy.table import Table
from rendering import render, render_labels

from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue import geographic, labels, ledger_table, report, tables, votable, write
from mars_aurora.catalogue.tables import RowTable
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.emission import OXYGEN_1356
from mars_aurora.errors import UsageError
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.storage import FolderStorage

OUTLINE = "MULTIPOLYGON (((358 -40, 360 -40, 360 -30, 358 -30, 358 -40)), ((0 -40, 3 -40, 3 -30, 0 -30, 0 -40)))"
TEXTS = {
    "name": "a/emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04.fits.gz",
    "morphology": "patch",
    "time_utc": "2022-03-31T21:30:00.000",
    "start_utc": "2022-03-31T21:21:07.000",
    "quality_flags": "limb cut",
    "swath": "1of3",
    "outline_wkt": OUTLINE,
    "aurora_id": "x",
    "picture_outline": "10,20,14,20,14,30;100,100,104,100,104,103,100,103",
    "emission": "O I 130.4",
    "instrument": "EMM/EMUS",
    "native_outline": "10.67,20.67,14.33,20.67,14.33,30.33,10.67,30.33;1,1,4,1,4,3",
}


def make_aurora(**changes: object) -> Aurora:
    fill = {int: 7, float: 1.25, str: "text"}
    return Aurora(**({column.name: fill[column.kind] for column in COLUMNS} | TEXTS | {"lat_deg": -35.0} | changes))


AURORAS = [make_aurora(), make_aurora(detection=8, orbit=None, mean_brightness_R=float("nan"), lon_deg=359.5)]


PROVENANCE = describe_provenance(DetectorName.YOLO, 2, "mars-aurora run 'a b' \udcff\r --out x")  # any bytes


def _rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


def test_run_without_inputs_has_all_products(tmp_path):
    storage, keys = FolderStorage(tmp_path), RunKeys("r")
    assert set(write.write_products(keys, [], [], PROVENANCE, storage)) >= {
        keys.product("ledger.csv"),
        keys.product("catalogue.csv"),
    }
    assert _rows(storage.get(keys.product("ledger.csv"))) == [list(ledger_table.LEDGER_COLUMNS)]
    assert _rows(storage.get(keys.product("catalogue.csv")))[0][:8] == [
        "name",
        "detection",
        "lat_deg",
        "lon_deg",
        "area_km2",
        "mean_brightness_R",
        "peak_brightness_R",
        "confidence",
    ]


def test_record_with_commas_and_newlines_is_one_line_of_csv(tmp_path):
    storage, keys = FolderStorage(tmp_path), RunKeys("r")
    record = Record("a,b.fits", Outcome.REJECTED, "corrupt", detail='bad "x",\nreally')
    write.write_products(keys, [record], [], PROVENANCE, storage)
    header, row = _rows(storage.get(keys.product("ledger.csv")))
    assert {name: cell for name, cell in zip(header, row, strict=True) if cell} == {
        "name": "a,b.fits",
        "outcome": "rejected",
        "reason": "corrupt",
        "detail": 'bad "x",%0Areally',
    }


def test_csv_outlines_are_simple_polygons_with_longitudes_0_to_360():
    _, row, _ = _rows(render(tables.write_csv, AURORAS, PROVENANCE))
    outline = shapely.from_wkt(dict(zip([column.name for column in COLUMNS], row, strict=True))["outline_wkt"])
    assert outline.is_valid
    assert outline.bounds == (0, -40, 360, -30)


def test_ecsv_has_units_ucds_and_missing_values():
    table = Table.read(render(tables.write_ecsv, AURORAS, PROVENANCE).decode(), format="ascii.ecsv")
    assert table.colnames == [column.name for column in COLUMNS]
    assert str(table["area_km2"].unit) == "km2"
    assert table["mean_brightness_R"].unit.to_string() == "R"
    assert table["lat_deg"].meta["ucd"] == "pos.bodyrc.lat"
    assert table["orbit"].mask.tolist() == [False, True]
    assert np.isnan(table["mean_brightness_R"][1])
    assert table["lon_deg"].tolist() == [1.25, 359.5]


def test_catalogue_without_a_column_is_rejected_as_that_of_an_earlier_version():
    table = Table.read(render(tables.write_ecsv, AURORAS, PROVENANCE).decode(), format="ascii.ecsv")
    table.remove_column("emission")
    stream = io.StringIO()
    table.write(stream, format="ascii.ecsv")
    with pytest.raises(UsageError, match=r"earlier version of mars-aurora \(no column emission\): repeat"):
        tables.from_ecsv(stream.getvalue().encode())


def test_votable_is_valid_and_has_epn_tap_names_units_and_ucds():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = parse_votable(
            io.BytesIO(render(votable.write_votable, AURORAS, PROVENANCE)), verify="exception"
        ).get_first_table()
    fields = {field.name: field for field in table.fields}
    assert {"granule_uid", "obs_id", "dataproduct_type", "target_name", "time_min", "time_max"} <= set(fields)
    assert fields["c1min"].ucd == "pos.bodyrc.lon;stat.min"
    assert str(fields["mean_brightness_R"].unit) == "R"
    assert [table.array[end].tolist() for end in ("c2min", "c2max")] == [[-40.0, -40.0], [-30.0, -30.0]]
    assert table.array["time_min"][0] == pytest.approx(2459670.39583, abs=1e-4)


def test_votable_of_unknown_times_has_no_julian_date():
    table = parse_votable(
        io.BytesIO(render(votable.write_votable, [make_aurora(time_utc="")], PROVENANCE))
    ).get_first_table()
    assert table.array["time_min"].mask.tolist() == [True]


def test_geojson_has_outlines_and_null_for_missing_values():
    found = json.loads(render(geographic.write_geojson, AURORAS, PROVENANCE))
    assert [shapely.geometry.shape(feature["geometry"]).area for feature in found["features"]] == [50.0, 50.0]
    assert found["features"][1]["properties"]["mean_brightness_R"] is None


@pytest.mark.parametrize("suffix", ["gpkg", "parquet"])
def test_geographic_files_use_the_mars_reference_system(tmp_path, suffix):
    geopandas = pytest.importorskip("geopandas", reason="the extra 'formats' is not installed")
    import pyproj  # noqa: PLC0415 -- installed with the extra

    path = tmp_path / f"c.{suffix}"
    write = {"gpkg": geographic.write_geopackage, "parquet": geographic.write_geoparquet}[suffix]
    write(path, RowTable(AURORAS, PROVENANCE))
    frame = (geopandas.read_file if suffix == "gpkg" else geopandas.read_parquet)(path)
    assert pyproj.CRS("IAU_2015:49900").equals(frame.crs, ignore_axis_order=True)
    assert shapely.area(frame.geometry.array).tolist() == [50.0, 50.0]
    assert frame["lon_deg"].tolist() == [1.25, 359.5]


FRAMES = [
    (["planetographic", "planetographic"], 3376.2),
    (["planetocentric", "planetocentric"], 3396.19),
    (["undetermined", "undetermined"], 3396.19),
    (["planetographic", "planetocentric"], 3396.19),
]


@pytest.mark.parametrize(("frames", "polar_km"), FRAMES)
@pytest.mark.parametrize("suffix", ["gpkg", "parquet", "geojson"])
def test_geographic_files_use_the_ellipsoid_where_all_latitudes_are_planetographic(tmp_path, suffix, frames, polar_km):
    geopandas = pytest.importorskip("geopandas", reason="the extra 'formats' is not installed")
    writers = {
        "gpkg": geographic.write_geopackage,
        "parquet": geographic.write_geoparquet,
        "geojson": geographic.write_geojson,
    }
    path = tmp_path / f"c.{suffix}"
    writers[suffix](path, RowTable([make_aurora(latitude_frame=frame) for frame in frames], PROVENANCE))
    found = geopandas.read_parquet(path) if suffix == "parquet" else geopandas.read_file(path)
    assert found["latitude_frame"].tolist() == frames
    if suffix == "geojson" and polar_km == 3396.19:
        return  # GDAL does not know the code of the sphere
    assert found.crs.ellipsoid.semi_minor_metre == pytest.approx(1000 * polar_km)
    assert {axis.direction for axis in found.crs.axis_info} == {"north", "east"}


@pytest.mark.parametrize(
    ("frames", "system"), [(FRAMES[0][0], "planetographic on the ellipsoid"), (FRAMES[3][0], "IAU2015:49900")]
)
def test_votable_states_the_frame_of_the_latitudes(frames, system):
    auroras = [make_aurora(latitude_frame=frame) for frame in frames]
    table = parse_votable(io.BytesIO(render(votable.write_votable, auroras, PROVENANCE))).get_first_table()
    assert all(stated.startswith(system) for stated in table.array["spatial_coordinate_description"])
    assert table.array["latitude_frame"].tolist() == frames


def test_coco_and_yolo_have_the_same_boxes():
    box = {"box_x0": 100.0, "box_y0": 120.0, "box_x1": 164.0, "box_y1": 168.0}
    aurora = make_aurora(name="x.fits", **box)
    records = [Record("x.fits", Outcome.AURORA, auroras=1), Record("y.fits", Outcome.DISCARDED)]
    coco = json.loads(render_labels(labels.write_coco, records, [aurora], PROVENANCE))
    assert [image["file_name"] for image in coco["images"]] == ["images/x.fits.png", "images/y.fits.png"]
    assert coco["annotations"][0]["bbox"] == [100.0, 120.0, 64.0, 48.0]
    with zipfile.ZipFile(io.BytesIO(render_labels(labels.write_yolo, records, [aurora], PROVENANCE))) as archive:
        (number, *fractions) = archive.read("labels/x.fits.txt").split()
    assert (int(number), coco["annotations"][0]["category_id"]) == (1, 2)
    assert [float(part) for part in fractions] == pytest.approx([132 / 640, 144 / 480, 64 / 640, 48 / 480])


def test_diffuse_aurora_is_no_label_of_an_annotation_tool(tmp_path):
    auroras = [make_aurora(name="x.fits"), make_aurora(name="x.fits", detection=8, morphology="diffuse")]
    storage, keys = FolderStorage(tmp_path), RunKeys("r")
    write.write_products(keys, [Record("x.fits", Outcome.AURORA, auroras=2)], auroras, PROVENANCE, storage)
    assert len(json.loads(storage.get(keys.product("annotations.coco.json")))["annotations"]) == 1
    with zipfile.ZipFile(io.BytesIO(storage.get(keys.product("labels.yolo.zip")))) as archive:
        assert len(archive.read("labels/x.fits.txt").splitlines()) == 1
    assert len(_rows(storage.get(keys.product("catalogue.csv")))) == 3


def test_ds9_regions_are_in_native_image_coordinates():
    with zipfile.ZipFile(io.BytesIO(render(labels.write_ds9, AURORAS[:1], PROVENANCE))) as archive:
        name, _ = archive.namelist()
        first, second = regions.Regions.parse(archive.read(name).decode(), format="ds9")
    assert name == f"regions/{AURORAS[0].name}.reg"
    assert first.meta["text"] == "7: 1.2 R"
    assert first.contains(regions.PixCoord(11, 24))  # PixCoord counts from 0, DS9 from 1
    assert not first.contains(regions.PixCoord(15, 24))
    assert len(second.vertices) == 3


def test_report_names_the_emission_of_the_run():
    weak = describe_provenance(DetectorName.THRESHOLD, 2, "", OXYGEN_1356)
    ((_, file),) = report.build(RunKeys("r"), [], [], [], [], weak)
    page = file.data.decode()
    assert "Auroras on Mars in O I 135.6 nm ·" in page
    assert "O I 130.4" not in page


@pytest.mark.parametrize(("missing", "written"), [("pyogrio", [False, True]), ("pyarrow", [True, False])])
def test_format_is_omitted_without_its_extra(monkeypatch, missing, written):
    monkeypatch.setattr(geographic, "find_spec", lambda name: None if name == missing else name)
    assert [write.is_written(name) for name in ("catalogue.gpkg", "catalogue.parquet")] == written


def test_products_of_the_same_libraries_are_written_together_unless_there_are_many_rows():
    names = ["catalogue.csv", "catalogue.gpkg", "jmars.shp.zip", "report.html", "dataset/"]
    few, many = (write.divide_products(names, rows) for rows in (3, 100_000))
    assert few == [("catalogue.csv", "report.html"), ("catalogue.gpkg", "jmars.shp.zip", "dataset/")]
    assert many == [(name,) for name in names]
    assert write.divide_products(["report.html"], 0) == [("report.html",)]
