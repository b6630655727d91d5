"""Overlap of successive footprints, from corners of rectangles on the sphere."""

import numpy as np
import pytest
from disks import SHAPE
from scans import make_scan

from mars_aurora.cleaning.overlap import overlaps


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5, 0.8])
def test_overlap_is_the_fraction_of_a_footprint_that_is_seen_again(overlap, turned):
    found = overlaps(make_scan(0.2 * (1 - overlap), 0.2, turned=turned))
    assert found.shape == (SHAPE[0] - 1,)
    assert found == pytest.approx(overlap, abs=0.02)


@pytest.mark.parametrize("turned", [False, True])
def test_overlap_is_one_where_the_scan_pauses_and_zero_at_a_gap(turned):
    steps = np.full(SHAPE[0] - 1, 0.1)
    steps[[30, 60]] = 0.0, 3.0
    found = overlaps(make_scan(steps, 0.2, turned=turned))
    assert found[30] == 1
    assert found[60] == 0
    assert np.delete(found, [30, 60]) == pytest.approx(0.5, abs=0.02)


def test_integrations_off_the_disk_have_the_usual_overlap():
    observation = make_scan(0.05, 0.2)
    observation.tangent_altitude_km[:40] = 500
    observation.corner_latitude_deg[:40] = np.nan
    assert overlaps(observation) == pytest.approx(0.75, abs=0.02)


def test_corners_off_the_disk_are_not_used():
    """Tangent points of the sky move faster."""
    observation = make_scan(0.05, 0.2)
    observation.tangent_altitude_km[:40] = 500
    observation.corner_latitude_deg[:40] *= 30
    assert overlaps(observation) == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize(("emission_deg", "is_used"), [(69.0, True), (71.0, False)])
def test_footprints_near_the_limb_are_not_used(emission_deg, is_used):
    observation = make_scan(0.05, 0.2)
    observation.emission_angle_deg[:40] = emission_deg
    observation.corner_latitude_deg[:40] *= 30
    is_usual = np.allclose(overlaps(observation)[:39], 0.75, atol=0.02)
    assert is_usual == (not is_used)


def test_overlap_is_the_median_along_the_slit():
    observation = make_scan(0.1, 0.2)
    observation.corner_latitude_deg[50, :60] += 0.05
    assert overlaps(observation) == pytest.approx(0.5, abs=0.02)


def test_overlap_without_corners_is_zero():
    observation = make_scan(0.1, 0.2)
    observation.corner_latitude_deg[:] = np.nan
    assert overlaps(observation).tolist() == [0.0] * (SHAPE[0] - 1)


def test_long_footprints_that_are_scanned_askew_do_not_overlap():
    """Each is moved by more than its width, and by a tenth of its length."""
    observation = make_scan(0.1, 0.09)
    corners = observation.corner_longitude_deg
    middle = corners.mean(axis=-1, keepdims=True)
    corners[:] = middle + 100 * (corners - middle) + np.arange(SHAPE[0])[:, None, None]
    assert not overlaps(observation).any()
