"""The pixels that are searched for auroras, with their area on Mars and their detection limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mars_aurora.background import observed
from mars_aurora.geometry.footprint import net_areas_km2
from mars_aurora.geometry.line_of_sight import shell_area_ratio
from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation


@dataclass(frozen=True)
class Search:
    """What is searched for auroras in one observation.

    Attributes
    ----------
    pixels : (nI, nS) bool, see `observed.searched_pixels`
    area_km2 : (nI, nS) float64, of each of them on the emitting shell, without what it shares; NaN elsewhere
    limit_R : (nI, nS) float32, excess of the faintest aurora that is found there; NaN off the disk
    """

    pixels: BoolArray
    area_km2: Float64Array
    limit_R: FloatArray


def find_search(observation: Observation) -> Search:
    """Find what is searched for auroras in an observation."""
    usable = observed.usable_pixels(observation)
    pixels = observed.searched_pixels(observation, usable)
    limit_R = np.full(pixels.shape, np.nan, np.float32)
    if pixels.any():
        limit_R = observed.fit(observation, usable, np.zeros_like(usable)).limit_R
    to_shell = shell_area_ratio(
        observation.emission_angle_deg, observation.spacecraft_altitude_km[:, None], observation.emission.shell_km
    )
    return Search(pixels, net_areas_km2(observation, pixels) * to_shell, limit_R)
