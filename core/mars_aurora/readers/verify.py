"""Verify an observation against itself after its arrays are read; what is unusual is noted in its facts."""

from __future__ import annotations

from dataclasses import replace

from mars_aurora.observation import Observation
from mars_aurora.readers.checks import require_image
from mars_aurora.readers.disk import level_disk

_NOTED_OFFSET_KM = 1e-4  # above the rounding errors of float32


def verify(observation: Observation) -> Observation:
    """Return an observation that is consistent; raises InputError as `require_image`."""
    return require_image(_level_disk(observation))


def _level_disk(observation: Observation) -> Observation:
    altitude_km, offset_km = level_disk(observation.tangent_altitude_km, observation.emission_angle_deg)
    facts = observation.facts
    if abs(offset_km) > _NOTED_OFFSET_KM:
        residuals = facts.residuals | {"disk_altitude_km": offset_km}
        facts = replace(facts, residuals=residuals, notes=(*facts.notes, "altitude_offset"))
    return replace(observation, facts=facts, tangent_altitude_km=altitude_km)
