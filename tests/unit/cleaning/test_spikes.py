"""Spikes on a scan of counts, and light of Mars that is none."""

import numpy as np
import pytest
from scans import BINS, ROWS

from mars_aurora.cleaning.despike import find_spikes

SHAPE = (40, 60)
ROWS, BINS = ROWS[:40, :60], BINS[:40, :60]
ON_DISK = np.ones(SHAPE, bool)
COUNTS_PER_R = 0.36


def _find(counts, overlap=0.8, on_disk=ON_DISK):
    """Find the spikes of a picture of counts: rows and bins."""
    overlaps = np.broadcast_to(overlap, SHAPE[0] - 1)
    found = find_spikes((counts / COUNTS_PER_R).astype(np.float32), COUNTS_PER_R, overlaps, on_disk)
    return [tuple(pixel) for pixel in np.argwhere(found).tolist()]


def _counts(pixels, background=0.0):
    counts = np.full(SHAPE, float(background))
    for pixel, count in pixels.items():
        counts[pixel] += count
    return counts


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("level", [0.3, 3.0, 100.0])
def test_photon_counts_have_no_spikes(level, seed):
    assert _find(np.random.default_rng(seed).poisson(level, SHAPE)) == []


@pytest.mark.parametrize(("overlap", "least"), [(0.8, 13), (0.5, 17), (0.3, 51)])
def test_single_pixel_is_a_spike_from_the_counts_that_no_line_on_mars_explains(overlap, least):
    """A line along the slit has the fraction f of its light in each neighbor, one along the scan all of it.

    All k counts are in one of the three pixels with a probability of (1 + min(6 f, 2))^-k, below 1e-6.
    """
    fraction = np.exp(-6 * (1 - overlap) ** 2)
    assert least == np.ceil(np.log(1e6) / np.log(1 + min(6 * fraction, 2)))
    assert _find(_counts({(20, 30): least - 1}), overlap) == []
    assert _find(_counts({(20, 30): least}), overlap) == [(20, 30)]


def test_footprints_that_overlap_by_less_than_30_percent_have_no_spikes():
    assert _find(_counts({(20, 30): 1000}), 0.29) == []


def test_spike_is_compared_with_neighbors_that_overlap():
    """The scan jumps after the spike; with two overlapping integrations before it, it is found."""
    overlap = np.full(SHAPE[0] - 1, 0.8)
    overlap[20] = 0.0
    assert _find(_counts({(20, 30): 60}), overlap) == [(20, 30)]
    overlap[18] = 0.0
    assert _find(_counts({(20, 30): 60}), overlap) == []


@pytest.mark.parametrize("row", [0, 1, 38, 39])
def test_spike_at_an_edge_of_the_scan_is_found(row):
    assert _find(_counts({(row, 30): 60})) == [(row, 30)]


@pytest.mark.parametrize(("row", "unknown"), [(0, 1), (0, 2), (39, 38), (39, 37)])
def test_spike_at_an_edge_of_the_scan_needs_two_neighbors(row, unknown):
    counts = _counts({(row, 30): 60})
    counts[unknown] = np.nan
    assert _find(counts) == []


@pytest.mark.parametrize("background", [1, 4, 30])
def test_spike_above_a_background_is_found_from_the_counts_that_no_line_explains(background):
    """The line is found here by trying them all; the pixel is compared with six pixels beside it."""
    line = np.linspace(0, 300, 30001)
    inside, beside = background + line, 6 * background + 2 * line

    def improbability(count):
        """Half the deviance of the line that fits best."""
        return np.min(
            count * np.log(count / inside)
            - count
            + inside
            + 6 * background * np.log(6 * background / beside)
            - 6 * background
            + beside
        )

    least = next(count for count in range(2 * background, 1000) if improbability(count) > np.log(1e6))
    assert _find(_counts({(20, 30): least - 1 - background}, background)) == []
    assert _find(_counts({(20, 30): least - background}, background)) == [(20, 30)]


@pytest.mark.parametrize("bin_number", [0, 59])
def test_spike_at_an_end_of_the_slit_is_found(bin_number):
    assert _find(_counts({(20, bin_number): 60})) == [(20, bin_number)]


@pytest.mark.parametrize("row", [19, 21])
def test_spike_beside_a_gap_is_found_and_one_between_gaps_is_kept(row):
    counts = _counts({(row, 30): 60})
    counts[20] = np.nan
    assert _find(counts) == [(row, 30)]
    counts[2 * row - 20] = np.nan
    assert _find(counts) == []


def test_disk_and_sky_are_not_compared():
    """The spike at the limb has one neighbor on the disk."""
    on_disk = ROWS < 21
    assert _find(_counts({(20, 30): 60}), on_disk=on_disk) == []
    assert _find(_counts({(19, 30): 60}), on_disk=on_disk) == [(19, 30)]
    assert _find(np.where(on_disk, 500.0, 0.0), on_disk=on_disk) == []


def test_run_of_bins_is_found_jointly():
    """Each pixel of the run has 5 counts, too few for a spike."""
    run = {(20, number): 5 for number in range(30, 35)}
    assert _find(_counts({(20, 30): 5})) == []
    assert _find(_counts(run)) == list(run)


@pytest.mark.parametrize(("count", "is_member"), [(2, False), (3, True)])
def test_pixel_of_a_run_is_removed_if_it_is_improbable_by_itself(count, is_member):
    """The probability of 3 counts is 1 in 27, of 2 counts 1 in 9."""
    run = {(20, number): 5 for number in (30, 31, 33, 34)} | {(20, 32): count}
    assert ((20, 32) in _find(_counts(run))) == is_member
    assert {(20, 30), (20, 31), (20, 33), (20, 34)} <= set(_find(_counts(run)))


@pytest.mark.parametrize(("step", "counts"), [(1, (5, 4, 4)), (2, (5, 4, 4)), (4, (5, 4, 4)), (7, (5, 5, 4))])
def test_run_with_empty_bins_is_found_jointly(step, counts):
    """Three pixels within 3, 5, 9 and 15 bins; 13 counts are enough where they are in up to 9 bins."""
    run = {(20, 30 + step * number): count for number, count in enumerate(counts)}
    assert _find(_counts(run)) == list(run)


@pytest.mark.parametrize(("factor", "is_spike"), [(1.45, False), (1.55, True)])
def test_spike_exceeds_a_bright_background_by_half(factor, is_spike):
    counts = _counts({(20, 30): 4000 * (factor - 1)}, background=4000)
    assert _find(counts) == ([(20, 30)] if is_spike else [])


@pytest.mark.parametrize("overlap", [0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("row", [0, 1, 20, 39])
def test_line_along_the_slit_is_kept(overlap, row):
    light = np.exp(-6 * ((ROWS - row) * (1 - overlap)) ** 2)
    assert _find(100 * light + 0.3, overlap) == []


@pytest.mark.parametrize("bin_number", [0, 30, 59])
def test_line_along_the_scan_is_kept(bin_number):
    assert _find(100.0 * (bin_number == BINS) + 0.3) == []


def test_edge_of_bright_light_is_kept():
    assert _find(np.where(BINS < 30, 200.0, 0.3)) == []


@pytest.mark.parametrize("brightness_R", [np.nan, -5.0])
def test_unknown_and_negative_pixels_are_no_spikes(brightness_R):
    assert _find(np.full(SHAPE, brightness_R)) == []


def test_unknown_sensitivity_finds_no_spikes():
    brightness = np.zeros(SHAPE, np.float32)
    brightness[20, 30] = 1000
    assert not find_spikes(brightness, 0.0, np.full(SHAPE[0] - 1, 0.8), ON_DISK).any()
