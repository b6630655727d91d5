"""Offsets of slit bins: light that persists in a bin along the dark part of the scan, on and off the disk.

An aurora is on the disk alone, a star or the corona off it, so an offset must show in both. Each gives an estimate,
free of what depends on solar zenith angle (SZA) and altitude, or varies along the scan. Smooth bands are running
medians of the bins, hot bins stand out from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation

Indices = NDArray[np.intp]

SIGMAS = 3.0  # in the sky, and on the disk
SKY_SIGMAS = 5.0  # in the sky, of bins that do not cross the disk or differ there
MIN_PIXELS = 4  # of a bin, in each part
_BAND_BINS = 9
_BLOCK_ROWS = 16
_SZA_STEP_DEG = 3.0
_ALTITUDES_KM = (600.0, 1500.0, 3000.0)  # limits of the levels of the sky
_MIN_LEVEL_R = 0.5  # whose variance a pixel has at least
_CLIP_SIGMAS = 5.0
_ROUNDS = 3


@dataclass(frozen=True)
class Profile:
    """Offsets of the bins in one part of the scan and their errors, R: (nS,); the error is infinite where unknown."""

    offset: Float64Array
    error: Float64Array


def find_offsets(observation: Observation, sky: BoolArray, disk: BoolArray) -> Float64Array:
    """Estimate the offset of each slit bin, R: (nS,); 0 unless sky and disk both show it by 3 sigma.

    A bin that does not cross the disk is corrected by the sky alone, from 5 sigma.

    Parameters
    ----------
    observation : Observation
    sky, disk : (nI, nS) bool
        Faint pixels off and on the disk, with known brightness, SZA and altitude.
    """
    parts = [_measure_bins(observation, part) for part in (sky, disk)]
    bands = [_smooth(part) for part in parts]
    hot = [Profile(part.offset - band.offset, part.error) for part, band in zip(parts, bands, strict=True)]
    return _agree(*bands) + _agree(*hot)


def _agree(sky: Profile, disk: Profile) -> Float64Array:
    """Combine two estimates: their weighted mean where they agree, else the smaller; 0 unless both are significant."""
    variance = np.square([sky.error, disk.error])
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (sky.offset * variance[1] + disk.offset * variance[0]) / variance.sum(0)
    differ = np.abs(sky.offset - disk.offset) > SIGMAS * np.sqrt(variance.sum(0))
    found = np.abs(sky.offset) > np.where(differ, SKY_SIGMAS, SIGMAS) * sky.error
    found &= (np.abs(disk.offset) > SIGMAS * disk.error) & (sky.offset * disk.offset > 0)
    smaller = np.where(np.abs(sky.offset) < np.abs(disk.offset), sky.offset, disk.offset)
    beside = np.isinf(disk.error) & (sky.offset > SKY_SIGMAS * sky.error)  # the corona makes other bins darker
    return np.where(beside, sky.offset, np.where(found, np.where(differ, smaller, mean), 0.0))


def _smooth(profile: Profile) -> Profile:
    """Take running medians over the known bins, with the error of a median; 0 where most are unknown."""
    half = _BAND_BINS // 2
    offset = np.where(np.isfinite(profile.error), profile.offset, np.nan)
    variance = np.where(np.isfinite(profile.error), profile.error, 0) ** 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(offset, half, constant_values=np.nan), _BAND_BINS)
    count = np.isfinite(windows).sum(-1)
    enough = count > half
    smooth, error = np.zeros(offset.shape), np.full(offset.shape, np.inf)
    smooth[enough] = np.nanmedian(windows[enough], axis=-1)
    total = np.convolve(np.pad(variance, half), np.ones(_BAND_BINS), "valid")
    error[enough] = np.sqrt(np.pi / 2 * total[enough]) / count[enough]
    return Profile(smooth, error)


def _measure_bins(observation: Observation, part: BoolArray) -> Profile:
    """Fit the brightness of one part by the sum of effects of SZA with altitude, block of integrations, and bin."""
    n_slit = part.shape[1]
    rows, bins = np.nonzero(part)
    count = np.bincount(bins, minlength=n_slit)
    known = count >= MIN_PIXELS
    if not known.any():
        return Profile(np.zeros(n_slit), np.full(n_slit, np.inf))
    value = observation.brightness_R[part].astype(np.float64)
    cells = _number_cells(observation.sza_deg[part], observation.tangent_altitude_km[part])
    expected = _Groups(cells, np.ones(len(value))).average(value)
    weight = 1 / np.maximum(expected, _MIN_LEVEL_R)[cells]  # the variance is proportional
    by_cell, by_block, by_bin = (_Groups(group, weight, n_slit) for group in (cells, rows // _BLOCK_ROWS, bins))
    offset, rest = np.zeros(n_slit), value
    for _ in range(_ROUNDS):
        rest = value - offset[bins]
        for groups in (by_cell, by_block):
            rest = rest - groups.average(rest)[groups.number]
        rest = _clip(rest, weight)
        offset += by_bin.average(rest)[:n_slit]
        offset -= np.median(offset[known])
    scatter = np.bincount(bins, weight * rest**2, n_slit) / np.maximum(count, 1)  # an aurora adds to it
    scatter = np.maximum(scatter, np.median(scatter[known]))
    error = np.where(known, np.sqrt(scatter / by_bin.total[:n_slit]), np.inf)
    return Profile(np.where(known, offset, 0), error)


@dataclass(frozen=True)
class _Groups:
    """Values in groups: the number of the group and the weight of each, (N,), and the least number of groups."""

    number: Indices
    weight: Float64Array
    least: int = 0

    @cached_property
    def total(self) -> Float64Array:
        """Weight of each group; tiny for groups without any."""
        return np.maximum(np.bincount(self.number, self.weight, self.least), 1e-9)

    def average(self, values: Float64Array) -> Float64Array:
        """Average values by group; 0 for groups without any."""
        mean: Float64Array = np.bincount(self.number, self.weight * values, self.least) / self.total
        return mean


def _number_cells(sza_deg: FloatArray, altitude_km: FloatArray) -> Indices:
    """Return the number of the cell of SZA and altitude of each pixel."""
    level = np.digitize(altitude_km, _ALTITUDES_KM)
    cells: Indices = (sza_deg / _SZA_STEP_DEG).astype(np.intp) * (len(_ALTITUDES_KM) + 1) + level
    return cells


def _clip(values: Float64Array, weight: Float64Array) -> Float64Array:
    limit = _CLIP_SIGMAS * np.sqrt(np.average(weight * values**2) / weight)
    return np.clip(values, -limit, limit)
