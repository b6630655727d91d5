"""Areas of Mars seen by pixels whose footprints overlap along the scan."""

from types import SimpleNamespace

import numpy as np
import pytest

from mars_aurora.geometry.footprint import net_areas_km2
from mars_aurora.geometry.plane import Plane

ROWS, BINS, WIDTH_KM = 12, 5, 40.0
PLANE = Plane(-35.0, 359.8)


def _scan(length_km: float, along_km: np.ndarray, turn_deg: float = 0.0, shear: float = 0.0) -> SimpleNamespace:
    """Make a scan of rectangles, 40 km wide and ``length_km`` long, whose centers are at ``along_km``."""
    y, x = np.meshgrid(along_km, (np.arange(BINS) - BINS / 2) * WIDTH_KM, indexing="ij")
    corner_x = x[..., None] + WIDTH_KM / 2 * np.array([-1, 1, 1, -1])
    corner_y = y[..., None] + length_km / 2 * np.array([-1, -1, 1, 1]) + shear * (corner_x - x[..., None])
    sine, cosine = np.sin(np.radians(turn_deg)), np.cos(np.radians(turn_deg))
    lat, lon = PLANE.unproject(cosine * x - sine * y, sine * x + cosine * y)
    corner_lat, corner_lon = PLANE.unproject(cosine * corner_x - sine * corner_y, sine * corner_x + cosine * corner_y)
    return SimpleNamespace(
        latitude_deg=lat,
        longitude_deg=lon,
        corner_latitude_deg=corner_lat,
        corner_longitude_deg=corner_lon,
        on_disk=np.ones((len(along_km), BINS), bool),
    )


def _areas(scan: SimpleNamespace) -> np.ndarray:
    return net_areas_km2(scan, scan.on_disk)


@pytest.mark.parametrize("turn_deg", [0, 40, 90, 200])
@pytest.mark.parametrize("sense", [1, -1])
def test_overlap_along_the_scan_counts_once(turn_deg, sense):
    areas = _areas(_scan(120.0, sense * 50.0 * np.arange(ROWS), turn_deg))
    assert areas[1:-1] == pytest.approx(WIDTH_KM * 50, rel=0.01)
    assert areas.sum() == pytest.approx(BINS * WIDTH_KM * (50 * (ROWS - 1) + 120), rel=0.01)


def test_footprints_that_do_not_overlap_count_in_full():
    assert _areas(_scan(40.0, 50.0 * np.arange(ROWS))) == pytest.approx(WIDTH_KM * 40, rel=0.01)


def test_sheared_footprints_are_as_wide_along_the_scan():
    areas = _areas(_scan(120.0, 50.0 * np.arange(ROWS), shear=0.5))
    assert areas[1:-1] == pytest.approx(WIDTH_KM * 50, rel=0.02)


def test_pause_of_the_scan_adds_no_area():
    along_km = np.array([0, 50, 100, 100, 100, 150, 200.0])
    areas = _areas(_scan(120.0, along_km)).sum(1) / BINS
    assert areas[2:5] == pytest.approx([WIDTH_KM * 25, 0, WIDTH_KM * 25], rel=0.01, abs=1)
    assert areas.sum() == pytest.approx(WIDTH_KM * 320, rel=0.01)


def test_jump_of_the_scan_leaves_half_a_footprint_on_each_side():
    areas = _areas(_scan(120.0, np.array([0, 50, 100, 500, 550, 600.0]))).sum(1) / BINS
    assert areas[2:4] == pytest.approx(WIDTH_KM * (25 + 60), rel=0.01)


def test_neighbor_off_the_disk_takes_no_area():
    scan = _scan(120.0, 50.0 * np.arange(ROWS))
    scan.on_disk[5] = False
    areas = _areas(scan)
    assert np.isnan(areas[5]).all()
    assert areas[[4, 6]] == pytest.approx(WIDTH_KM * (25 + 60), rel=0.01)


def test_only_the_pixels_asked_for_have_an_area():
    scan = _scan(120.0, 50.0 * np.arange(ROWS))
    asked = np.zeros(scan.on_disk.shape, bool)
    asked[3, 2] = True
    areas = net_areas_km2(scan, asked)
    assert np.isfinite(areas).tolist() == asked.tolist()
    assert areas[3, 2] == pytest.approx(WIDTH_KM * 50, rel=0.01)
