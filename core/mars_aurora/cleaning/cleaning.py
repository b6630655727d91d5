"""Clean an observation: every step says what it removed, and nothing is interpolated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mars_aurora.cleaning.dark import dark_disk, dark_sky, faint_disk, faint_sky
from mars_aurora.cleaning.despike import find_spikes
from mars_aurora.cleaning.errors import estimate_sensitivity, find_error_factor
from mars_aurora.cleaning.offsets import find_offsets
from mars_aurora.cleaning.overlap import overlaps
from mars_aurora.cleaning.sky import measure_sky
from mars_aurora.observation import Observation


def clean(observation: Observation) -> Observation:
    """Remove light of the detector; an observation that is clean already is returned as it is.

    `Observation.removed_R` is what was removed from each pixel, the note ``no_sky`` says that the sky beside the night
    side is not in the scan, and `Facts.cleaning` has these figures:

    ``error_factor``
        Factor on the random errors, 1 or more.
    ``spike_pixels``
        Number of pixels removed because their overlapping neighbors do not see their light.
    ``offset_bins``, ``offset_max_R``
        Number of slit bins with an offset, and the largest one.
    ``sky_R``, ``particle_background_R``
        Brightness of the dark sky as found, and the mean of what was subtracted everywhere; missing without sky.
    """
    if observation.facts.cleaning:
        return observation
    notes = observation.facts.notes
    factor = find_error_factor(observation.brightness_R, observation.random_error_R)
    error = observation.random_error_R * np.float32(factor)

    counts_per_R = estimate_sensitivity(observation.brightness_R, error)
    spikes = find_spikes(observation.brightness_R, counts_per_R, overlaps(observation), observation.on_disk)
    figures = {"error_factor": factor, "spike_pixels": float(spikes.sum())}
    brightness = np.where(spikes, np.float32(np.nan), observation.brightness_R)

    despiked = replace(observation, brightness_R=brightness)
    offsets = find_offsets(despiked, faint_sky(despiked), faint_disk(despiked))
    figures |= {"offset_bins": float(np.count_nonzero(offsets)), "offset_max_R": float(offsets.max(initial=0))}
    brightness -= offsets.astype(np.float32)

    measured = measure_sky(brightness, dark_sky(despiked), dark_disk(despiked), observation.emission.night_R)
    if measured is None:
        notes = (*notes, "no_sky")
    else:
        figures |= {"sky_R": measured.level_R, "particle_background_R": float(measured.particles_R.mean())}
        brightness -= measured.particles_R[:, None].astype(np.float32)

    removed = np.where(spikes, observation.brightness_R, observation.brightness_R - brightness)
    removed[np.isnan(removed)] = 0  # pixels that have no value in the file
    return replace(
        observation,
        facts=replace(observation.facts, notes=notes, cleaning=figures),
        brightness_R=brightness,
        random_error_R=error,
        removed_R=removed,
    )
