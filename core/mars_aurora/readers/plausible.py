"""Plausible brightness: pixels beyond the limits of the emission, and parts of a file that were never written."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mars_aurora.emission import DAY_SZA_DEG, NIGHT_SZA_DEG, Emission
from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import BoolArray, FloatArray

PAGE_SAMPLES = 1024  # of float32 in a page of 4096 bytes, the unit in which files are written
_MIN_PAGE_FRACTION = 0.25  # of a page that must be empty: the pages of brightness and errors do not coincide
_NEGATIVE_SIGMAS = 10.0
_SPIKE_SIGMAS = 8.0
_MAD_PER_SIGMA = 0.6745
_MIN_PIXELS = 50  # for a median of a side of the disk
_MAX_NIGHT_QUARTILE = 0.3  # of the highest plausible brightness; simulated quartiles are 3 to 11 R, medians may be 0


def select_plausible(
    brightness_R: FloatArray, random_error_R: FloatArray, sza_deg: FloatArray, emission: Emission
) -> BoolArray:
    """Select the pixels within the limits of the emission: (nI, nS).

    An error that is NaN is replaced by the scatter between successive integrations. The limit where the SZA is NaN is
    that of the day.
    """
    error = _complete_errors(random_error_R, brightness_R, np.isfinite(brightness_R))
    highest = np.where(sza_deg > NIGHT_SZA_DEG, emission.night_range_R[1], emission.day_range_R[1])
    lowest = -np.fmax(emission.negative_R, _NEGATIVE_SIGMAS * error)
    return np.asarray((brightness_R >= lowest) & (brightness_R <= highest))


def find_spikes(brightness_R: FloatArray, random_error_R: FloatArray, flagged: BoolArray) -> BoolArray:
    """Find flagged pixels that are over 8 sigma beyond all of their eight neighbors: (nI, nS).

    The meaning of the flag is not published, so that it alone rejects no pixel: of the flagged pixels of IUVS up to
    0.7 % deviate by over 6 sigma, of the others none. Sigma is the median error of the neighbors. The edge of an aurora
    is within the range of its neighbors.
    """
    if not flagged.any():
        return np.zeros_like(flagged)
    rows, columns = np.nonzero(flagged)
    neighbors = _list_neighbors(brightness_R, rows, columns)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice")  # pixels without neighbors are none
        lowest, highest = np.nanmin(neighbors, axis=0), np.nanmax(neighbors, axis=0)
        beyond = np.fmax(brightness_R[rows, columns] - highest, lowest - brightness_R[rows, columns])
        rows, columns, beyond = rows[beyond > 0], columns[beyond > 0], beyond[beyond > 0]  # few
        error = np.nanmedian(_list_neighbors(random_error_R, rows, columns), axis=0)
    spikes = np.zeros_like(flagged)
    spikes[rows, columns] = beyond > _SPIKE_SIGMAS * _complete_errors(error, brightness_R, np.isfinite(beyond))
    return spikes


def _list_neighbors(values: FloatArray, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> FloatArray:
    """List the values of the eight neighbors of pixels (N,): (8, N); NaN beyond the edges."""
    padded = np.pad(values, 1, constant_values=np.nan)
    around = [(row, column) for row in range(3) for column in range(3) if (row, column) != (1, 1)]
    return np.array([padded[rows + row, columns + column] for row, column in around])


def _complete_errors(error_R: FloatArray, brightness_R: FloatArray, needed: BoolArray) -> FloatArray:
    """Replace errors that are NaN by the scatter of the brightness, where any of those is needed."""
    missing = np.isnan(error_R)
    return np.where(missing, find_scatter(brightness_R), error_R) if (missing & needed).any() else error_R


def find_scatter(brightness_R: FloatArray) -> float:
    """Estimate the noise of a pixel in R from successive integrations, robustly; NaN if there are none."""
    steps = np.abs(np.diff(brightness_R, axis=0))
    known = steps[np.isfinite(steps)]
    return float(np.median(known)) / _MAD_PER_SIGMA / np.sqrt(2) if known.size else float("nan")


def require_plausible(brightness_R: FloatArray, sza_deg: FloatArray, emission: Emission, name: str) -> None:
    """Raise IMPLAUSIBLE_BRIGHTNESS where the disk is by orders of magnitude too dark or too bright for the emission.

    Its values are then in another unit than the file states.

    Parameters
    ----------
    brightness_R, sza_deg : (N,) float32
        Pixels of the disk.
    emission : Emission
    name : str
    """
    known = np.isfinite(brightness_R)
    day, night = (brightness_R[known & side] for side in (sza_deg < DAY_SZA_DEG, sza_deg > NIGHT_SZA_DEG))
    darkest_R, brightest_R = emission.night_range_R
    found = []
    if day.size >= _MIN_PIXELS:
        found.append(("the median of the day side", np.median(day), emission.day_range_R))
    if night.size >= _MIN_PIXELS:
        quartile_R, limits_R = np.percentile(night, 75), (-np.inf, _MAX_NIGHT_QUARTILE * brightest_R)
        found.append(("the upper quartile of the night side", quartile_R, limits_R))
        if night.any():
            found.append(("the scatter of the night side", np.percentile(np.abs(night), 99), (darkest_R, np.inf)))
    for what, value_R, (low_R, high_R) in found:
        if not low_R <= value_R <= high_R:
            expected = f"at least {low_R:g}" if value_R < low_R else f"at most {high_R:g}"
            detail = f"{what} is {value_R:.3g} R, expected {expected} R in {emission.name} nm: check its unit"
            raise InputError(Reason.IMPLAUSIBLE_BRIGHTNESS, name, detail)


def find_empty_pages(
    brightness_R: FloatArray,
    random_error_R: FloatArray,
    on_disk: BoolArray,
    order: Literal["C", "F"],
    samples_per_pixel: int,
) -> BoolArray:
    """Find pixels of the disk in runs of zeros that come from pages of the file that were never written.

    In such a run brightness and error are exactly 0. Other zeros are data.

    Parameters
    ----------
    brightness_R, random_error_R : (nI, nS) float32
        As in the file.
    on_disk : (nI, nS) bool
    order : "C" or "F"
        Order of the pixels in the file: by integrations or by slit bins.
    samples_per_pixel : int
        Number of samples in the file that determine a pixel.

    Returns
    -------
    (nI, nS) bool
    """
    empty = ((brightness_R == 0) & (random_error_R == 0)).ravel(order)
    edges = np.flatnonzero(np.diff(empty, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    long = (ends - starts) * samples_per_pixel >= _MIN_PAGE_FRACTION * PAGE_SAMPLES
    in_run = np.zeros(empty.size, bool)
    for start, end in zip(starts[long], ends[long], strict=True):
        in_run[start:end] = True
    return in_run.reshape(brightness_R.shape, order=order) & on_disk


def find_empty_day(
    brightness_R: FloatArray, random_error_R: FloatArray, sza_deg: FloatArray, on_disk: BoolArray
) -> BoolArray:
    """Find pixels of the day side with brightness and error exactly 0, which were never written: (nI, nS).

    Dayglow is at least 20 R, hundreds of counts; at night such pixels are data.
    """
    return np.asarray((brightness_R == 0) & (random_error_R == 0) & (sza_deg < DAY_SZA_DEG) & on_disk)
