"""Measurements of auroras compared with the truth of the simulation."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.box import Box
from mars_aurora.geometry import canvas
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.geometry.plane import Plane
from mars_aurora.measure.measure import measure
from mars_aurora.measure.viewing import FLAGS
from mars_aurora.observation import Observation
from mars_aurora_model.simulator.simulate import Simulated

MARS = Box("mars", 1.0, 150, 60, 490, 400)


@pytest.fixture(scope="module")
def observed(broad_aurora: Simulated, tmp_path_factory: pytest.TempPathFactory) -> tuple[Observation, Canvas]:
    path = tmp_path_factory.mktemp("night") / broad_aurora.name.removesuffix(".gz")
    path.write_bytes(broad_aurora.to_fits())
    observation = readers.read(path, path.name)
    return observation, canvas.fit(observation)


@pytest.fixture(scope="module")
def brightest(broad_aurora: Simulated, observed) -> tuple[dict, Box]:
    truths = broad_aurora.truth["auroras"]
    truth = max(truths, key=lambda truth: truth["seen"].get("peak_R", 0))
    pixels = (broad_aurora.labels == truth["id"]) & (observed[0].tangent_altitude_km <= 0)
    x, y = observed[1].x[pixels], observed[1].y[pixels]
    corners = (x.min() - 3, y.min() - 3, x.max() + 3, y.max() + 3)
    return truth, Box("aurora", 0.9, *map(float, corners))


@pytest.fixture(scope="module")
def aurora(observed, brightest) -> Aurora:
    (found,) = measure(*observed, [brightest[1]])
    return found


def test_position_size_and_brightness_are_those_of_the_truth(aurora, brightest):
    truth = brightest[0]["seen"]
    surface = Plane(truth["lat_deg"], truth["lon_deg"])  # without parallax correction, which is 58 km at 24 degrees
    assert surface.distance_km(np.array(aurora.lat_deg), np.array(aurora.lon_deg)) < 120
    assert aurora.mean_brightness_R == pytest.approx(truth["mean_R"], rel=0.15)
    assert aurora.area_km2 == pytest.approx(truth["area_km2"], rel=0.25)


def test_ground_coordinates_are_those_of_the_file_and_shell_coordinates_are_nearer(aurora, brightest):
    truth = brightest[0]["seen"]
    ground, shell = Plane(aurora.ground_lat_deg, aurora.ground_lon_deg), Plane(aurora.lat_deg, aurora.lon_deg)
    assert ground.distance_km(np.array(truth["lat_deg"]), np.array(truth["lon_deg"])) < 60
    sub_spacecraft = np.array(aurora.sub_spacecraft_lat_deg), np.array(aurora.sub_spacecraft_lon_deg)
    parallax_km = ground.distance_km(*sub_spacecraft) - shell.distance_km(*sub_spacecraft)
    assert parallax_km == pytest.approx(130 * np.tan(np.radians(aurora.emission_angle_deg)), rel=0.15)


def test_every_column_is_known_and_has_its_type(aurora):
    for column in COLUMNS:
        value = getattr(aurora, column.name)
        assert type(value) is column.kind, column.name
        assert value == value, column.name  # noqa: PLR0124 -- not NaN
    assert 0 <= aurora.lon_deg < 360
    assert aurora.snr > 0
    assert set(aurora.quality_flags.split()) <= set(FLAGS)


def test_boxes_of_mars_are_ignored(observed, brightest, aurora):
    assert measure(*observed, [MARS, brightest[1]]) == [aurora]
    assert measure(*observed, [MARS]) == []


def test_unpacked_geometry_gives_the_same_measurement(observed, brightest, aurora):
    stored = canvas.unpack_geometry(canvas.pack_geometry(*observed))
    assert measure(*stored, [brightest[1]]) == [aurora]


def test_doubled_brightness_doubles_the_peak_at_the_same_position(observed, brightest, aurora):
    observation, fitted = observed
    doubled = replace(
        observation,
        brightness_R=2 * observation.brightness_R,
        random_error_R=2 * observation.random_error_R,
        systematic_error_R=2 * observation.systematic_error_R,
    )
    (found,) = measure(doubled, fitted, [brightest[1]])
    assert found.peak_brightness_R == pytest.approx(2 * aurora.peak_brightness_R, rel=0.05)
    assert found.peak_lat_deg == pytest.approx(aurora.peak_lat_deg)


def test_shift_of_longitudes_across_0_changes_only_longitude(observed, brightest, aurora):
    observation, fitted = observed
    shift_deg = 360 - aurora.lon_deg  # onto the meridian 0/360
    shifted = replace(
        observation,
        **{
            name: ((getattr(observation, name) + shift_deg) % 360).astype(getattr(observation, name).dtype)
            for name in ("longitude_deg", "corner_longitude_deg", "sub_spacecraft_longitude_deg")
        },
    )
    (found,) = measure(shifted, fitted, [brightest[1]])
    assert min(found.lon_deg, 360 - found.lon_deg) < 0.01
    assert found.lat_deg == pytest.approx(aurora.lat_deg, abs=0.01)
    assert found.area_km2 == pytest.approx(aurora.area_km2, rel=0.01)


def test_box_off_the_disk_is_ignored(observed):
    observation, fitted = observed
    dark = (observation.sza_deg > 150) & (observation.tangent_altitude_km <= 0) & (observation.emission_angle_deg < 40)
    if not dark.any():
        dark = (observation.sza_deg > 120) & (observation.tangent_altitude_km <= 0)
    x, y = float(np.median(fitted.x[dark])), float(np.median(fitted.y[dark]))
    off_disk = Box("aurora", 0.5, 0, 0, 6, 6)
    found = measure(observation, fitted, [off_disk, Box("aurora", 0.5, x - 3, y - 3, x + 3, y + 3)])
    assert len(found) == 1


def test_random_error_covers_the_scatter_under_other_noise(observed, brightest, aurora):
    observation, fitted = observed
    rng = np.random.default_rng(3)
    brightness_R = []
    for _ in range(12):
        noise = rng.normal(0, 1, observation.shape) * np.nan_to_num(observation.random_error_R)
        noisy = replace(observation, brightness_R=(observation.brightness_R + noise).astype(np.float32))
        brightness_R.append(measure(noisy, fitted, [brightest[1]])[0].mean_brightness_R)
    assert np.std(brightness_R) < 4 * aurora.mean_random_error_R
