"""Cleaning of simulated files: nights and auroras are kept, and any values are accepted."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from disks import spread
from scans import BINS, ROWS, make_scan

from mars_aurora import readers
from mars_aurora.cleaning.cleaning import clean
from mars_aurora.observation import Observation, from_npz, to_npz
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.simulator.world import World

NIGHT = World(
    artefacts="none",
    no_aurora_fraction=1.0,
    diffuse_fraction=0.0,
    swaths_per_set=(1,),
    modes=(("os2", 1.0, (120, 155)),),
    slit_cut_fraction=0.0,
    truncated_fraction=0.0,
)


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    """A swath of a whole night disk without aurora."""
    return observe(NIGHT, 31, 0)


@pytest.fixture(scope="module")
def night(simulated, tmp_path_factory) -> Observation:
    return _read(simulated, tmp_path_factory.mktemp("night"))


def _read(simulated: Simulated, folder) -> Observation:
    path = folder / simulated.plain_name
    path.write_bytes(simulated.to_fits())
    return readers.read(path, path.name)


def test_mean_of_a_clean_night_is_kept(night):
    cleaned = clean(night)
    dark = night.on_disk & (night.sza_deg > 110) & np.isfinite(night.brightness_R)
    kept = dark & np.isfinite(cleaned.brightness_R)
    assert cleaned.brightness_R[kept].mean() == pytest.approx(night.brightness_R[dark].mean(), rel=0.005)


@pytest.mark.parametrize("line", ["middle", "edge", "scan"])
@pytest.mark.parametrize("peak_R", [5, 20, 80])
def test_ribbon_one_pixel_wide_keeps_its_light(simulated, night, line, peak_R):
    rows, bins = (np.flatnonzero(night.on_disk.any(axis)) for axis in (1, 0))
    ribbon = np.zeros(night.shape)
    where = {"middle": (rows[len(rows) // 2],), "edge": (rows[0] + 2,), "scan": (rows, bins[len(bins) // 2])}
    ribbon[where[line]] = 1
    across = 1 / np.sqrt(12) / (1 - 0.6)  # of a slit that overlaps by at most 60 %
    ribbon = cv2.GaussianBlur(ribbon, (0, 0), sigmaX=0.7, sigmaY=across)
    ribbon *= peak_R / ribbon.max()
    counts = np.random.default_rng(peak_R).poisson((simulated.swath.background_R + ribbon) * NIGHT.counts_per_R)
    brightness = np.where(np.isfinite(night.brightness_R), counts / NIGHT.counts_per_R, np.nan).astype(np.float32)
    error = (np.sqrt(np.maximum(counts, 1)) / NIGHT.counts_per_R).astype(np.float32)
    cleaned = clean(replace(night, brightness_R=brightness, random_error_R=error))
    seen = (ribbon > 0.2 * peak_R) & night.on_disk & np.isfinite(brightness)
    assert cleaned.removed_R[seen].sum() < 0.03 * ribbon[seen].sum()


def test_diffuse_aurora_over_the_night_side_is_kept(tmp_path):
    diffuse = observe(replace(NIGHT, diffuse_fraction=1.0), 31, 1)
    cleaned = clean(_read(diffuse, tmp_path))
    assert diffuse.truth["diffuse"]
    seen = cleaned.on_disk & (cleaned.sza_deg > 110)
    assert cleaned.removed_R[seen].sum() < 0.01 * np.nansum(cleaned.brightness_R[seen])


def test_removed_light_is_stored_with_the_observation(night):
    dirty = replace(night, brightness_R=night.brightness_R + 10)
    cleaned = clean(dirty)
    stored, _ = from_npz(to_npz(cleaned))
    assert cleaned.removed_R.any()
    assert np.array_equal(stored.removed_R, cleaned.removed_R)
    assert stored.facts == cleaned.facts


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("brightness_R", np.nan),
        ("brightness_R", 0.0),
        ("brightness_R", -3.0),
        ("random_error_R", np.nan),
        ("random_error_R", 1e-20),
        ("sza_deg", np.nan),
        ("sza_deg", 180.0),
        ("tangent_altitude_km", np.nan),
        ("corner_latitude_deg", np.nan),
        ("corner_latitude_deg", 90.0),
    ],
)
def test_any_values_are_cleaned_without_error(name, value):
    scan = make_scan(0.05, 0.2, tangent_altitude_km=np.where(ROWS < 50, 1000, 0), sza_deg=spread(125, 150, axis=0))
    getattr(scan, name)[:] = value
    assert clean(scan).shape == scan.shape


@pytest.mark.parametrize(("rows", "bins"), [(5, 1), (5, 3), (60, 2)])
def test_small_scans_are_cleaned_without_error(rows, bins):
    scan = make_scan(0.05, 0.2, tangent_altitude_km=np.where(BINS % 2 == 0, 1000, 0), sza_deg=spread(125, 150, axis=0))
    arrays = {name: value[:rows] for name, value in vars(scan).items() if name != "facts"}
    small = {name: value[:, :bins] if value.ndim > 1 else value for name, value in arrays.items()}
    assert clean(Observation(facts=scan.facts, **small)).shape == (rows, bins)


def test_scatter_beyond_the_random_errors_is_no_spike():
    counts = np.random.default_rng(3).poisson(30, ROWS.shape)
    noise = np.random.default_rng(4).normal(0, 9, ROWS.shape)
    scan = make_scan(0.05, 0.2, brightness_R=counts + noise, random_error_R=np.sqrt(np.maximum(counts, 1)) / 2)
    assert clean(scan).facts.cleaning["error_factor"] > 2
    assert clean(scan).facts.cleaning["spike_pixels"] == 0
