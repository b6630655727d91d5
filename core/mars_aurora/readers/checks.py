"""Checks that every reader makes: enough integrations, matching shapes, Mars in the field of view."""

from __future__ import annotations

import numpy as np

from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Observation

MIN_INTEGRATIONS = 5  # files with fewer are calibrations or fragments
MIN_LOCATED_PIXELS = 10
DISK_ALTITUDE_KM = 140.0  # as in the readers of SPEDAS, which use 135 to 140 km


def require_integrations(count: int, name: str) -> None:
    """Raise NO_INTEGRATIONS for a count of 0, TOO_FEW_INTEGRATIONS below `MIN_INTEGRATIONS`."""
    if count == 0:
        raise InputError(Reason.NO_INTEGRATIONS, name, "the file is valid but contains 0 integrations")
    if count < MIN_INTEGRATIONS:
        detail = f"the file contains {count} integrations; a picture needs at least {MIN_INTEGRATIONS}"
        raise InputError(Reason.TOO_FEW_INTEGRATIONS, name, detail)


def require_shape(what: str, found: tuple[int, ...], expected: tuple[int, ...], name: str) -> None:
    """Raise WRONG_SHAPE, with both shapes in the message, unless they are equal."""
    if found != expected:
        raise InputError(Reason.WRONG_SHAPE, name, f"{what} has shape {found}, expected {expected}")


def require_image(observation: Observation) -> Observation:
    """Return the observation if it shows Mars.

    Raises NO_DISK unless Mars is in the field of view, NO_DATA unless part of it has a brightness.
    """
    name = observation.facts.name
    located = np.isfinite(observation.latitude_deg) & np.isfinite(observation.longitude_deg)
    count = np.count_nonzero(located)
    if count < MIN_LOCATED_PIXELS:
        detail = f"only {count} pixels have latitude and longitude; {MIN_LOCATED_PIXELS} are needed"
        raise InputError(Reason.NO_DISK, name, detail)
    on_disk = located & (observation.tangent_altitude_km <= DISK_ALTITUDE_KM)
    if not on_disk.any():
        detail = f"Mars is not in the field of view: no line of sight passes below {DISK_ALTITUDE_KM:g} km altitude"
        raise InputError(Reason.NO_DISK, name, detail)
    if not np.isfinite(observation.spacecraft_altitude_km).any():
        raise InputError(Reason.NO_DISK, name, "no integration has a valid spacecraft altitude")
    if not np.isfinite(observation.brightness_R[on_disk]).any():
        raise InputError(Reason.NO_DATA, name, "no pixel on the disk has a finite brightness")
    return observation
