"""Measuring against simulated truth."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.aurora import COLUMNS, Aurora
from mars_aurora.box import Box
from mars_aurora.geometry import canvas, footprint
from mars_aurora.geometry.footprint import Plane
from mars_aurora.measure import measure
from mars_aurora.measure.viewing import FLAGS
from mars_aurora.observation import Observation, to_npz
from mars_aurora_model.simulator.simulate import Simulated

MARS = Box("mars", 1.0, 150, 60, 490, 400)


@pytest.fixture(scope="module")
def seen(broad_aurora: Simulated, tmp_path_factory: pytest.TempPathFactory) -> tuple[Observation, canvas.Canvas]:
    path = tmp_path_factory.mktemp("night") / broad_aurora.name.removesuffix(".gz")
    path.write_bytes(broad_aurora.to_fits())
    observation = readers.read(path, path.name)
    return observation, canvas.fit(observation)


@pytest.fixture(scope="module")
def brightest(broad_aurora: Simulated, seen) -> tuple[dict, Box]:
    truths = broad_aurora.truth["auroras"]
    truth = max(truths, key=lambda truth: truth["seen"].get("peak_R", 0))
    pixels = (broad_aurora.labels == truth["id"]) & (seen[0].tangent_altitude_km <= 0)
    x, y = seen[1].x[pixels], seen[1].y[pixels]
    corners = (x.min() - 3, y.min() - 3, x.max() + 3, y.max() + 3)
    return truth, Box("aurora", 0.9, *map(float, corners))


@pytest.fixture(scope="module")
def aurora(seen, brightest) -> Aurora:
    (found,) = measure.measure_observation(*seen, [brightest[1]])
    return found


def test_place_and_size_and_light_are_those_of_the_truth(aurora, brightest):
    truth = brightest[0]["seen"]
    plane = Plane(truth["lat_deg"], truth["lon_deg"])  # on the ground, so off by the parallax: 58 km at 24 degrees
    assert footprint.distance_km(np.array(aurora.lat_deg), np.array(aurora.lon_deg), plane) < 120
    assert aurora.mean_brightness_R == pytest.approx(truth["mean_R"], rel=0.15)
    assert aurora.area_km2 == pytest.approx(truth["area_km2"], rel=0.25)


def test_the_place_on_the_ground_is_that_of_the_file_and_the_shell_s_is_nearer(aurora, brightest):
    truth = brightest[0]["seen"]
    ground = Plane(aurora.ground_lat_deg, aurora.ground_lon_deg)
    assert footprint.distance_km(np.array(truth["lat_deg"]), np.array(truth["lon_deg"]), ground) < 60
    below = np.array(aurora.sub_spacecraft_lat_deg), np.array(aurora.sub_spacecraft_lon_deg)
    nearer_km = footprint.distance_km(*below, ground) - footprint.distance_km(
        *below, Plane(aurora.lat_deg, aurora.lon_deg)
    )
    assert nearer_km == pytest.approx(130 * np.tan(np.radians(aurora.emission_angle_deg)), rel=0.15)


def test_every_column_is_of_its_kind_and_known(aurora):
    for column in COLUMNS:
        value = getattr(aurora, column.name)
        assert type(value) is column.kind, column.name
        assert value == value, column.name  # noqa: PLR0124 -- not NaN
    assert 0 <= aurora.lon_deg < 360
    assert aurora.snr > 0
    assert set(aurora.quality_flags.split()) <= set(FLAGS)


def test_the_npz_gives_the_same_and_boxes_of_mars_are_left_out(seen, brightest, aurora):
    observation, view = seen
    assert measure.measure(to_npz(observation, **view.to_arrays()), [MARS, brightest[1]]) == [aurora]


def test_twice_the_light_is_twice_the_brightness_and_the_place_stays(seen, brightest, aurora):
    observation, view = seen
    doubled = replace(
        observation,
        brightness_R=2 * observation.brightness_R,
        random_error_R=2 * observation.random_error_R,
        systematic_error_R=2 * observation.systematic_error_R,
    )
    (found,) = measure.measure_observation(doubled, view, [brightest[1]])
    assert found.peak_brightness_R == pytest.approx(2 * aurora.peak_brightness_R, rel=0.05)
    assert found.peak_lat_deg == pytest.approx(aurora.peak_lat_deg)


def test_mars_turned_by_some_degrees_moves_longitudes_and_nothing_else(seen, brightest, aurora):
    observation, view = seen
    turn = 360 - aurora.lon_deg  # onto the meridian where longitudes wrap
    moved = replace(
        observation,
        **{
            name: ((getattr(observation, name) + turn) % 360).astype(getattr(observation, name).dtype)
            for name in ("longitude_deg", "corner_longitude_deg", "sub_spacecraft_longitude_deg")
        },
    )
    (found,) = measure.measure_observation(moved, view, [brightest[1]])
    assert min(found.lon_deg, 360 - found.lon_deg) < 0.01
    assert found.lat_deg == pytest.approx(aurora.lat_deg, abs=0.01)
    assert found.area_km2 == pytest.approx(aurora.area_km2, rel=0.01)


def test_a_box_beside_the_disk_is_left_out_and_a_dark_one_is_flagged(seen):
    observation, view = seen
    dark = (observation.sza_deg > 150) & (observation.tangent_altitude_km <= 0) & (observation.emission_angle_deg < 40)
    if not dark.any():
        dark = (observation.sza_deg > 120) & (observation.tangent_altitude_km <= 0)
    x, y = float(np.median(view.x[dark])), float(np.median(view.y[dark]))
    beside = Box("aurora", 0.5, 0, 0, 6, 6)
    found = measure.measure_observation(observation, view, [beside, Box("aurora", 0.5, x - 3, y - 3, x + 3, y + 3)])
    assert len(found) == 1


def test_no_box_costs_no_reading():
    assert measure.measure(b"not even an npz", [MARS]) == []


def test_errors_cover_what_other_noise_would_give(seen, brightest, aurora):
    observation, view = seen
    chance = np.random.default_rng(3)
    spread = []
    for _ in range(12):
        noise = chance.normal(0, 1, observation.shape) * np.nan_to_num(observation.random_error_R)
        again = replace(observation, brightness_R=(observation.brightness_R + noise).astype(np.float32))
        spread.append(measure.measure_observation(again, view, [brightest[1]])[0].mean_brightness_R)
    assert np.std(spread) < 4 * aurora.mean_random_error_R
