"""Consistency of the geometry: angles and local time of a file against those recomputed from its coordinates.

They are compared on pixels of the disk with emission angles below 75 deg, in a sample of integrations. In real IUVS
files the median differences are 0.001 deg in solar zenith angle, 0.003 deg in emission angle and 0.0001 h. A shift by
one integration is below the limits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation
from mars_aurora.readers.ellipsoid import find_points, to_planetocentric, to_planetographic
from mars_aurora.sphere import MARS_RADIUS_KM, unit_vectors

Variants = dict[str, list[Float64Array]]  # values recomputed with each definition of a latitude, by frame

PLANETOGRAPHIC, PLANETOCENTRIC, SPHERE = "planetographic", "planetocentric", "sphere"
MIN_PIXELS = 10
_FRAMES: dict[str, Callable[[NDArray[Any]], Float64Array]] = {  # latitude of the file to planetographic
    PLANETOGRAPHIC: lambda latitude_deg: np.asarray(latitude_deg, np.float64),
    PLANETOCENTRIC: to_planetographic,
}
_CHECKS = {  # name, limit of the median difference, unit, period
    "sza_deg": ("solar zenith angle", 1.0, "deg", 360.0),
    "emission_angle_deg": ("emission angle", 2.0, "deg", 360.0),
    "local_time_h": ("local time", 0.5, "h", 24.0),
}
_MAX_EMISSION_DEG = 75.0
_MIN_LOCATED = 0.1  # of the pixels that face the spacecraft; other coordinates are invalid, such as latitudes over 90
_MAX_RADIANS = 3.15
_ROWS_SAMPLED = 12
_DRIFT_DEG_H = -360 / 24.6597  # of the sub-solar longitude in an east-positive system
_MIN_RATES = 3
_DRIFT_FACTOR = 5.0  # tolerance: its sign and its unit are checked, not the ephemeris
_LAGS = 8  # per scan, over which it is measured: longer than the rounding of the file, shorter than between two pauses


@dataclass(frozen=True)
class Sample:
    """Pixels (N,) of an observation, with the spacecraft and the Sun at their integrations.

    ``place`` are their indices in the observation, integrations and slit bins. Pairs are latitude and longitude in
    degrees, as in the file.
    """

    place: tuple[NDArray[np.intp], NDArray[np.intp]]
    pixel: tuple[FloatArray, FloatArray]
    sub_solar: tuple[Float64Array, Float64Array]
    sub_spacecraft: tuple[Float64Array, Float64Array]
    altitude_km: Float64Array


def draw_sample(observation: Observation) -> Sample:
    """Select pixels of the disk with emission angles below 75 deg, stated or recomputed, over the whole scan."""
    suitable = observation.on_disk & np.isfinite(observation.latitude_deg + observation.longitude_deg)
    filled = np.flatnonzero(suitable.any(axis=1))
    chosen = np.zeros(len(suitable), bool)
    chosen[filled[np.linspace(0, filled.size - 1, min(_ROWS_SAMPLED, filled.size)).astype(int)]] = True
    suitable &= chosen[:, None]
    stated, recomputed = observation.emission_angle_deg[suitable], find_emission_angle(observation, suitable)
    suitable[suitable] = (stated < _MAX_EMISSION_DEG) | (recomputed < _MAX_EMISSION_DEG)
    return _gather(observation, suitable)


def find_emission_angle(observation: Observation, selected: BoolArray) -> Float64Array:
    """Compute the emission angles on a sphere, (N,), of selected pixels (nI, nS), within 0.5 deg of the ellipsoid's."""
    points, (spacecraft,) = place_on_mars(_gather(observation, selected))[SPHERE]
    return angle_deg(points, spacecraft - points)


