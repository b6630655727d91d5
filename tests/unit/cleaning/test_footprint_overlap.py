"""Overlap of successive footprints, from corners of rectangles on the sphere."""

import numpy as np
import pytest
from disks import SHAPE, make_disk

from mars_aurora.cleaning.overlap import overlaps
from mars_aurora.observation import Observation

ROWS, BINS = np.indices(SHAPE)


def _scan(steps_deg, length_deg: float, *, turned: bool = False) -> Observation:
    """Footprints of a length along the scan, at these steps between integrations (119 of them, or one number)."""
    steps = np.broadcast_to(steps_deg, SHAPE[0] - 1)
    latitude = np.concatenate([[0.0], np.cumsum(steps)])[:, None] + 0 * BINS
    along = np.array([-1, -1, 1, 1]) * length_deg / 2
    across = np.array([-1, 1, 1, -1]) * 0.05
    if turned:
        along, across = np.roll(along, 1), np.roll(across, 1)
    corners = {
        "corner_latitude_deg": latitude[..., None] + along,
        "corner_longitude_deg": (30 + 0.1 * BINS)[..., None] + across,
    }
    return make_disk(**corners)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5, 0.8])
def test_overlap_is_the_fraction_of_a_footprint_that_is_seen_again(overlap, turned):
    found = overlaps(_scan(0.2 * (1 - overlap), 0.2, turned=turned))
    assert found.shape == (SHAPE[0] - 1,)
    assert found == pytest.approx(overlap, abs=0.02)


def test_overlap_is_one_where_the_scan_pauses_and_not_positive_at_a_gap():
    steps = np.full(SHAPE[0] - 1, 0.1)
    steps[[30, 60]] = 0.0, 3.0
    found = overlaps(_scan(steps, 0.2))
    assert found[30] == 1
    assert found[60] <= 0
    assert np.delete(found, [30, 60]) == pytest.approx(0.5, abs=0.02)


def test_integrations_off_the_disk_have_the_usual_overlap():
    observation = _scan(0.05, 0.2)
    observation.tangent_altitude_km[:40] = 500
    observation.corner_latitude_deg[:40] = np.nan
    assert overlaps(observation) == pytest.approx(0.75, abs=0.02)


def test_corners_off_the_disk_are_not_used():
    """Tangent points of the sky move faster."""
    observation = _scan(0.05, 0.2)
    observation.tangent_altitude_km[:40] = 500
    observation.corner_latitude_deg[:40] *= 30
    assert overlaps(observation) == pytest.approx(0.75, abs=0.02)


def test_overlap_is_the_median_along_the_slit():
    observation = _scan(0.1, 0.2)
    observation.corner_latitude_deg[50, :60] += 0.05
    assert overlaps(observation) == pytest.approx(0.5, abs=0.02)


def test_overlap_without_corners_is_zero():
    observation = _scan(0.1, 0.2)
    observation.corner_latitude_deg[:] = np.nan
    assert overlaps(observation).tolist() == [0.0] * (SHAPE[0] - 1)
