"""Offsets of slit bins, of simulated counts on and off the disk."""

import numpy as np
import pytest
from disks import SHAPE, make_disk, spread
from scans import BINS, ROWS

from mars_aurora.cleaning.dark import faint_disk, faint_sky
from mars_aurora.cleaning.offsets import find_offsets

COUNTS_PER_R = 0.36
SKY = ROWS < 50
ALTITUDE_KM = np.where(SKY, spread(2500, -1300, axis=0), 0)
SZA_DEG = spread(115, 150, axis=0)


def _find(added_R, background_R=0.8, seed=4, **values):
    """Find the offsets of a night with light added to it."""
    expected = np.broadcast_to(np.where(SKY, 0.4, background_R) + added_R, SHAPE)
    counts = np.random.default_rng(seed).poisson(expected * COUNTS_PER_R)
    geometry = {"tangent_altitude_km": ALTITUDE_KM, "sza_deg": SZA_DEG} | values
    observation = make_disk(brightness_R=counts / COUNTS_PER_R, **geometry)
    return find_offsets(observation, faint_sky(observation), faint_disk(observation))


def _hot(*bins):
    return np.isin(BINS, bins)


@pytest.mark.parametrize("seed", range(4))
def test_night_without_offsets_has_none(seed):
    assert np.count_nonzero(_find(0.0, seed=seed)) <= 1
    assert np.abs(_find(0.0, seed=seed)).max() < 1


def test_hot_bins_are_found_with_their_offsets():
    found = _find(8.0 * _hot(40, 41) + 3.0 * _hot(100))
    assert found[[40, 41]] == pytest.approx(8, abs=1)
    assert found[100] == pytest.approx(3, abs=1)
    assert np.count_nonzero(found) == 3


def test_offset_is_the_mean_of_both_parts_by_their_errors():
    """The scatter of 24 seeds is that of a mean of 120 pixels; of the sky alone it would be 1.6 times as large."""
    found = [_find(8.0 * _hot(40), seed=seed)[40] for seed in range(24)]
    assert np.mean(found) == pytest.approx(8, abs=0.6)
    assert np.std(found) == pytest.approx(np.sqrt(8.6 / COUNTS_PER_R / 120), rel=0.35)


def test_smooth_band_is_found():
    band = 1.5 * np.exp(-(((BINS - 75) / 10) ** 2))
    found = _find(band)
    assert found[70:80].mean() == pytest.approx(1.5, abs=0.3)
    assert not found[:40].any()
    assert not found[110:].any()


def test_light_of_the_disk_or_of_the_sky_alone_is_no_offset():
    for part in (SKY, ~SKY):
        assert np.count_nonzero(_find(8.0 * (_hot(40) & part))) <= 1
        assert _find(8.0 * (_hot(40) & part))[40] == 0


def test_smaller_offset_is_subtracted_where_sky_and_disk_differ():
    for sky_R, disk_R in ((20.0, 4.0), (4.0, 20.0)):
        assert _find(_hot(40) * np.where(SKY, sky_R, disk_R))[40] == pytest.approx(4, abs=1)


def test_offset_of_a_bin_beside_the_disk_is_that_of_the_sky():
    beside = BINS < 20
    altitude_km = np.where(beside, 1000.0, ALTITUDE_KM)
    hot = _hot(5)
    found = _find(8.0 * hot, np.where(beside, 0.4, 0.8), tangent_altitude_km=altitude_km)
    assert found[5] == pytest.approx(8, abs=1)
    assert np.count_nonzero(found) == 1
    assert not _find(-0.4 * hot, np.where(beside, 0.4, 0.8), tangent_altitude_km=altitude_km).any()


@pytest.mark.parametrize(("n_rows", "is_known"), [(3, False), (4, True)])
def test_four_pixels_of_each_part_are_needed(n_rows, is_known):
    """Of the hot bin, the other pixels of the disk are of the day side."""
    sza_deg = np.where(_hot(40) & (50 + n_rows <= ROWS), 80.0, SZA_DEG)
    altitude_km = np.where(_hot(40) & (n_rows <= ROWS) & SKY, 100.0, ALTITUDE_KM)
    found = _find(60.0 * _hot(40), sza_deg=sza_deg, tangent_altitude_km=altitude_km)
    assert (found[40] > 10) == is_known


@pytest.mark.parametrize("altitude_km", [0.0, 1000.0])
def test_scan_of_disk_or_sky_alone_has_no_offsets(altitude_km):
    found = _find(8.0 * _hot(40) * (altitude_km == 0), tangent_altitude_km=altitude_km)
    assert not found.any()


def test_twilight_and_corona_across_the_slit_are_no_offsets():
    """The SZA increases along the slit on the disk, and the altitude in the sky."""
    sza_deg = np.where(SKY, 130, spread(106, 150, axis=1))
    altitude_km = np.where(SKY, spread(400, 4000, axis=1), 0)
    light_R = np.where(SKY, 3 * np.exp(-(altitude_km - 400) / 1000), 15 * np.exp(-(sza_deg - 106) / 6))
    found = _find(light_R, sza_deg=sza_deg, tangent_altitude_km=altitude_km)
    assert np.abs(found).max() < 0.7
    assert np.count_nonzero(found) < 20


def test_aurora_on_part_of_the_disk_is_no_offset():
    aurora = 15.0 * ((ROWS > 70) & (ROWS < 90) & (np.abs(BINS - 75) < 15))
    found = _find(aurora)
    assert np.abs(found[60:91]).max() < 0.5


def test_single_bright_pixels_of_a_bin_are_no_offset():
    pixels = 300.0 * (_hot(40) & np.isin(ROWS, (20, 90)))
    found = _find(pixels)
    assert found[40] < 1
    assert np.count_nonzero(np.delete(found, 40)) <= 1


def test_unknown_pixels_are_left_out():
    brightness = 8.0 * _hot(40) + np.where((ROWS % 5 == 0), np.nan, 0)
    expected = np.nan_to_num(brightness) + 0.8
    counts = np.random.default_rng(4).poisson(expected * COUNTS_PER_R) / COUNTS_PER_R
    observation = make_disk(
        brightness_R=np.where(np.isnan(brightness), np.nan, counts), tangent_altitude_km=ALTITUDE_KM, sza_deg=SZA_DEG
    )
    found = find_offsets(observation, faint_sky(observation), faint_disk(observation))
    assert found[40] == pytest.approx(8, abs=1)
    assert np.isfinite(found).all()