def _gather(observation: Observation, selected: BoolArray) -> Sample:
    rows, columns = np.nonzero(selected)
    return Sample(
        place=(rows, columns),
        pixel=(observation.latitude_deg[rows, columns], observation.longitude_deg[rows, columns]),
        sub_solar=(observation.sub_solar_latitude_deg[rows], observation.sub_solar_longitude_deg[rows]),
        sub_spacecraft=(observation.sub_spacecraft_latitude_deg[rows], observation.sub_spacecraft_longitude_deg[rows]),
        altitude_km=observation.spacecraft_altitude_km[rows],
    )


def require_consistent(observation: Observation, sample: Sample) -> dict[str, float]:
    """Return the median differences by quantity, see `Facts.residuals`; a quantity that cannot be checked is missing.

    Raises INCONSISTENT_GEOMETRY where one exceeds its limit, or the sub-solar point does not move as Mars rotates.
    """
    _require_drift(observation)
    _require_degrees(observation)
    _require_located(observation)
    recomputed = {
        "sza_deg": recompute_sza(sample),
        "emission_angle_deg": recompute_emission_angle(sample),
        "local_time_h": {SPHERE: [(12 + (sample.pixel[1] - sample.sub_solar[1]) / 15) % 24]},
    }
    residuals = {}
    for quantity, variants in recomputed.items():
        name, limit, unit, period = _CHECKS[quantity]
        stated = getattr(observation, quantity)[sample.place]
        by_variant = [
            (median_difference(stated, values, period), values) for each in variants.values() for values in each
        ]
        difference, values = min(by_variant, key=itemgetter(0))
        if difference == np.inf:
            continue
        if difference > limit:
            middle = np.nanargmin(np.abs(_differences(stated, values, period) - difference))
            detail = (
                f"the {name} differs from that of the coordinates by {difference:.3g} {unit} in the median, at most "
                f"{limit:g} is plausible: {stated[middle]:.5g} {unit} in the file, {values[middle]:.5g} recomputed"
            )
            raise InputError(Reason.INCONSISTENT_GEOMETRY, observation.facts.name, detail)
        residuals[quantity] = difference
    return residuals


