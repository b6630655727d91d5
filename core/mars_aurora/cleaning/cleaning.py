"""Clean an observation: every step says what it removed, and nothing is interpolated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mars_aurora.cleaning.despike import find_spikes
from mars_aurora.cleaning.errors import estimate_sensitivity
from mars_aurora.cleaning.overlap import overlaps
from mars_aurora.observation import Observation


def clean(observation: Observation) -> Observation:
    """Remove light of the detector; an observation that is clean already is returned as it is.

    `Observation.removed_R` is what was removed from each pixel, and `Facts.cleaning` has these figures:

    ``counts_per_R``
        Counts per rayleigh, estimated from the random errors; 0 where unknown.
    ``spike_pixels``
        Number of pixels removed because their overlapping neighbors do not see their light.
    """
    if observation.facts.cleaning:
        return observation
    raw = observation.brightness_R
    counts_per_R = estimate_sensitivity(raw, observation.random_error_R)
    spikes = find_spikes(raw, counts_per_R, overlaps(observation))
    brightness = np.where(spikes, np.float32(np.nan), raw)
    figures = {"counts_per_R": counts_per_R, "spike_pixels": float(spikes.sum())}
    removed = np.where(np.isnan(brightness), raw, raw - brightness)
    return replace(
        observation,
        facts=replace(observation.facts, cleaning=figures),
        brightness_R=brightness,
        removed_R=np.nan_to_num(removed).astype(np.float32),
    )
