"""Angles and local time averaged over an aurora, and the time at which the scan passed it."""

from dataclasses import replace

import numpy as np
import pytest
from martian_season import mars_year, solar_longitude_deg
from scenes import FACTS, Scene, make_scene, make_shell_pixels

from mars_aurora.measure.viewing import Viewing, find_epoch, find_viewing
from mars_aurora.observation import Observation


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(shape=(12, 10))


def _find_viewing(
    scene: Scene, excess_R: object = (1.0, 1.0), areas_km2: object = (1.0, 1.0), **arrays: object
) -> Viewing:
    """Find the viewing of an aurora of two pixels, at integrations 4 and 8, with these values of the arrays."""
    pixels = scene.mask(slice(4, 5), slice(3, 4)) | scene.mask(slice(8, 9), slice(3, 4))
    filled = {name: np.full(pixels.shape, 77.0) for name in arrays}
    for name, values in arrays.items():
        filled[name][pixels] = values
    on_shell = make_shell_pixels(rows=[4, 8], excess_R=excess_R, area_km2=areas_km2)
    return find_viewing(scene.change(**filled).observation, pixels, on_shell)


def test_angles_are_averaged_over_the_area_not_the_brightness(scene):
    found = _find_viewing(scene, (9.0, 1.0), (1.0, 3.0), sza_deg=(120, 140), emission_angle_deg=(10, 30))
    assert (found.sza_deg, found.emission_angle_deg) == pytest.approx((135, 25))


@pytest.mark.parametrize(
    ("hours", "areas_km2", "mean_h"),
    [
        ((23.0, 1.0), (1, 1), 0.0),
        ((23.5, 1.5), (1, 1), 0.5),
        ((22.5, 0.5), (1, 1), 23.5),
        ((23.9, 0.1), (3, 1), 23.95),
        ((11.0, 13.0), (1, 1), 12.0),
        ((5.0, 7.0), (1, 1), 6.0),
        ((17.9, 18.1), (1, 3), 18.05),
    ],
)
def test_local_time_is_averaged_across_midnight(scene, hours, areas_km2, mean_h):
    found = _find_viewing(scene, areas_km2=areas_km2, local_time_h=hours).local_time_h
    assert 0 <= found < 24
    assert (found - mean_h + 12) % 24 - 12 == pytest.approx(0, abs=1e-3)


def test_local_time_is_averaged_over_the_pixels_where_it_is_known(scene):
    assert _find_viewing(scene, local_time_h=(np.nan, 1.5)).local_time_h == pytest.approx(1.5)
    assert np.isnan(_find_viewing(scene, local_time_h=(np.nan, np.nan)).local_time_h)


@pytest.mark.parametrize(("excess_R", "row"), [((1.0, 1e-6), 4), ((1.0, 1.0), 6), ((1.0, 3.0), 7)])
def test_spacecraft_and_sun_are_those_when_the_scan_passed_the_centroid(scene, excess_R, row):
    names = ("sub_spacecraft_latitude_deg", "sub_spacecraft_longitude_deg", "spacecraft_altitude_km")
    names += ("sub_solar_latitude_deg", "sub_solar_longitude_deg")
    values = {name: 10.0 * number + np.arange(12) for number, name in enumerate(names)}
    found = _find_viewing(scene.change(**values), excess_R)
    assert found.sub_spacecraft_lat_deg == row
    assert found.sub_spacecraft_lon_deg == 10 + row
    assert found.spacecraft_altitude_km == 20 + row
    assert found.sub_solar_lat_deg == 30 + row
    assert found.sub_solar_lon_deg == 40 + row


def _at_times(*times: str, **facts: object) -> Observation:
    scene = make_scene(shape=(len(times), 10))
    return replace(scene.observation, facts=replace(FACTS, **facts), time_utc=np.array(times, "datetime64[ms]"))


@pytest.mark.parametrize("row", [0, 1, 2])
def test_time_is_that_of_the_integration_also_after_a_pause(row):
    times = ("2023-12-31T23:59:54.000", "2024-01-01T00:00:00.000", "2024-01-01T00:20:06.500")
    assert find_epoch(_at_times(*times, end_utc=None), row).time_utc == times[row]


def test_unknown_time_of_one_integration_is_interpolated():
    observation = _at_times("2023-12-31T23:59:54", "NaT", "NaT", "2024-01-01T00:00:00")
    assert find_epoch(observation, 2).time_utc == "2023-12-31T23:59:58.000"


def test_time_of_a_file_without_times_is_its_start():
    assert find_epoch(_at_times("NaT", "NaT"), 1).time_utc == FACTS.start_utc


def test_time_and_season_of_a_file_without_any_time_are_unknown():
    epoch = find_epoch(_at_times("NaT", "NaT", start_utc=""), 1)
    assert (epoch.time_utc, epoch.mars_year) == ("", None)
    assert np.isnan(epoch.solar_longitude_deg)


def test_season_is_that_of_the_time_not_of_the_start():
    epoch = find_epoch(_at_times("2022-12-01T00:00:00", "2023-01-16T12:00:00"), 1)
    assert epoch.solar_longitude_deg == pytest.approx(solar_longitude_deg(epoch.time_utc), abs=0.01)
    assert epoch.mars_year == mars_year(epoch.time_utc) == 37


@pytest.mark.parametrize("solar_longitude", [0.0, 123.0])
def test_season_in_the_header_has_precedence(solar_longitude):
    epoch = find_epoch(_at_times(FACTS.start_utc, solar_longitude_deg=solar_longitude, mars_year=12), 0)
    assert (epoch.solar_longitude_deg, epoch.mars_year) == (solar_longitude, 12)
