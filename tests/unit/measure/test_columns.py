"""Every column of the catalogue against a value from outside the package: at poles, at 0/360, at 180."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import shapely
from astropy.stats import circmean
from astropy.time import Time, TimeDelta
from martian_season import mars_year, solar_longitude_deg
from numpy.typing import NDArray
from scenes import FACTS, PATCH_R, Scene, area_in_degrees_km2, from_plane, make_box, make_scene, to_plane

from mars_aurora.aurora import COLUMNS, Aurora

CENTERS = [(20.0, 40.0), (-45.0, 0.2), (60.0, 359.9), (10.0, 180.0), (88.0, 200.0), (-88.5, 0.0)]
ROWS, SLIT_BINS = slice(14, 26), slice(10, 20)
WIDTHS_KM = np.where(np.arange(30) < 15, 30.0, 60.0)  # so that a mean over pixels is not the one over the area
HEADING_DEG = 25.0
CALIBRATION = 0.25
STATISTICAL = {"centroid_error_km", "area_error_km2"}  # compared with the scatter of simulated auroras

Known = Callable[[object], bool]


def _near(value: float, tolerance: float, period: float = np.inf) -> Known:
    """Accept a value within a tolerance, of an angle with that period from 0 to the period."""
    if not np.isfinite(period):
        return lambda found: abs(found - value) <= tolerance
    return lambda found: 0 <= found < period and abs((found - value + period / 2) % period - period / 2) <= tolerance


def _between(low: float, high: float) -> Known:
    return lambda found: low < found < high


def _make_patch() -> NDArray[np.float64]:
    """Brightness of the patch, (nI, nS): higher toward the end of the slit, highest at integration 17.

    Between 5.45 and 6 R over 1 R of background, the means of 3 x 3 pixels exceed the limit of 2.24 R on the patch only.
    """
    row, column = np.mgrid[:40, :30]
    brightness_R = 5.45 + 0.03 * (column - 10) + 0.2 * np.exp(-((row - 17) ** 2) / 20)
    inside = (row >= ROWS.start) & (row < ROWS.stop) & (column >= SLIT_BINS.start) & (column < SLIT_BINS.stop)
    return np.where(inside, brightness_R, 0)


EXCESS_R = _make_patch()
INSIDE = EXCESS_R > 0


def _make_scene(center: tuple[float, float]) -> Scene:
    scene = make_scene(
        center, widths_km=WIDTHS_KM, overlap=0.5, heading_deg=HEADING_DEG, sub_spacecraft=(70, 1800), sza_deg=145
    ).add(EXCESS_R)
    return scene.change(
        random_error_R=0.2 + 0.2 * (np.arange(30) % 2), systematic_error_R=CALIBRATION * scene.observation.brightness_R
    )


def _expect(scene: Scene, center: tuple[float, float]) -> Iterator[tuple[str, object]]:
    """Yield the name and the value of each column that does not follow from others."""
    observation, areas_km2 = scene.observation, scene.areas_km2(INSIDE)
    weights = EXCESS_R[INSIDE] * areas_km2
    row = round(np.average(np.nonzero(INSIDE)[0], weights=weights))
    lat, lon = _average(scene.lat_deg, scene.lon_deg, weights, center)
    yield from _at("", lat, lon, tolerance_deg=0.01)
    yield from _at(
        "ground_", *_average(observation.latitude_deg, observation.longitude_deg, weights, center), tolerance_deg=0.01
    )
    yield "area_km2", _near(areas_km2.sum(), 0.002 * areas_km2.sum())
    mean_R = np.average(EXCESS_R[INSIDE], weights=areas_km2)
    yield "mean_brightness_R", _between(1.002 * mean_R, 1.04 * mean_R)  # corrected for the signal outside the outline
    yield "background_R", _near(1, 1e-5)
    yield "background_error_R", _between(0.01, 0.5)
    yield from _expect_peak(scene)
    yield from _expect_shape(scene, (lat, lon))
    yield from _expect_viewing(scene, areas_km2, row)
    yield "pixels", 120
    yield "quality_flags", ""
    yield "outline_wkt", lambda text: _is_outline(shapely.from_wkt(text), scene)
    yield "picture_outline", lambda text: _is_on_picture(text, scene)
    yield (
        "native_outline",
        lambda text: (
            _corners(text) == {(slit, scan) for slit in (10 + 2 / 3, 20 + 1 / 3) for scan in (14 + 2 / 3, 26 + 1 / 3)}
        ),
    )


def _expect_peak(scene: Scene) -> Iterator[tuple[str, object]]:
    nine = sum(np.roll(EXCESS_R, (down, across), (0, 1)) for down in (-1, 0, 1) for across in (-1, 0, 1)) / 9
    peak = np.unravel_index(np.argmax(nine), nine.shape)
    errors = scene.observation.random_error_R[peak[0] - 1 : peak[0] + 2, peak[1] - 1 : peak[1] + 2]
    error = np.sqrt((errors**2).sum()) / 9
    yield "peak_brightness_R", _between(nine.max() - 0.2, nine.max() + 1e-4)  # corrected for noise
    yield "peak_random_error_R", _between(error, np.hypot(error, 0.3))
    yield from _at("peak_", scene.lat_deg[peak], scene.lon_deg[peak], tolerance_deg=0.002)


def _expect_shape(scene: Scene, centroid: tuple[float, float]) -> Iterator[tuple[str, object]]:
    """Yield the columns of a rectangle of 600 x 450 km along the scan, as pyproj projects it about the centroid."""
    corner = np.array([(14, 10, 0), (14, 19, 1), (25, 19, 2), (25, 10, 3)]).T
    x, y = to_plane(centroid, *(values[tuple(corner)] for values in (scene.corner_lat_deg, scene.corner_lon_deg)))
    side = np.array([x[2] - x[1], y[2] - y[1]])
    yield "length_km", _near(750, 4)
    yield "width_km", _near(360, 3)
    yield "orientation_deg", _near(np.degrees(np.arctan2(*side)), 0.1, 180)
    yield "elongation", _near(600 / 450, 0.005)
    yield "eccentricity", _near(np.sqrt(1 - (450 / 600) ** 2), 0.005)
    yield "morphology", "patch"


def _expect_viewing(scene: Scene, areas_km2: NDArray[np.float64], row: int) -> Iterator[tuple[str, object]]:
    observation = scene.observation
    hour_angle = np.radians(15 * observation.local_time_h[INSIDE].astype(np.float64))
    time = Time(FACTS.start_utc) + row * TimeDelta(6, format="sec")
    yield "sza_deg", _near(np.average(observation.sza_deg[INSIDE], weights=areas_km2), 0.01)
    yield "emission_angle_deg", _near(np.average(observation.emission_angle_deg[INSIDE], weights=areas_km2), 0.01)
    yield "local_time_h", _near(np.degrees(circmean(hour_angle, weights=areas_km2)) / 15, 0.005, 24)
    yield "time_utc", time.isot
    yield "solar_longitude_deg", _near(solar_longitude_deg(time.isot), 0.02)
    yield "mars_year", mars_year(time.isot)
    yield "spacecraft_altitude_km", 20_000.0 + 5 * row
    for place in ("sub_spacecraft", "sub_solar"):
        for column, name in (("lat", "latitude"), ("lon", "longitude")):
            yield f"{place}_{column}_deg", getattr(observation, f"{place}_{name}_deg")[row]


def _expect_dependent(aurora: Aurora, scene: Scene) -> Iterator[tuple[str, object]]:
    """Yield the columns that follow from others, as measured."""
    areas_km2 = scene.areas_km2(INSIDE)
    errors = areas_km2 * scene.observation.random_error_R[INSIDE]
    noise_R = np.hypot(np.linalg.norm(errors) / areas_km2.sum(), aurora.background_error_R)
    systematic_R, mean_R, area_km2 = CALIBRATION * aurora.mean_brightness_R, aurora.mean_brightness_R, aurora.area_km2
    yield "mean_random_error_R", _between(0.998 * noise_R, noise_R + 0.2 * mean_R)
    yield "mean_systematic_error_R", _near(systematic_R, 0.04 * systematic_R)
    yield "peak_systematic_error_R", _near(CALIBRATION * aurora.peak_brightness_R, 0.05)
    yield "snr", _near(mean_R / noise_R, 0.002 * mean_R / noise_R)
    yield "integrated_brightness_R_km2", pytest.approx(mean_R * area_km2)
    yield "integrated_random_error_R_km2", _between(0.998 * noise_R * area_km2, (noise_R + 0.2 * mean_R) * area_km2)
    yield "integrated_systematic_error_R_km2", _near(systematic_R * area_km2, 0.04 * systematic_R * area_km2)


FROM_INPUT = {
    "name": "set/swath.fits",
    "detection": 1,
    "confidence": 0.75,
    "instrument": "EMM/EMUS",
    "level": "l2b",
    "latitude_frame": "undetermined",
    "emission": "O I 130.4",
    "orbit": 191,
    "mode": "os2",
    "swath": "1of3",
    "start_utc": "2022-03-31T21:21:07.000",
    "box_x0": 90.0,
    "box_y0": 130.0,
    "box_x1": 220.0,
    "box_y1": 280.0,
    "aurora_id": "",
    "sightings": 1,
}


@pytest.mark.parametrize("center", CENTERS)
def test_every_column_has_its_known_value(center):
    scene = _make_scene(center)
    (aurora,) = scene.measure(make_box(ROWS, SLIT_BINS, margin_px=20))
    expected = {**FROM_INPUT, **dict(_expect(scene, center)), **dict(_expect_dependent(aurora, scene))}
    assert set(expected) | STATISTICAL == {column.name for column in COLUMNS}
    for name, known in expected.items():
        found = getattr(aurora, name)
        assert known(found) if callable(known) else found == known, (name, found, known)


def test_statistical_errors_are_positive():
    (aurora,) = _make_scene(CENTERS[0]).measure(make_box(ROWS, SLIT_BINS))
    assert all(0 < getattr(aurora, name) < np.inf for name in STATISTICAL)


def test_facts_that_are_unknown_are_empty():
    facts = replace(FACTS, orbit=None, mode=None, swath=None, end_utc=None)
    (aurora,) = _make_scene(CENTERS[0]).change(facts=facts).measure(make_box(ROWS, SLIT_BINS))
    assert (aurora.orbit, aurora.mode, aurora.swath) == (None, "", "")


@pytest.mark.parametrize("heading_deg", [0, 35, 90, 145, 179])
@pytest.mark.parametrize("center", [(0.0, 0.0), (-70.0, 179.9)])
def test_ribbon_has_its_length_width_and_orientation(center, heading_deg):
    scene = make_scene(center, shape=(60, 16), heading_deg=heading_deg, pitch_km=40, overlap=0.3, altitude_km=40_000)
    rows, slit_bins = slice(10, 50), slice(6, 10)
    (ribbon,) = scene.add(PATCH_R * scene.mask(rows, slit_bins)).measure(make_box(rows, slit_bins))
    assert ribbon.length_km == pytest.approx(np.hypot(1600, 200), rel=0.005)
    assert ribbon.width_km == pytest.approx(200, rel=0.01)
    assert _near(heading_deg, 0.1, 180)(ribbon.orientation_deg)
    assert ribbon.elongation == pytest.approx(8, rel=0.01)
    assert ribbon.morphology == "sinuous"


def test_known_area_on_the_sphere_far_from_the_sub_spacecraft_point():
    scene = make_scene((0.0, 0.0), shape=(60, 60), pitch_km=30, widths_km=30, sub_spacecraft=(200, 3000))
    rows, slit_bins = slice(20, 40), slice(15, 45)
    (patch,) = scene.add(PATCH_R * scene.mask(rows, slit_bins)).measure(make_box(rows, slit_bins))
    assert 58 < patch.emission_angle_deg < 66
    assert patch.area_km2 == pytest.approx(600 * 900, rel=0.003)
    assert (patch.lat_deg, patch.lon_deg % 359) == pytest.approx((0, 0), abs=0.01)


def _at(prefix: str, lat: float, lon: float, tolerance_deg: float) -> Iterator[tuple[str, object]]:
    yield f"{prefix}lat_deg", _near(lat, tolerance_deg)
    yield f"{prefix}lon_deg", _near(lon, tolerance_deg / np.cos(np.radians(lat)), 360)


def _average(
    lat_deg: NDArray[np.floating],
    lon_deg: NDArray[np.floating],
    weights: NDArray[np.float64],
    center: tuple[float, float],
) -> tuple[float, float]:
    """Average positions of the patch in the equal-area plane of pyproj."""
    x, y = to_plane(center, lat_deg[INSIDE], lon_deg[INSIDE])
    lat, lon = from_plane(center, np.average(x, weights=weights), np.average(y, weights=weights))
    return float(lat), float(lon)


def _is_outline(outline: shapely.Geometry, scene: Scene) -> bool:
    """Whether polygons in degrees cover the patch and nothing else."""
    near = np.s_[13:27, 9:21]
    covered = shapely.contains_xy(outline, scene.lon_deg[near], scene.lat_deg[near])
    area_km2 = scene.areas_km2(INSIDE).sum()
    return bool((covered == INSIDE[near]).all()) and abs(area_in_degrees_km2(outline) / area_km2 - 1) < 0.01


def _is_on_picture(text: str, scene: Scene) -> bool:
    """Whether a polygon on the picture covers the patch and nothing else."""
    numbers = np.array([float(number) for number in text.split(",")])
    polygon = shapely.Polygon(numbers.reshape(-1, 2))
    near = np.s_[12:28, 8:22]
    x, y = scene.canvas.x[near] + 0.5, scene.canvas.y[near] + 0.5  # the first pixel is from 0 to 1
    return bool((shapely.contains_xy(polygon, x, y) == INSIDE[near]).all())


def _corners(native_outline: str) -> set[tuple[float, float]]:
    numbers = [float(number) for number in native_outline.split(",")]
    return {(round(3 * slit) / 3, round(3 * scan) / 3) for slit, scan in zip(numbers[::2], numbers[1::2], strict=True)}
