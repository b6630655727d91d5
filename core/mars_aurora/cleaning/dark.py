"""The dark part of a scan: sky beside the disk, and the night of the disk, where light of the detector shows."""

from __future__ import annotations

import numpy as np

from mars_aurora.observation import BoolArray, Observation

DARK_SZA_DEG = 120.0  # beyond, twilight is a few rayleigh
DUSK_SZA_DEG = 105.0
MIN_SKY_KM = 300.0  # above the emitting layer at the limb
HIGH_SKY_KM = 1500.0  # the corona is faint there, even of the day side


def dark_sky(observation: Observation) -> BoolArray:
    """Select pixels of the sky beside the night side, above the atmosphere, with a known brightness: (nI, nS)."""
    sky = observation.tangent_altitude_km > MIN_SKY_KM
    return _is_known(observation) & sky & (observation.sza_deg > DARK_SZA_DEG)


def dark_disk(observation: Observation) -> BoolArray:
    """Select pixels of the night of the disk, with a known brightness: (nI, nS)."""
    return _is_known(observation) & observation.on_disk & (observation.sza_deg > DARK_SZA_DEG)


def faint_sky(observation: Observation) -> BoolArray:
    """Select pixels of the sky beside twilight and night, or far from the day side, with a known brightness."""
    sky = (observation.tangent_altitude_km > MIN_SKY_KM) & (observation.sza_deg > DUSK_SZA_DEG)
    return _is_known(observation) & (sky | (observation.tangent_altitude_km > HIGH_SKY_KM))


def faint_disk(observation: Observation) -> BoolArray:
    """Select pixels of the night of the disk, and of its faintest twilight, with a known brightness: (nI, nS)."""
    return _is_known(observation) & observation.on_disk & (observation.sza_deg > DUSK_SZA_DEG)


def _is_known(observation: Observation) -> BoolArray:
    known: BoolArray = np.isfinite(observation.brightness_R + observation.sza_deg)
    return known
