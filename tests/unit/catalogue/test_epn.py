"""The VOTable is an EPN-TAP 2.0 table; the table below is that of the Recommendation."""

import io
import re
import warnings

import numpy as np
import pytest
import shapely
from astropy.io.votable import parse
from astropy.io.votable.ucd import parse_ucd
from astropy.time import Time
from rendering import render
from test_catalogue_files import PROVENANCE, make_aurora

from mars_aurora.catalogue.entries import list_entries
from mars_aurora.catalogue.region import find_bounds
from mars_aurora.catalogue.sightings import join
from mars_aurora.catalogue.tables import AURORAS, COLUMNS
from mars_aurora.catalogue.votable import write_votable
from mars_aurora.geometry.outline import to_wkt
from mars_aurora.geometry.plane import Plane

# name, unit, UCD, whether a value is required; / stands for min and max
STANDARD = """
granule_uid - meta.id *
granule_gid - meta.id *
obs_id - meta.id;obs *
dataproduct_type - meta.code.class *
measurement_type - meta.ucd
processing_level - meta.calibLevel
target_name - meta.id;src
target_class - src.class *
time_min d time.start;obs
time_max d time.end;obs
time_sampling_step_/ s time.resolution
time_exp_/ s time.duration;obs.exposure
spectral_range_/ Hz em.freq
spectral_sampling_step_/ Hz em.freq;spect.binSize
spectral_resolution_/ - spect.resolution
c1/ deg pos.bodyrc.lon
c2/ deg pos.bodyrc.lat
c3/ km pos.bodyrc.alt
s_region deg pos.outline;obs.field
c1_resol_/ deg pos.angResolution
c2_resol_/ deg pos.angResolution
c3_resol_/ km pos.resolution
spatial_frame_type - meta.code.class;pos.frame *
incidence_/ deg pos.incidenceAng
emergence_/ deg pos.emergenceAng
phase_/ deg pos.phaseAng
instrument_host_name - meta.id;instr.obsty
instrument_name - meta.id;instr
service_title - meta.title *
creation_date - time.creation *
modification_date - time.processing *
release_date - time.release *
"""
KINDS = {"processing_level": "int", "s_region": "double[]"}


def _list_standard() -> list[tuple[str, str | None, str, bool]]:
    rows = []
    for line in STANDARD.split("\n")[1:-1]:
        name, unit, ucd, *required = line.split(" ")
        ends = (
            [(name.replace("/", end), f"{ucd};stat.{end}") for end in ("min", "max")] if "/" in name else [(name, ucd)]
        )
        rows += [(column, None if unit == "-" else unit, code, bool(required)) for column, code in ends]
    return rows


REQUIRED = _list_standard()


def _parse(rows: list, *kind: object) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return parse(io.BytesIO(render(write_votable, rows, PROVENANCE, *kind)), verify="exception")


def _array(rows: list, *kind: object) -> np.ma.MaskedArray:
    return _parse(rows, *kind).get_first_table().array


ROWS = [make_aurora(name="a#1 '中'.fits"), make_aurora(detection=8, time_utc="", instrument="MAVEN/IUVS")]


def test_all_46_columns_of_the_standard_have_their_unit_ucd_and_type():
    fields = {field.name: field for field in _parse(ROWS).get_first_table().fields}
    assert len(REQUIRED) == 46
    for name, unit, ucd, _ in REQUIRED:
        field = fields[name]
        assert (field.ucd, None if field.unit is None else str(field.unit)) == (ucd, unit), name
        numeric = unit is not None or name.startswith("spectral_resolution")
        expected = {"processing_level": "int"}.get(name, "double" if numeric else "char")
        assert field.datatype == expected, name
    assert fields["s_region"].xtype == "polygon"
    assert {fields[name].xtype for name in ("creation_date", "modification_date", "release_date")} == {"timestamp"}


