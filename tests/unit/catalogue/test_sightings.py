"""Observation sets, and auroras seen in several swaths of a set."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue import sightings
from mars_aurora.catalogue.entries import list_entries
from mars_aurora.catalogue.entry import Entry
from mars_aurora.run.sets import group_sets

SWATH = "emm_emu_l2b_20220331t{}_0191_os2_sw{}of3_r_v01-04.fits.gz"
FIRST, SECOND, LATER = SWATH.format("212107", 1), SWATH.format("214600", 2), SWATH.format("033000", 1)
THIRD = SWATH.format("221000", 3)
RADIUS_KM = 3396.19
DEGREE_KM = np.radians(RADIUS_KM)  # at the equator


def _square(lon: float) -> str:
    return f"POLYGON (({lon} 0, {lon + 6} 0, {lon + 6} 6, {lon} 6, {lon} 0))"


def _aurora(name: str, lon: float, detection: int = 1, **more: object) -> Aurora:
    fill = {int: 1, float: 0.5, str: ""}
    coordinates = {"lat_deg": 3.0, "lon_deg": lon + 3, "area_km2": 126_000.0, "length_km": 500.0}
    texts = {"name": name, "time_utc": "2022-03-31T21:30:00.000", "outline_wkt": _square(lon), "detection": detection}
    return Aurora(**({column.name: fill[column.kind] for column in COLUMNS} | coordinates | texts | more))


def test_successive_swaths_form_a_set():
    sets = group_sets([SECOND, FIRST, LATER, "other.fits"])
    assert sets == {FIRST: FIRST, SECOND: FIRST, LATER: LATER, "other.fits": "other.fits"}


def test_real_iuvs_swaths_of_one_orbit_form_a_set(iuvs_folder):
    names = sorted(path.name for path in iuvs_folder.glob("*fuv*.gz"))
    assert len(set(group_sets(names).values())) == 1


def test_aurora_in_two_swaths_is_one_entry_with_two_sightings():
    joined = sightings.join([_aurora(FIRST, 100), _aurora(SECOND, 102), _aurora(SECOND, 130, 2), _aurora(LATER, 100)])
    assert joined[0].aurora_id == joined[1].aurora_id
    assert [aurora.sightings for aurora in joined] == [2, 2, 1, 1]
    entries = list_entries(joined)
    assert [entry.sightings for entry in entries][:2] == [2, 1]
    assert entries[0].names == f"{FIRST}#1 {SECOND}#1"
    assert entries[0].area_km2 == pytest.approx(126_000 * 8 / 6, rel=0.03)
    assert entries[0].lon_deg == pytest.approx(104, abs=0.01)


def test_diffuse_aurora_is_joined_with_that_of_other_swaths_of_the_set_only():
    diffuse = [_aurora(name, lon, morphology="diffuse") for name, lon in ((FIRST, 100), (SECOND, 200), (LATER, 100))]
    joined = sightings.join([*diffuse, _aurora(SECOND, 100, 2)])
    assert [aurora.sightings for aurora in joined] == [2, 2, 1, 1]
    assert joined[0].aurora_id == joined[1].aurora_id
    (first, *_) = list_entries(joined)
    assert (first.sightings, first.area_km2) == (2, pytest.approx(2 * 126_000, rel=0.05))


def test_two_auroras_of_one_swath_are_not_joined():
    joined = sightings.join([_aurora(FIRST, 100), _aurora(FIRST, 101, 2, lat_deg=3.1)])
    assert [aurora.sightings for aurora in joined] == [1, 1]


def test_halves_cut_by_the_edges_of_their_swaths_are_joined():
    halves = [_aurora(FIRST, 100), _aurora(SECOND, 107)]
    assert [aurora.sightings for aurora in sightings.join(halves)] == [1, 1]
    cut = [replace(half, quality_flags="limb cut") for half in halves]
    assert [aurora.sightings for aurora in sightings.join(cut)] == [2, 2]


def _rectangle(west: float, south: float, east: float, north: float, name: str = FIRST, **more: object) -> Aurora:
    """A sighting with a rectangular outline, cut at 0/360 if it crosses that."""
    parts = [shapely.box(west % 360, south, min(west % 360 + east - west, 360), north)]
    if west % 360 + east - west > 360:
        parts.append(shapely.box(0, south, east % 360, north))
    area_km2 = np.radians(east - west) * (np.sin(np.radians(north)) - np.sin(np.radians(south))) * RADIUS_KM**2
    known = {"lat_deg": (south + north) / 2, "lon_deg": (west + east) / 2 % 360, "area_km2": float(area_km2)}
    return _aurora(name, 0, outline_wkt=shapely.MultiPolygon(parts).wkt, **{**known, **more})


def _join(*auroras: Aurora) -> list[Entry]:
    return list_entries(sightings.join(auroras))


@pytest.mark.parametrize(
    ("start", "same"), [("225106", True), ("225107", True), ("225108", False), ("211500", True), ("195106", False)]
)
def test_swaths_of_a_set_start_within_an_hour_and_a_half(start, same):
    other = SWATH.format(start, 2)
    sets = group_sets([FIRST, other])
    assert (sets[FIRST] == sets[other]) == same
    assert sets[FIRST] == (min(FIRST, other) if same else FIRST)


def test_interval_is_to_the_previous_swath_not_to_the_first():
    names = [SWATH.format(start, 1) for start in ("200000", "212000", "224000")]
    assert set(group_sets(reversed(names)).values()) == {names[0]}


@pytest.mark.parametrize("change", [("_0191_", "_0192_"), ("_os2_", "_os1_")])
def test_other_orbit_or_mode_is_another_set(change):
    other = SECOND.replace(*change)
    assert group_sets([FIRST, other]) == {FIRST: FIRST, other: other}


@pytest.mark.parametrize("lon", [100.0, 357.0, 354.5])
@pytest.mark.parametrize(("overlap_deg", "joined"), [(0.5, False), (0.64, True)])
def test_outlines_that_share_a_tenth_are_one_aurora(lon, overlap_deg, joined):
    first = _rectangle(lon, -3, lon + 6, 3)
    second = _rectangle(lon + 6 - overlap_deg, -3, lon + 12 - overlap_deg, 3, SECOND)
    assert len(_join(first, second)) == (1 if joined else 2)


@pytest.mark.parametrize("swap", [False, True])
def test_overlap_is_a_fraction_of_the_smaller_outline(swap):
    large, small = _rectangle(100, -5, 110, 5), _rectangle(109.7, 0, 111.7, 2, SECOND)
    assert len(_join(*(small, large) if swap else (large, small))) == 1
    large, small = _rectangle(100, -5, 110, 5, length_km=1000.0), _rectangle(109.95, 0, 111.95, 2, SECOND)
    assert len(_join(*(small, large) if swap else (large, small))) == 2


@pytest.mark.parametrize("swap", [False, True])
def test_small_outline_at_the_end_of_a_long_one_is_joined(swap):
    pair = _rectangle(100, 0, 130, 4, length_km=1800.0), _rectangle(101, 0, 104, 4, SECOND, length_km=300.0)
    assert len(_join(*reversed(pair) if swap else pair)) == 1


def test_outlines_further_apart_than_their_lengths_are_not_joined():
    pair = _rectangle(100, 0, 130, 4, length_km=300.0), _rectangle(101, 0, 104, 4, SECOND, length_km=300.0)
    assert len(_join(*pair)) == 2


@pytest.mark.parametrize(
    ("gap_km", "flags", "joined"),
    [
        (95, ("cut", "cut"), True),
        (105, ("cut", "cut"), False),
        (95, ("cut", ""), False),
        (95, ("", "cut"), False),
        (95, ("uncut", "cut"), False),
        (95, ("cut", "uncut"), False),
        (95, ("limb cut", "cut bad_pixels"), True),
    ],
)
def test_cut_outlines_up_to_100_km_apart_are_one_aurora(gap_km, flags, joined):
    east = 103 + gap_km / DEGREE_KM
    first = _rectangle(97, -3, 103, 3, quality_flags=flags[0])
    second = _rectangle(east, -3, east + 6, 3, SECOND, quality_flags=flags[1])
    assert len(_join(first, second)) == (1 if joined else 2)


def test_sighting_that_overlaps_two_others_joins_all_three():
    ends = _rectangle(100, -3, 106, 3), _rectangle(110, -3, 116, 3, THIRD)
    joined = sightings.join([*ends, _rectangle(104, -3, 112, 3, SECOND)])
    assert [aurora.sightings for aurora in joined] == [3, 3, 3]
    assert len({aurora.aurora_id for aurora in joined}) == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
@pytest.mark.parametrize("shift_deg", [1, 4])
def test_sighting_joins_a_group_by_any_of_its_members(order, shift_deg):
    """At shifts of 4 degrees only neighbors overlap, at 1 degree all do."""
    auroras = [
        _rectangle(100 + shift_deg * number, -3, 106 + shift_deg * number, 3, name)
        for number, name in enumerate((FIRST, SECOND, THIRD))
    ]
    joined = sightings.join([auroras[number] for number in order])
    assert [aurora.sightings for aurora in joined] == [3, 3, 3]


def test_auroras_of_different_sets_are_not_joined():
    assert len(_join(_rectangle(100, -3, 106, 3), _rectangle(100, -3, 106, 3, LATER, area_km2=1.0, lat_deg=1.0))) == 2


def test_joining_changes_only_the_identifier_and_the_count():
    auroras = [_rectangle(100, -3, 106, 3), _rectangle(200, -3, 206, 3, LATER), _rectangle(101, -3, 107, 3, SECOND)]
    joined = sightings.join(auroras)
    assert [replace(aurora, aurora_id="", sightings=1) for aurora in joined] == auroras
    assert [aurora.aurora_id == joined[0].aurora_id for aurora in joined] == [True, False, True]


@pytest.mark.parametrize(
    ("lat", "lon", "place"), [(3.04, 103.06, "+03.0_103.1"), (-45.96, 7.0, "-46.0_007.0"), (-0.5, 359.9, "-00.5_359.9")]
)
@pytest.mark.parametrize("first", [0, 1])
def test_identifier_is_time_and_coordinates_of_the_largest_sighting(lat, lon, place, first):
    outline = {"outline_wkt": _square(100), "length_km": 9e4}
    largest = _aurora(
        SECOND, 100, lat_deg=lat, lon_deg=lon, area_km2=9.0, time_utc="2022-03-31T21:50:03.999", **outline
    )
    smaller = _aurora(FIRST, 100, area_km2=8.0, **outline)
    joined = sightings.join([largest, smaller] if first == 0 else [smaller, largest])
    assert [aurora.aurora_id for aurora in joined] == [f"20220331T215003_{place}"] * 2


@pytest.mark.parametrize("lon", [100.0, 357.0, 177.0])
@pytest.mark.parametrize("lat", [0.0, 60.0, -75.0])
def test_joined_area_and_outline_are_the_union(lon, lat):
    first = _rectangle(lon, lat, lon + 6, lat + 4)
    second = _rectangle(lon + 4, lat - 2, lon + 12, lat + 3, SECOND, length_km=900.0)
    (entry,) = _join(first, second)
    overlap = _rectangle(lon + 4, lat, lon + 6, lat + 3)
    union_km2 = first.area_km2 + second.area_km2 - overlap.area_km2
    assert entry.area_km2 == pytest.approx(union_km2, rel=0.03)
    outline = shapely.from_wkt(entry.outline_wkt)
    for east, north, inside in ((1, 1, True), (11, -1, True), (5, 1.5, True), (1, -1, False), (11, 3.5, False)):
        assert outline.contains(shapely.Point((lon + east) % 360, lat + north)) == inside
    assert outline.bounds[0] >= 0
    assert outline.bounds[2] <= 360


def test_single_sighting_keeps_its_area():
    (entry,) = _join(_rectangle(100, -3, 106, 3, area_km2=4321.0))
    assert entry.area_km2 == 4321


@pytest.mark.parametrize("lon", [100.0, 358.0, 178.0])
def test_coordinates_and_brightness_are_means_weighted_by_area(lon):
    first = _rectangle(lon, -3, lon + 4, 3, area_km2=1e5, lat_deg=1.0, lon_deg=lon, mean_brightness_R=10.0)
    second = _rectangle(lon + 1, -3, lon + 6, 3, SECOND, area_km2=3e5, lat_deg=2.0, lon_deg=(lon + 4) % 360)
    (entry,) = _join(first, replace(second, mean_brightness_R=20.0))
    assert entry.mean_brightness_R == pytest.approx(17.5)
    assert entry.lat_deg == pytest.approx(1.75, abs=0.01)
    assert 0 <= entry.lon_deg < 360
    assert (entry.lon_deg - lon - 3 + 180) % 360 - 180 == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("swap", [False, True])
def test_peak_and_confidence_are_the_highest_and_times_the_first_and_last(largest, swap):
    columns = [
        {"peak_brightness_R": 9.0, "confidence": 0.4, "time_utc": "2022-03-31T21:50:00.000"},
        {"peak_brightness_R": 7.0, "confidence": 0.6, "time_utc": "2022-03-31T21:30:00.000"},
    ]
    auroras = [
        _rectangle(100, -3, 106, 3, name, area_km2=1e5 if number == largest else 1e4, detection=3 + number, **more)
        for number, (name, more) in enumerate(zip((SECOND, FIRST), columns, strict=True))
    ]
    (entry,) = _join(*reversed(auroras) if swap else auroras)
    assert (entry.peak_brightness_R, entry.confidence) == (9, 0.6)
    assert (entry.first_utc, entry.last_utc) == ("2022-03-31T21:30:00.000", "2022-03-31T21:50:00.000")
    assert entry.sightings == 2
    assert entry.names == (f"{FIRST}#4 {SECOND}#3" if swap else f"{SECOND}#3 {FIRST}#4")
    assert entry.aurora_id.startswith(("20220331T215000", "20220331T213000")[largest])


def test_entries_are_in_the_order_of_their_first_sightings():
    auroras = [_rectangle(lon, -3, lon + 6, 3, name) for lon, name in ((200, SECOND), (100, FIRST), (201, FIRST))]
    assert [entry.names for entry in _join(*auroras)] == [f"{SECOND}#1 {FIRST}#1", f"{FIRST}#1"]


def test_aurora_round_a_pole_is_joined_into_an_outline_round_it():
    caps = [
        _rectangle(0, 86 - low, 360, 90, name, lon_deg=0.0, lat_deg=90.0) for low, name in ((0, FIRST), (1, SECOND))
    ]
    (entry,) = _join(*caps)
    outline = shapely.from_wkt(entry.outline_wkt)
    assert entry.area_km2 == pytest.approx(caps[1].area_km2, rel=0.03)
    assert all(outline.contains(shapely.Point(lon, 85.1)) for lon in (1, 90, 180, 359))
    assert not outline.contains(shapely.Point(90, 84.9))


def test_auroras_of_several_observations_with_equal_time_and_place_are_kept_apart():
    joined = sightings.join([_aurora(f"{name}.fits", 100, time_utc="") for name in "abc"])
    assert len({aurora.aurora_id for aurora in joined}) == 3
    assert [entry.names for entry in list_entries(joined)] == ["a.fits#1", "b.fits#1", "c.fits#1"]


def test_names_with_blanks_are_one_word_of_the_list():
    (entry,) = list_entries(sightings.join([_aurora("a b.fits", 100)]))
    assert entry.names.split() == ["a%20b.fits#1"]
