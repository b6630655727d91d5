"""Searched pixels are added up in cells of position, time, Sun and depth; histograms are joined as a stream."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from tests.unit.measure.scenes import RADIUS_KM, SHELL_KM, Scene, make_scene, vectors

from mars_aurora import readers
from mars_aurora.background import exposure
from mars_aurora.background.exposure import CELL, UNKNOWN, bin_pixels, join
from mars_aurora.background.search import find_search

EDGES = {  # value: number of its bin
    "sza_deg": {0.0: 0, 4.99: 0, 5.0: 1, 112.5: 22, 179.9: 35, 180.0: 35, np.nan: UNKNOWN},
    "local_time_h": {0.0: 0, 0.99: 0, 1.0: 1, 23.99: 23, 24.0: 0, np.nan: UNKNOWN},
    "limit_R": {
        0.99: -1,
        1.0: 0,
        1.99: 0,
        2.0: 1,
        4.0: 2,
        0.1: -4,
        0.0: UNKNOWN,
        -1.0: UNKNOWN,
        np.nan: UNKNOWN,
        np.inf: UNKNOWN,
        1e38: 126,
    },
}
BIN = {"sza_deg": "sza", "local_time_h": "local_time", "limit_R": "depth"}


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene((20.0, 358.0), sub_spacecraft=(30.0, 900.0))


def _bin(scene: Scene, searched: object = None, area_km2: object = 1.0, limit_R: object = 3.0) -> np.ndarray:
    shape = scene.observation.shape
    return bin_pixels(
        scene.observation,
        np.ones(shape, bool) if searched is None else searched,
        np.broadcast_to(area_km2, shape).astype(np.float64),
        np.broadcast_to(limit_R, shape).astype(np.float32),
    )


def test_cells_have_the_pixels_and_areas_of_their_place_on_the_shell_across_the_prime_meridian(scene):
    area_km2 = np.arange(1200.0).reshape(40, 30)
    cells = _bin(scene, area_km2=area_km2)
    places = list(zip((scene.lat_deg // 5).flat, (scene.lon_deg // 10).flat, strict=True))
    assert {place[1] for place in places} == {0, 1, 34, 35}
    pixels, areas = Counter(places), Counter()
    for place, area in zip(places, area_km2.flat, strict=True):
        areas[place] += area
    for place, number in pixels.items():
        own = cells[(cells["lat"] == place[0]) & (cells["lon"] == place[1])]
        assert (own["pixels"].sum(), own["area_km2"].sum()) == (number, areas[place])
    assert cells["pixels"].sum() == 1200


@pytest.mark.parametrize(("lat", "number"), [(90.0, 17), (-90.0, -18), (-0.01, -1), (0.01, 0), (89.9, 17)])
def test_latitudes_up_to_the_poles_are_in_a_bin(lat, number):
    scene = make_scene((lat, 40.0), shape=(1, 1), sub_spacecraft=(30.0, 9.0))
    assert _bin(scene)["lat"].tolist() == [number]


@pytest.mark.parametrize("lon", [0.0, 359.999, 10.0, 355.0])
def test_longitudes_of_all_turns_are_in_a_bin(lon):
    scene = make_scene((20.0, lon), shape=(1, 1), sub_spacecraft=(30.0, 9.0))
    scene = scene.change(longitude_deg=scene.observation.longitude_deg - 360)
    assert _bin(scene)["lon"].tolist() == [int(lon % 360 // 10)]


@pytest.mark.parametrize("quantity", EDGES)
def test_values_on_an_edge_are_in_the_bin_above_it_and_unknown_ones_in_a_bin_of_their_own(scene, quantity):
    for value, number in EDGES[quantity].items():
        changed, limit = (scene, value) if quantity == "limit_R" else (scene.change(**{quantity: value}), 3.0)
        cells = _bin(changed, limit_R=limit)
        assert set(cells[BIN[quantity]].tolist()) == {number}, value
        assert cells["pixels"].sum() == 1200


def test_pixels_of_an_unknown_place_are_counted(scene):
    cells = _bin(scene.change(latitude_deg=np.nan))
    assert set(cells["lat"]) == set(cells["lon"]) == {UNKNOWN}
    assert cells["pixels"].sum() == 1200


def test_pixels_that_are_not_searched_are_not_counted(scene):
    searched = scene.mask(slice(3, 5), slice(7, 10))
    assert _bin(scene, searched)["pixels"].sum() == 6
    assert _bin(scene, np.zeros_like(searched)).size == 0


def test_area_of_a_swath_over_the_whole_disk_is_that_of_the_sphere_which_is_dark_and_faces_the_spacecraft(
    broad_aurora, tmp_path
):
    """The truth is the fraction of random points on the shell whose lines of sight meet such a place."""
    (tmp_path / "x.fits").write_bytes(broad_aurora.to_fits())
    observation = readers.read(tmp_path / "x.fits", "x.fits")
    middle = observation.shape[0] // 2
    up, sun = (
        vectors(
            getattr(observation, f"{body}_latitude_deg")[middle], getattr(observation, f"{body}_longitude_deg")[middle]
        )
        for body in ("sub_spacecraft", "sub_solar")
    )
    spacecraft = up * (RADIUS_KM + observation.spacecraft_altitude_km[middle])
    points = np.random.default_rng(0).normal(size=(400_000, 3))
    points *= (RADIUS_KM + SHELL_KM) / np.linalg.norm(points, axis=1, keepdims=True)
    sight = (points - spacecraft) / np.linalg.norm(points - spacecraft, axis=1, keepdims=True)
    along = -sight @ spacecraft
    beyond = RADIUS_KM**2 - spacecraft @ spacecraft + along**2
    surface = spacecraft + (along - np.sqrt(np.maximum(beyond, 0)))[:, None] * sight
    facing = (beyond > 0) & (points @ up > 0) & ((-surface * sight).sum(1) > RADIUS_KM * np.cos(np.radians(75)))
    dark = surface @ sun < RADIUS_KM * np.cos(np.radians(110))
    area_km2 = (facing & dark).mean() * 4 * np.pi * RADIUS_KM**2
    assert exposure.find(observation, find_search(observation))["area_km2"].sum() == pytest.approx(area_km2, rel=0.03)


def test_cells_are_distinct_and_in_ascending_order(scene):
    cells = _bin(scene, limit_R=np.geomspace(1, 9, 1200).reshape(40, 30))
    keys = [tuple(cell)[:5] for cell in cells.tolist()]
    assert keys == sorted(set(keys))
    assert len(keys) > 50


def _cells(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    cells = np.zeros(count, CELL)
    for name in CELL.names[:5]:
        cells[name] = random.integers(-2, 2, count)
    cells["pixels"], cells["area_km2"] = random.integers(1, 9, count), random.random(count)
    return cells


@pytest.mark.parametrize("at_once", [1, 40, 100_000])
def test_joined_histograms_are_the_sums_of_their_cells_in_any_steps(monkeypatch, at_once):
    monkeypatch.setattr(exposure, "_JOINED_AT_ONCE", at_once)
    parts = [_cells(30, seed) for seed in range(20)]
    joined = join(iter(parts))
    pixels, areas = Counter(), Counter()
    for *cell, number, area in np.concatenate(parts).tolist():
        pixels[tuple(cell)] += number
        areas[tuple(cell)] += area
    assert {tuple(cell): number for *cell, number, _ in joined.tolist()} == pixels
    assert {tuple(cell): area for *cell, _, area in joined.tolist()} == pytest.approx(areas)


def test_cells_that_differ_in_any_bins_are_kept_apart():
    """The numbers of the bins are all that there are in two quantities at a time, with those of unknown ones."""
    every = [UNKNOWN, -18, -1, 0, 1, 17, 127]
    cells = np.zeros(4 * len(every) ** 2, CELL)
    for step in range(4):
        part = cells[step * len(every) ** 2 : (step + 1) * len(every) ** 2]
        part[CELL.names[step]], part[CELL.names[step + 1]] = np.repeat(every, len(every)), np.tile(every, len(every))
    cells["pixels"] = 1
    joined = join([cells])
    assert {tuple(cell)[:5] for cell in joined.tolist()} == {tuple(cell)[:5] for cell in cells.tolist()}
    assert joined["pixels"].sum() == cells.size


def test_histograms_are_added_up_when_many_cells_wait(monkeypatch):
    added, add_up = [], exposure._add_up
    monkeypatch.setattr(exposure, "_add_up", lambda cells: added.append(cells.size) or add_up(cells))
    monkeypatch.setattr(exposure, "_JOINED_AT_ONCE", 100)
    join(_cells(30, 0)[:10] for _ in range(25))
    assert added == [110, 120, 40]  # with the 10 distinct cells so far


def test_joining_nothing_gives_no_cells():
    assert join([]).size == join([exposure.NOTHING, exposure.NOTHING]).size == 0


def test_joining_needs_memory_for_the_distinct_cells_only(monkeypatch):
    monkeypatch.setattr(exposure, "_JOINED_AT_ONCE", 2000)
    tracemalloc.start()
    joined = join(_cells(1000, seed) for seed in range(200))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert joined.size <= 4**5
    assert peak < 200 * 1000 * CELL.itemsize / 4


def test_cells_are_read_back_as_they_were(scene):
    cells = _bin(scene)
    assert exposure.from_npy(exposure.to_npy(cells)).tolist() == cells.tolist()


@pytest.mark.parametrize("data", [b"", b"cut", exposure.to_npy(_cells(9, 0))[:-1], exposure.to_npy(np.zeros(3))])
def test_damaged_cells_are_not_read(data):
    with pytest.raises(ValueError, match=r"."):
        exposure.from_npy(data)