@pytest.mark.parametrize("kind", [(), (AURORAS,)])
def test_required_values_are_present_and_pairs_are_filled_or_empty_together(kind):
    rows = list_entries(join(ROWS)) if kind else ROWS
    array = _array(rows, *kind)
    for name, _, _, required in REQUIRED:
        if required:
            assert all(str(value).strip() for value in array[name]), name
        if name.endswith("min"):
            assert array[name].mask.tolist() == array[f"{name[:-3]}max"].mask.tolist(), name
    assert len(set(array["granule_uid"])) == len(rows)


def test_table_states_that_it_is_epn_tap_and_its_time_system():
    votable = _parse(ROWS)
    table = votable.get_first_table()
    assert (table.name, table.utype) == ("mars_aurora.epn_core", "ivo://ivoa.net/std/epntap#table-2.0")
    assert set(table.array["service_title"]) == {"mars_aurora"}
    (system,) = votable.resources[0].time_systems
    assert (system.timescale, system.timeorigin, system.refposition) == ("UTC", "JD-origin", "TOPOCENTER")
    assert {table.get_field_by_id(name).ref for name in ("time_min", "time_max")} == {system.ID}
    assert votable.version == "1.4"


def test_identifiers_of_a_document_are_unique():
    ids = re.findall(r' ID="([^"]*)"', render(write_votable, ROWS, PROVENANCE).decode())
    assert len(ids) == len(set(ids))


def test_ucds_are_of_the_controlled_vocabulary():
    new = {"time.release", "instr.background"}  # not in the list of astropy
    for field in _parse(ROWS).get_first_table().fields:
        if not new.intersection(field.ucd.split(";")):
            parse_ucd(field.ucd, check_controlled_vocabulary=True)


def test_texts_have_none_of_the_forbidden_characters():
    array = _array(ROWS)
    assert array["granule_uid"][0] == "a%231 %27%E4%B8%AD%27.fits_7"
    assert array["obs_id"][0] == "a%231 %27%E4%B8%AD%27.fits"
    for name, unit, _, _ in REQUIRED:
        if unit is None and name not in KINDS and name[-3:] not in {"min", "max"}:
            for value in array[name].tolist():
                assert value == value.strip()
                assert not {"'", '"'}.intersection(value)
                assert "#" not in value or name.startswith("instrument_")  # there it separates synonyms
    assert array["instrument_host_name"].tolist() == ["EMM#Hope", "MAVEN"]
    assert array["instrument_name"][0] == "Emirates Mars Ultraviolet Spectrometer#EMUS"


def test_values_are_those_of_the_aurora():
    array = _array(ROWS)
    assert (array["c1min"][0], array["c1max"][0]) == (358, 3)  # the outline crosses 0
    assert (array["c2min"][0], array["c2max"][0]) == (-40, -30)
    assert array["time_min"][0] == array["time_max"][0] == pytest.approx(Time("2022-03-31T21:30:00").jd, abs=1e-6)
    assert array["time_min"].mask.tolist() == [False, True]
    assert array["spectral_range_min"][0] == pytest.approx(2.2990e15, rel=1e-4)
    assert (array["c3min"][0], array["dataproduct_type"][0], array["processing_level"][0]) == (130, "ci", 5)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", array["creation_date"][0])
    assert array["spatial_coordinate_description"][0] == "IAU2015:49900"
    own = {column.name for column in COLUMNS}
    assert own <= set(array.dtype.names)


def test_combined_aurora_has_the_times_of_its_first_and_last_sighting():
    names = [f"emm_emu_l2b_20220331t2{n}2107_0191_os2_sw{n}of3_r_v01-04.fits.gz" for n in (1, 2)]
    sightings = [
        make_aurora(name=name, time_utc=f"2022-03-31T2{n}:30:00", quality_flags="", length_km=500.0, lon_deg=1.0)
        for n, name in enumerate(names, 1)
    ]
    array = _array(list_entries(join(sightings)), AURORAS)
    assert len(array) == 1
    assert array["time_max"][0] - array["time_min"][0] == pytest.approx(1 / 24, abs=1e-6)
    assert (array["granule_gid"][0], array["obs_id"][0]) == ("aurora", names[0])
    assert array["granule_uid"][0] == array["aurora_id"][0]


