"""Convert file values to native arrays within valid ranges, and find the center among five geometry samples."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import Float64Array, FloatArray
from mars_aurora.readers.checks import MIN_LOCATED_PIXELS
from mars_aurora.sphere import unit_vectors

MAX_BRIGHTNESS_R = 1e6  # above any emission of Mars: larger values are fill values or damage
MAX_ALTITUDE_KM = 1e6
_INTEGRATIONS_SAMPLED = 8  # the order of the samples is the same in all integrations
_BINS_SAMPLED = 32


def bounded(values: NDArray[Any], low: float, high: float) -> FloatArray:
    """Copy values to native float32; NaN outside [low, high], as are fill values and damage."""
    return _bounded(values, low, high, np.dtype(np.float32))


def bounded64(values: NDArray[Any], low: float, high: float) -> Float64Array:
    """Copy values to native float64; NaN outside [low, high]."""
    return _bounded(values, low, high, np.dtype(np.float64))


def _bounded(values: NDArray[Any], low: float, high: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    with np.errstate(all="ignore"):  # float64 values beyond float32 become infinite, then NaN
        copy = np.array(values, dtype, order="C")  # operations on arrays of different orders are slow
        copy[(copy < low) | (copy > high)] = np.nan
    return copy


def brightness(values: NDArray[Any]) -> FloatArray:
    """Copy brightness in rayleigh to native float32; NaN outside +-`MAX_BRIGHTNESS_R`."""
    return bounded(values, -MAX_BRIGHTNESS_R, MAX_BRIGHTNESS_R)


def east_longitude(values: NDArray[Any]) -> FloatArray:
    """Wrap longitudes in degrees to 0 <= longitude < 360, float32; NaN outside -360 to 720."""
    return _wrap(bounded(values, -360.0, 720.0))


def east_longitude64(values: NDArray[Any]) -> Float64Array:
    """Wrap longitudes in degrees to 0 <= longitude < 360, float64; NaN outside -360 to 720."""
    return _wrap(bounded64(values, -360.0, 720.0))


def _wrap(longitude: NDArray[Any]) -> NDArray[Any]:
    for outside, turn in ((longitude < 0, 360), (longitude >= 360, -360)):
        np.add(longitude, turn, out=longitude, where=outside)
    longitude[longitude >= 360] = 0  # a small negative longitude is rounded to 360
    return longitude


def split_samples(latitude: FloatArray, longitude: FloatArray, usual_center: int) -> tuple[int, list[int]]:
    """Find which of the five geometry samples of a pixel is its center, and order the other four around the pixel.

    The center is the sample nearest to the mean unit vector of the other four, by the median over pixels. The order
    is the one of the shortest perimeter.

    Parameters
    ----------
    latitude, longitude : (nI, 5, nS) float32, deg
    usual_center : int
        Returned for a tie, and if fewer than `MIN_LOCATED_PIXELS` pixels have finite coordinates.

    Returns
    -------
    center : int
    corners : list of 4 int
    """
    step = max(1, latitude.shape[0] // _INTEGRATIONS_SAMPLED)
    for bins in (slice(None, None, max(1, latitude.shape[2] // _BINS_SAMPLED)), slice(None)):
        vectors = unit_vectors(latitude[::step, :, bins], longitude[::step, :, bins])  # (n, 5, nS, 3)
        vectors = np.moveaxis(vectors, (1, 3), (0, 1)).reshape(5, 3, -1)
        vectors = vectors[:, :, np.all(np.isfinite(vectors), axis=(0, 1))]
        if vectors.shape[2] >= MIN_LOCATED_PIXELS:
            break
    else:
        return usual_center, [sample for sample in range(5) if sample != usual_center]
    others = (vectors.sum(axis=0) - vectors) / 4
    distance = np.median(np.linalg.norm(vectors - others, axis=1), axis=1)
    usual_is_nearest = distance[usual_center] <= distance.min() * (1 + 1e-6)
    center = usual_center if usual_is_nearest else int(np.argmin(distance))
    first, *rest = (sample for sample in range(5) if sample != center)
    orders = [[first, *others] for others in permutations(rest) if others[0] < others[2]]
    return center, min(orders, key=lambda order: _perimeter(vectors[order]))


def _perimeter(corners: Float64Array) -> float:
    """Compute the median over pixels of the perimeter through corners (4, 3, pixels)."""
    return float(np.median(np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).sum(axis=0)))
