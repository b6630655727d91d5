"""The truth of simulated auroras: coordinates, outlines, areas and brightness agree with the arrays."""

from dataclasses import replace

import numpy as np
import pytest

from mars_aurora_model.simulator import orbit
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import MARS_RADIUS_KM
from mars_aurora_model.simulator.worlds import TWILIGHT, draw_world


@pytest.fixture(scope="module")
def files(small_world):
    world = replace(small_world, swaths_per_set=(1,), slit_cut_fraction=0.0, truncated_fraction=0.0)
    return [observe(world, 2, index) for index in range(80)]


@pytest.fixture(scope="module")
def truths(files):
    """All auroras, as (file, truth, observed excess)."""
    return [
        (file, aurora, excess_R)
        for file in files
        for aurora, excess_R in zip(file.truth["auroras"], file.aurora_R, strict=True)
    ]


def polygon_area_km2(outline):
    """Area of a polygon by Lambert's azimuthal equal-area projection about its mean, and the projected points."""
    vectors = orbit.unit(*np.array(outline).T)
    center = orbit.normalize(vectors.mean(0))
    east = orbit.normalize(np.cross([0, 0, 1.0], center))
    scale = MARS_RADIUS_KM * np.sqrt(2 / (1 + vectors @ center))
    x, y = scale * (vectors @ east), scale * (vectors @ np.cross(center, east))
    return abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2, np.stack([x, y], 1)


def crosses_itself(points):
    ends = np.roll(points, -1, axis=0)

    def side(a, b, c):
        (ux, uy), (vx, vy) = np.moveaxis(b - a, -1, 0), np.moveaxis(c - a, -1, 0)
        return np.sign(ux * vy - uy * vx)

    a, b, c, d = points[:, None], ends[:, None], points[None], ends[None]
    return bool(((side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)).any())


def test_a_quarter_of_scenes_has_no_aurora_and_all_kinds_occur(files):
    empty = np.mean([not file.truth["auroras"] for file in files])
    assert 0.15 < empty < 0.5
    assert {aurora["kind"] for file in files for aurora in file.truth["auroras"]} == {"crustal", "patch", "sinuous"}


def test_world_without_auroras(small_world):
    file = observe(replace(small_world, no_aurora_fraction=1.0), 1, 0)
    assert file.truth["auroras"] == []
    assert not file.labels.any()
    assert file.aurora_R.shape == (0, *file.labels.shape)


def test_outlines_are_simple_and_enclose_the_area(truths):
    for _, aurora, _ in truths:
        area, points = polygon_area_km2(aurora["outline"])
        assert area == pytest.approx(aurora["area_km2"], rel=0.05, abs=4000)
        assert not crosses_itself(points)
        assert all(0 <= lon < 360.001 for _, lon in aurora["outline"])


def test_faintest_aurora_has_an_outline():
    world = draw_world(np.random.default_rng((1_000, 11, 1_505)), 1 / 6)  # one of its auroras barely reaches the level
    auroras = observe(replace(world, no_aurora_fraction=0.05), 2_505, 24_089).truth["auroras"]
    assert auroras
    for aurora in auroras:
        assert aurora["peak_R"] >= world.outline_R
        assert polygon_area_km2(np.array(aurora["outline"]))[0] == pytest.approx(aurora["area_km2"], rel=0.3)


def test_auroras_are_on_the_night_side_outside_the_quiet_region(truths):
    for _, aurora, _ in truths:
        assert not (5 < aurora["lat_deg"] < 35 and 250 < aurora["lon_deg"] < 280) or aurora["kind"] == "sinuous"
        if "sza_deg" in aurora["seen"]:
            assert aurora["seen"]["sza_deg"] > 95


def test_auroras_of_the_twilight_world_are_in_twilight():
    files = [observe(TWILIGHT, 4, index) for index in range(8)]
    seen = [aurora["seen"] for file in files for aurora in file.truth["auroras"] if aurora["visible"]]
    assert len(seen) >= 5
    assert 103 < np.median([aurora["sza_deg"] for aurora in seen]) < 116  # limb and night cut some of them


def test_kinds_have_their_brightness_and_size(truths):
    def pick(kind, key):
        return np.array([aurora[key] for _, aurora, _ in truths if aurora["kind"] == kind])

    assert np.median(pick("crustal", "peak_R")) > 2 * np.median(pick("patch", "peak_R"))
    assert np.median(pick("sinuous", "area_km2")) > 2 * np.median(pick("crustal", "area_km2"))
    assert (pick("crustal", "lat_deg") < -15).all()
    for kind in ("crustal", "patch", "sinuous"):
        assert (pick(kind, "mean_R") < pick(kind, "peak_R")).all()
        assert (pick(kind, "half_peak_area_km2") <= pick(kind, "area_km2")).all()


def test_observed_properties_agree_with_the_arrays(truths):
    for file, aurora, excess_R in truths:
        seen = file.labels == aurora["id"]
        assert aurora["seen"]["pixels"] == seen.sum()
        assert aurora["seen"]["pixels_5R"] == (seen & (excess_R >= 5)).sum()
        on_disk = seen & file.swath.geometry.on_disk
        assert aurora["visible"] == on_disk.any()
        if on_disk.any():
            assert aurora["seen"]["peak_R"] == pytest.approx(excess_R[on_disk].max(), abs=0.01)
            assert aurora["seen"]["area_km2"] == pytest.approx(file.swath.geometry.cell_km2[on_disk].sum(), rel=0.01)


def test_labels_are_on_observed_pixels_above_the_outline_level(files):
    for file in files:
        seen = file.labels > 0
        assert (file.swath.excess_R[seen] >= file.world.outline_R).all()
        assert np.isfinite(file.swath.random_error_R[seen]).all()


def test_aurora_near_nadir_has_its_true_area_brightness_and_coordinates_except_for_parallax(truths):
    areas, peaks, excess_deg = [], [], []
    for file, aurora, _ in truths:
        vector, seen = orbit.unit(aurora["lat_deg"], aurora["lon_deg"]), aurora["seen"]
        disk = file.truth["disk"]
        below = orbit.unit(disk["sub_spacecraft_lat_deg"], disk["sub_spacecraft_lon_deg"])
        tilt = np.arccos(vector @ below)
        if aurora["visible"] and aurora["kind"] != "sinuous" and aurora["area_km2"] > 1.5e5 and tilt < np.radians(60):
            areas.append(seen["area_km2"] / aurora["area_km2"])
            peaks.append(seen["peak_R"] / aurora["peak_R"] / aurora["swath_factor"] * np.cos(tilt))
            parallax_deg = np.degrees(file.world.emission_altitude_km * np.tan(tilt * 1.15) / MARS_RADIUS_KM)
            offset_deg = np.degrees(np.arccos(vector @ orbit.unit(seen["lat_deg"], seen["lon_deg"])))
            excess_deg.append(offset_deg - parallax_deg)
    assert len(areas) > 5
    assert np.median(areas) == pytest.approx(1.2, abs=0.4)
    assert np.median(peaks) == pytest.approx(1, abs=0.25)
    assert np.median(excess_deg) < 1.5
