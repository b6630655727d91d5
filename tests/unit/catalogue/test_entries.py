"""The table of auroras: what is kept of a single sighting, and how several are combined."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from test_catalogue_files import make_aurora

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue.entries import list_entries
from mars_aurora.catalogue.entry import Entry
from mars_aurora.catalogue.sightings import join
from mars_aurora.geometry.outline import to_wkt
from mars_aurora.geometry.plane import Plane

PLANE = Plane(10.0, 100.0)


def _sighting(west_km: float, east_km: float, **more: object) -> Aurora:
    """A rectangle of 200 km from south to north."""
    box = shapely.box(west_km, -100, east_km, 100)
    lat, lon = PLANE.unproject(np.array((west_km + east_km) / 2), np.array(0.0))
    known = {"lat_deg": float(lat), "lon_deg": float(lon), "area_km2": box.area, "length_km": east_km - west_km}
    texts = {"quality_flags": "", "outline_wkt": to_wkt(shapely.MultiPolygon([box]), PLANE)}
    texts |= {"name": f"{west_km}.fits", "aurora_id": "x"}
    return make_aurora(**known | texts | {"sightings": 1, "snr": 10.0} | more)


def _combine(*sightings: Aurora) -> Entry:
    (entry,) = list_entries(sightings)
    return entry


def test_single_sighting_keeps_all_values_and_its_outline():
    sighting = _sighting(0, 300, confidence=0.5, mean_brightness_R=7.0, orbit=None)
    entry = _combine(sighting)
    for name in Entry.__dataclass_fields__:
        if hasattr(sighting, name):
            assert getattr(entry, name) == getattr(sighting, name), name
    assert (entry.names, entry.first_utc, entry.last_utc) == ("0.fits#7", sighting.time_utc, sighting.time_utc)


def test_outline_of_several_is_simplified_and_shape_is_that_of_the_union():
    halves = [_sighting(0, 600), _sighting(600, 1200)]
    entry = _combine(*halves)
    assert shapely.get_num_coordinates(shapely.from_wkt(entry.outline_wkt)) <= 70  # an edge each 50 km
    assert entry.area_km2 == pytest.approx(240_000, rel=0.01)
    assert entry.length_km == pytest.approx(np.hypot(1200, 200), rel=0.01)
    assert (entry.morphology, entry.pixels) == ("sinuous", 14)


@pytest.mark.parametrize("overlap_km", [0, 200])
def test_random_errors_are_independent_and_systematic_errors_are_common(overlap_km):
    errors = {"mean_random_error_R": 0.3, "mean_systematic_error_R": 0.5, "background_error_R": 0.1}
    errors |= {"area_error_km2": 3000.0, "integrated_random_error_R_km2": 5e4, "centroid_error_km": 7.0}
    entry = _combine(*(_sighting(west, west + 200, **errors) for west in (0, 200 - overlap_km)))
    new = (400 - overlap_km) / 400
    assert entry.mean_random_error_R == pytest.approx(0.3 / np.sqrt(2))
    assert entry.background_error_R == pytest.approx(0.1 / np.sqrt(2))
    assert entry.centroid_error_km == pytest.approx(7.0 / np.sqrt(2))
    assert entry.mean_systematic_error_R == pytest.approx(0.5)
    assert entry.area_error_km2 == pytest.approx(3000 * np.sqrt(2) * new, rel=0.02)
    assert entry.integrated_random_error_R_km2 == pytest.approx(5e4 * np.sqrt(2) * new, rel=0.02)


def test_brightness_is_the_mean_by_area_and_the_peak_is_that_of_one_sighting():
    faint = _sighting(0, 300, mean_brightness_R=4.0, peak_brightness_R=9.0, peak_lat_deg=1.0, confidence=np.nan)
    bright = _sighting(300, 400, mean_brightness_R=8.0, peak_brightness_R=12.0, peak_lat_deg=2.0, confidence=0.7)
    entry = _combine(faint, bright)
    assert entry.mean_brightness_R == pytest.approx(5.0)
    assert (entry.peak_brightness_R, entry.peak_lat_deg, entry.confidence) == (12, 2, 0.7)
    assert entry.integrated_brightness_R_km2 == pytest.approx(5 * entry.area_km2)
    noise_R = np.hypot(0.4 * 0.75, 0.8 * 0.25)
    assert entry.snr == pytest.approx(5 / noise_R)


def test_angles_are_averaged_across_their_end():
    pair = [
        _sighting(0, 200, local_time_h=23.5, solar_longitude_deg=359.0, sub_solar_lon_deg=350.0, sza_deg=120.0),
        _sighting(200, 400, local_time_h=0.5, solar_longitude_deg=1.0, sub_solar_lon_deg=10.0, sza_deg=130.0),
    ]
    entry = _combine(*pair)
    assert min(entry.local_time_h, 24 - entry.local_time_h) == pytest.approx(0, abs=1e-9)
    assert min(entry.solar_longitude_deg, 360 - entry.solar_longitude_deg) == pytest.approx(0, abs=1e-9)
    assert min(entry.sub_solar_lon_deg, 360 - entry.sub_solar_lon_deg) == pytest.approx(0, abs=1e-6)
    assert entry.sza_deg == pytest.approx(125)


def test_flags_of_any_sighting_are_set_in_their_order_and_levels_are_listed():
    pair = [_sighting(0, 200, quality_flags="cut low_counts", level="l2b"), _sighting(200, 400, level="l2a")]
    entry = _combine(pair[0], replace(pair[1], quality_flags="limb cut", orbit=9, area_km2=1e9))
    assert entry.quality_flags == "low_counts limb cut"
    assert (entry.level, entry.orbit) == ("l2a l2b", 9)


def test_detection_without_signal_is_no_aurora_and_joined_with_none():
    swath = "emm_emu_l2b_20220331t2{}2107_0191_os2_sw{}of3_r_v01-04.fits.gz"
    found = _sighting(0, 300, name=swath.format(1, 1), quality_flags="low_counts")
    missed = replace(found, name=swath.format(2, 2), quality_flags="no_signal low_counts")
    joined = join([found, missed])
    assert [aurora.sightings for aurora in joined] == [1, 1]
    assert joined[0].aurora_id != joined[1].aurora_id
    assert [entry.names for entry in list_entries(joined)] == [f"{found.name}#7"]


def test_frame_is_undetermined_where_sightings_differ():
    frames = "planetographic", "planetocentric"
    pair = [_sighting(200 * n, 200 * n + 200, latitude_frame=frame) for n, frame in enumerate(frames)]
    assert _combine(*pair).latitude_frame == "undetermined"
    assert _combine(pair[0], replace(pair[1], latitude_frame=frames[0])).latitude_frame == frames[0]
