"""Consistency of the geometry: angles and local time of a file against those recomputed from its coordinates.

They are compared on pixels of the disk with emission angles below 75 deg, in a sample of integrations. In real IUVS
files the median differences are 0.001 deg in solar zenith angle, 0.003 deg in emission angle and 0.0001 h. A shift by
one integration is below the limits.
"""

from __future__ import annotations

from operator import itemgetter

import numpy as np

from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Observation
from mars_aurora.readers.recomputed import (
    FACING_DEG,
    MIN_PIXELS,
    SPHERE,
    Sample,
    find_differences,
    median_difference,
)

_CHECKS = {  # name, limit of the median difference, unit, period
    "sza_deg": ("solar zenith angle", 1.0, "deg", 360.0),
    "emission_angle_deg": ("emission angle", 2.0, "deg", 360.0),
    "local_time_h": ("local time", 0.5, "h", 24.0),
}
_MIN_LOCATED = 0.1  # of the pixels that face the spacecraft; other coordinates are invalid, such as latitudes over 90
_MAX_RADIANS = 3.15
_DRIFT_DEG_H = -360 / 24.6597  # of the sub-solar longitude in an east-positive system
_MIN_RATES = 3
_DRIFT_FACTOR = 5.0  # tolerance: its sign and its unit are checked, not the ephemeris
_LAGS = 8  # per scan, over which it is measured: longer than the rounding of the file, shorter than between two pauses


def require_consistent(observation: Observation, sample: Sample) -> dict[str, float]:
    """Return the median differences by quantity, see `Facts.residuals`; a quantity that cannot be checked is missing.

    Raises INCONSISTENT_GEOMETRY where one exceeds its limit, or the sub-solar point does not move as Mars rotates.
    """
    _require_drift(observation)
    _require_degrees(observation)
    _require_located(observation)
    recomputed = {
        "sza_deg": sample.sza_deg,
        "emission_angle_deg": sample.emission_angle_deg,
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
            middle = np.nanargmin(np.abs(find_differences(stated, values, period) - difference))
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
    facing = observation.on_disk & (observation.emission_angle_deg < FACING_DEG)
    located = facing & np.isfinite(observation.latitude_deg + observation.longitude_deg)
    n_facing, n_located = np.count_nonzero(facing), np.count_nonzero(located)
    if n_facing >= MIN_PIXELS and n_located < _MIN_LOCATED * n_facing:
        detail = (
            f"{n_facing} pixels of the disk face the spacecraft, but only {n_located} of them have valid coordinates"
        )
        raise InputError(Reason.INCONSISTENT_GEOMETRY, observation.facts.name, detail)