def _require_drift(observation: Observation) -> None:
    """Raise INCONSISTENT_GEOMETRY unless the sub-solar point moves west with the rotation of Mars.

    Longitudes that are all to the west leave every angle unchanged and reverse this motion. Without times only its
    direction is checked.
    """
    longitude, times = observation.sub_solar_longitude_deg, observation.time_utc
    lag = max(1, len(times) // _LAGS)
    moved_deg = (longitude[lag:] - longitude[: longitude.size - lag] + 180) % 360 - 180
    hours = (times[lag:] - times[: times.size - lag]) / np.timedelta64(1, "h")
    timed = np.isfinite(moved_deg) & (hours != 0) & np.isfinite(hours)
    rates = (
        moved_deg[timed] / hours[timed] if timed.any() else np.sign(moved_deg[np.isfinite(moved_deg)]) * -_DRIFT_DEG_H
    )
    if rates.size < _MIN_RATES or (drift := float(np.median(rates))) == 0:
        return
    if not 1 / _DRIFT_FACTOR <= drift / _DRIFT_DEG_H <= _DRIFT_FACTOR:
        detail = (
            f"the longitude of the sub-solar point changes by {drift:+.3g} deg/h, expected {_DRIFT_DEG_H:.3g} deg/h "
            "with longitudes in degrees to the east"
        )
        raise InputError(Reason.INCONSISTENT_GEOMETRY, observation.facts.name, detail)


def _require_degrees(observation: Observation) -> None:
    """Raise INCONSISTENT_GEOMETRY where all angles of the disk are small enough to be radians."""
    sza, emission = observation.sza_deg[observation.on_disk], observation.emission_angle_deg[observation.on_disk]
    known = np.isfinite(sza + emission)
    if np.count_nonzero(known) < MIN_PIXELS:
        return
    highest = float(sza[known].max()), float(emission[known].max())
    if highest[0] < _MAX_RADIANS and highest[1] < _MAX_RADIANS / 2:
        detail = (
            "solar zenith angles of the disk are at most {:.3g} and emission angles {:.3g} deg: they are in radians"
        )
        raise InputError(Reason.INCONSISTENT_GEOMETRY, observation.facts.name, detail.format(*highest))


def _require_located(observation: Observation) -> None:
    """Raise INCONSISTENT_GEOMETRY where the disk faces the spacecraft, but less than a tenth of it has coordinates."""
    facing = observation.on_disk & (observation.emission_angle_deg < _MAX_EMISSION_DEG)
    located = facing & np.isfinite(observation.latitude_deg + observation.longitude_deg)
    n_facing, n_located = np.count_nonzero(facing), np.count_nonzero(located)
    if n_facing >= MIN_PIXELS and n_located < _MIN_LOCATED * n_facing:
        detail = (
            f"{n_facing} pixels of the disk face the spacecraft, but only {n_located} of them have valid coordinates"
        )
        raise InputError(Reason.INCONSISTENT_GEOMETRY, observation.facts.name, detail)


def recompute_sza(sample: Sample) -> Variants:
    """Compute the angle between the normal of the ellipsoid and the Sun, by frame of the latitudes.

    The sub-solar point is either where the Sun is in the zenith, or where the line from the center to the Sun crosses
    the surface, as in IUVS files.
    """
    sun_latitude, sun_longitude = sample.sub_solar
    variants: Variants = {}
    for frame, planetographic in _FRAMES.items():
        normal = unit_vectors(planetographic(sample.pixel[0]), sample.pixel[1])
        zenith = planetographic(sun_latitude)
        suns = (unit_vectors(latitude, sun_longitude) for latitude in (zenith, to_planetocentric(zenith)))
        variants[frame] = [angle_deg(normal, sun) for sun in suns]
    return variants


def recompute_emission_angle(sample: Sample) -> Variants:
    """Compute the angle between the normal and the spacecraft, by frame of the latitudes, and on a sphere."""
    variants: Variants = {}
    for frame, (points, spacecraft) in place_on_mars(sample).items():
        latitude, longitude = sample.pixel
        up = unit_vectors(_FRAMES.get(frame, np.asarray)(latitude), longitude)
        variants[frame] = [angle_deg(up, position - points) for position in spacecraft]
    return variants


def place_on_mars(sample: Sample) -> dict[str, tuple[Float64Array, list[Float64Array]]]:
    """Compute the points of the pixels and the positions of the spacecraft, (N, 3) in km, by frame, and on a sphere.

    The planetocentric latitude of the spacecraft is either that of the point below it or its own.
    """
    (latitude, longitude), (below, below_longitude), height = sample.pixel, sample.sub_spacecraft, sample.altitude_km
    own = find_points(to_planetographic(below), below_longitude)
    radius_km = np.linalg.norm(own, axis=-1)
    placed = {
        frame: (
            find_points(planetographic(latitude), longitude),
            [find_points(planetographic(below), below_longitude, height)],
        )
        for frame, planetographic in _FRAMES.items()
    }
    placed[PLANETOCENTRIC][1].append(own * (1 + height / radius_km)[:, None])
    placed[SPHERE] = (
        unit_vectors(latitude, longitude) * MARS_RADIUS_KM,
        [unit_vectors(below, below_longitude) * (MARS_RADIUS_KM + height)[:, None]],
    )
    return placed


def angle_deg(one: NDArray[Any], other: NDArray[Any]) -> Float64Array:
    """Compute the angle between vectors (..., 3) of any length."""
    angle: Float64Array = np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other), axis=-1), (one * other).sum(-1)))
    return angle


def median_difference(stated: NDArray[Any], values: NDArray[Any], period: float = 360.0) -> float:
    """Return the median absolute difference of cyclic values; infinite with under `MIN_PIXELS` known ones."""
    known = _differences(stated, values, period)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if known.size >= MIN_PIXELS else float("inf")


def _differences(stated: NDArray[Any], values: NDArray[Any], period: float) -> Float64Array:
    difference: Float64Array = np.abs((stated - values + period / 2) % period - period / 2)
    return difference
