"""Observation sets, and auroras seen in several swaths of a set."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.catalogue import sightings

SWATH = "emm_emu_l2b_20220331t{}_0191_os2_sw{}of3_r_v01-04.fits.gz"
FIRST, SECOND, LATER = SWATH.format("212107", 1), SWATH.format("214600", 2), SWATH.format("033000", 1)


def _square(lon: float) -> str:
    return f"POLYGON (({lon} 0, {lon + 6} 0, {lon + 6} 6, {lon} 6, {lon} 0))"


def _aurora(name: str, lon: float, detection: int = 1, **more: object) -> Aurora:
    fill = {int: 1, float: 0.5, str: ""}
    coordinates = {"lat_deg": 3.0, "lon_deg": lon + 3, "area_km2": 126_000.0, "length_km": 500.0}
    texts = {"name": name, "time_utc": "2022-03-31T21:30:00.000", "outline_wkt": _square(lon), "detection": detection}
    return Aurora(**({column.name: fill[column.kind] for column in COLUMNS} | coordinates | texts | more))


def test_successive_swaths_form_a_set():
    sets = sightings.group_sets([SECOND, FIRST, LATER, "other.fits"])
    assert sets == {FIRST: FIRST, SECOND: FIRST, LATER: LATER, "other.fits": "other.fits"}


def test_real_iuvs_swaths_of_one_orbit_form_a_set(iuvs_folder):
    names = sorted(path.name for path in iuvs_folder.glob("*fuv*.gz"))
    assert len(set(sightings.group_sets(names).values())) == 1


def test_aurora_in_two_swaths_is_one_entry_with_two_sightings():
    joined = sightings.join([_aurora(FIRST, 100), _aurora(SECOND, 102), _aurora(SECOND, 130, 2), _aurora(LATER, 100)])
    assert joined[0].aurora_id == joined[1].aurora_id
    assert [aurora.sightings for aurora in joined] == [2, 2, 1, 1]
    entries = sightings.list_entries(joined)
    assert [entry.sightings for entry in entries][:2] == [2, 1]
    assert entries[0].names == f"{FIRST}#1 {SECOND}#1"
    assert entries[0].area_km2 == pytest.approx(126_000 * 8 / 6, rel=0.03)
    assert entries[0].lon_deg == pytest.approx(104, abs=0.01)


def test_two_auroras_of_one_swath_are_not_joined():
    joined = sightings.join([_aurora(FIRST, 100), _aurora(FIRST, 101, 2, lat_deg=3.1)])
    assert [aurora.sightings for aurora in joined] == [1, 1]


def test_halves_cut_by_the_edges_of_their_swaths_are_joined():
    halves = [_aurora(FIRST, 100), _aurora(SECOND, 107)]
    assert [aurora.sightings for aurora in sightings.join(halves)] == [1, 1]
    cut = [replace(half, quality_flags="limb cut") for half in halves]
    assert [aurora.sightings for aurora in sightings.join(cut)] == [2, 2]


def test_stitched_picture_covers_the_pixels_of_all_pictures():
    left, right = np.zeros((480, 640, 4), np.uint8), np.zeros((480, 640, 4), np.uint8)
    left[:, :300], right[:, 280:] = (1, 2, 3, 255), (4, 5, 6, 255)
    stitched = sightings.stitch([bytes(cv2.imencode(".png", picture)[1]) for picture in (left, right)])
    found = cv2.imdecode(np.frombuffer(stitched, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found[0, 290].tolist() == [1, 2, 3, 255]
    assert found[0, 320].tolist() == [4, 5, 6, 255]
