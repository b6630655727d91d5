"""What the readers share about pixels and times: sane ranges, the centre among five samples, a usable image."""

from __future__ import annotations

from datetime import datetime
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Float64Array, FloatArray, Observation

MIN_INTEGRATIONS = 5  # fewer are a calibration or a fragment, not an image
MIN_PLACED_PIXELS = 10
DISK_ALTITUDE_KM = 140.0
MAX_BRIGHTNESS_R = 1e6  # no emission of Mars comes near; beyond it stands a damaged number
MAX_ALTITUDE_KM = 1e6
_INTEGRATIONS_ASKED = 8  # spread over the swath, they tell the order of the samples as well as all do


def bounded(values: NDArray[Any], low: float, high: float) -> FloatArray:
    """Copy values to native float32, NaN where they are outside [low, high]: fill values and damaged numbers."""
    return _bounded(values, low, high, np.dtype(np.float32))


def bounded64(values: NDArray[Any], low: float, high: float) -> Float64Array:
    """Do as `bounded`, to native float64."""
    return _bounded(values, low, high, np.dtype(np.float64))


def _bounded(values: NDArray[Any], low: float, high: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    with np.errstate(all="ignore"):  # what overflows float32 becomes infinite, and so NaN
        copy = np.array(values, dtype)
        copy[~((copy >= low) & (copy <= high))] = np.nan
    return copy


def brightness(values: NDArray[Any]) -> FloatArray:
    """Copy a brightness in R to native float32, NaN where no emission of Mars can be so bright."""
    return bounded(values, -MAX_BRIGHTNESS_R, MAX_BRIGHTNESS_R)


def east_longitude(values: NDArray[Any]) -> FloatArray:
    """Bring longitudes to 0 <= lon < 360, float32."""
    return _turn(bounded(values, -360.0, 720.0))


def east_longitude64(values: NDArray[Any]) -> Float64Array:
    """Bring longitudes to 0 <= lon < 360, float64."""
    return _turn(bounded64(values, -360.0, 720.0))


def _turn(longitude: NDArray[Any]) -> NDArray[Any]:
    for outside in (longitude < 0, longitude >= 360):
        if outside.any():
            longitude[outside] %= 360
    longitude[longitude >= 360] = 0  # a tiny negative, turned, rounds to 360
    return longitude


def split_samples(latitude: FloatArray, longitude: FloatArray, usual_centre: int) -> tuple[int, list[int]]:
    """Find which of five samples a pixel, (nI, 5, nS), is its centre, and an order that goes round the other four.

    The centre is the sample nearest to the mean of the others as unit vectors, by the median over pixels; the order
    is that of the shortest way round. ``usual_centre`` decides where fewer than ten pixels tell.
    """
    step = max(1, latitude.shape[0] // _INTEGRATIONS_ASKED)
    vectors = _unit_vectors(latitude[::step], longitude[::step])  # (3, n, 5, nS)
    vectors = np.moveaxis(vectors, 2, 0).reshape(5, 3, -1)
    vectors = vectors[:, :, np.all(np.isfinite(vectors), axis=(0, 1))]
    if vectors.shape[2] < MIN_PLACED_PIXELS:
        return usual_centre, [sample for sample in range(5) if sample != usual_centre]
    others = (vectors.sum(axis=0) - vectors) / 4
    away = np.median(np.linalg.norm(vectors - others, axis=1), axis=1)
    usual_is_best = away[usual_centre] <= away.min() * (1 + 1e-6)
    centre = usual_centre if usual_is_best else int(np.argmin(away))
    first, *rest = (sample for sample in range(5) if sample != centre)
    rounds = [[first, *others] for others in permutations(rest) if others[0] < others[2]]
    return centre, min(rounds, key=lambda order: _way_round(vectors[order]))


def _way_round(corners: Float64Array) -> float:
    """Median length of the closed way through corners (4, 3, pixels)."""
    return float(np.median(np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).sum(axis=0)))


def _unit_vectors(latitude_deg: FloatArray, longitude_deg: FloatArray) -> Float64Array:
    latitude, longitude = (np.radians(angle.astype(np.float64)) for angle in (latitude_deg, longitude_deg))
    return np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])


def require_integrations(count: int, name: str) -> None:
    """Raise NO_INTEGRATIONS or TOO_FEW_INTEGRATIONS unless there are enough to make an image."""
    if count == 0:
        raise InputError(Reason.NO_INTEGRATIONS, name, "the file is sound but holds no integrations")
    if count < MIN_INTEGRATIONS:
        detail = f"it holds {count} integrations; an image takes at least {MIN_INTEGRATIONS}"
        raise InputError(Reason.TOO_FEW_INTEGRATIONS, name, detail)


def require_shape(what: str, found: tuple[int, ...], expected: tuple[int, ...], name: str) -> None:
    """Raise WRONG_SHAPE, naming both shapes, unless they are equal."""
    if found != expected:
        raise InputError(Reason.WRONG_SHAPE, name, f"{what} has shape {found}, expected {expected}")


def require_image(observation: Observation) -> Observation:
    """Raise NO_DISK or NO_DATA unless Mars is in view and some of it has a brightness."""
    name = observation.facts.name
    placed = np.isfinite(observation.latitude_deg) & np.isfinite(observation.longitude_deg)
    if np.count_nonzero(placed) < MIN_PLACED_PIXELS:
        detail = f"only {np.count_nonzero(placed)} pixels have latitude and longitude; {MIN_PLACED_PIXELS} are needed"
        raise InputError(Reason.NO_DISK, name, detail)
    on_disk = placed & (observation.tangent_altitude_km <= DISK_ALTITUDE_KM)
    if not on_disk.any():
        detail = f"Mars is not in view: every pixel looks past it, over {DISK_ALTITUDE_KM:g} km high"
        raise InputError(Reason.NO_DISK, name, detail)
    if not np.isfinite(observation.spacecraft_altitude_km).any():
        raise InputError(Reason.NO_DISK, name, "no integration tells where the spacecraft was")
    if not np.isfinite(observation.brightness_R[on_disk]).any():
        raise InputError(Reason.NO_DATA, name, "no pixel on Mars has a finite 130.4 nm brightness")
    return observation


def iso_time(text: object) -> str | None:
    """Bring a time to ``2022-03-31T21:21:07.000``; None where it is no time. Reads ISO and IUVS's own form."""
    words = str(text).strip().removesuffix("UTC").removesuffix("Z").split()
    try:
        if len(words) == 4:  # 2023/014 Jan 14 07:19:21.10490
            time = datetime.strptime(f"{words[0]} {words[3]} +0000", "%Y/%j %H:%M:%S.%f %z")
        else:
            time = datetime.fromisoformat("T".join(words))
    except ValueError:
        return None
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds")


def as_int(value: object, low: int, high: int) -> int | None:
    """Give a header value as a whole number within its range, else None."""
    number = as_float(value, low, high)
    return None if number is None or number != int(number) else int(number)


def as_float(value: object, low: float, high: float) -> float | None:
    """Give a header value as a number within its range, else None."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if low <= number <= high else None