PHASES = [((0, 0), (0, 0), 0), ((0, 90), (0, 0), 90), ((0, 180), (0, 0), 180), ((90, 0), (0, 0), 90)]


@pytest.mark.parametrize(("sun", "spacecraft", "phase_deg"), PHASES)
def test_phase_is_the_angle_between_sun_and_spacecraft(sun, spacecraft, phase_deg):
    aurora = make_aurora(
        lat_deg=0.0,
        lon_deg=0.0,
        **dict(zip(("sub_solar_lat_deg", "sub_solar_lon_deg"), map(float, sun), strict=True)),
        **dict(zip(("sub_spacecraft_lat_deg", "sub_spacecraft_lon_deg"), map(float, spacecraft), strict=True)),
        spacecraft_altitude_km=20_000.0,
    )
    array = _array([aurora])
    assert array["phase_min"][0] == array["phase_max"][0] == pytest.approx(phase_deg, abs=1e-6)


@pytest.mark.parametrize(("lat", "lon"), [(10.0, 90.0), (0.0, 0.0), (-60.0, 359.0), (88.0, 20.0), (-89.0, 100.0)])
def test_region_is_a_counterclockwise_polygon_on_the_sphere(lat, lon):
    plane = Plane(lat, lon)
    square = np.array([(-300, -200), (-300, 200), (300, 200), (300, -200)])  # clockwise
    wkt = to_wkt(shapely.MultiPolygon([shapely.Polygon(square)]), plane)
    (corners,) = _array([make_aurora(lat_deg=lat, lon_deg=lon, outline_wkt=wkt)])["s_region"]
    corners = np.asarray(corners).reshape(-1, 2)
    assert len(corners) >= 3
    assert ((corners[:, 0] >= 0) & (corners[:, 0] < 360)).all()
    ring = shapely.Polygon(np.stack(plane.project(corners[:, 1], corners[:, 0]), axis=1))
    assert ring.exterior.is_ccw
    assert ring.area == pytest.approx(600 * 400, rel=0.02)


def test_region_of_several_parts_is_their_hull():
    parts = shapely.MultiPolygon([shapely.box(-300, -50, -200, 50), shapely.box(200, -50, 300, 50)])
    plane = Plane(20.0, 50.0)
    (corners,) = _array([make_aurora(lat_deg=20.0, lon_deg=50.0, outline_wkt=to_wkt(parts, plane))])["s_region"]
    lon, lat = np.asarray(corners).reshape(-1, 2).T
    ring = shapely.Polygon(np.stack(plane.project(lat, lon), axis=1))
    assert ring.area == pytest.approx(600 * 100, rel=0.05)


@pytest.mark.parametrize(
    ("wkt", "bounds"),
    [
        ("POLYGON ((10 1, 20 1, 20 2, 10 1))", (10, 20, 1, 2)),
        ("MULTIPOLYGON (((350 1, 360 1, 360 2, 350 1)), ((0 1, 5 1, 0 2, 0 1)))", (350, 5, 1, 2)),
        ("POLYGON ((0 80, 360 80, 360 90, 0 90, 0 80))", (0, 360, 80, 90)),
        ("MULTIPOLYGON (((10 1, 20 1, 20 2, 10 1)), ((300 1, 310 1, 310 2, 300 1)))", (300, 20, 1, 2)),
    ],
)
def test_bounds_are_the_western_and_the_eastern_end(wkt, bounds):
    assert find_bounds(shapely.from_wkt(wkt)) == bounds


def test_table_without_rows_has_all_columns():
    assert len(_parse([]).get_first_table().fields) > 46
