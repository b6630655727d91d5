"""The pedestal: light that the whole night has, over which auroras are faint structure.

Where the scan has no sky beside the night, cleaning cannot tell a background of particles from a diffuse aurora, and
leaves both. A picture shows them; count and network search for auroras over them.
"""

from __future__ import annotations

import numpy as np

from mars_aurora.observation import Observation
from mars_aurora.picture.noise import as_stated

DARK_SZA_DEG = 130.0  # beyond, twilight is fainter than the nightglow
MIN_PIXELS = 50
QUANTILE = 0.25  # of these: auroras are in fewer than three quarters
LEAST = 4.0  # of the usual night; nightglow has half of that


def find_pedestal(observation: Observation) -> float:
    """Return what most of the darkest night has beyond the usual night, in R; 0 where a usual night may have it."""
    dark = observation.on_disk & (observation.sza_deg > DARK_SZA_DEG) & np.isfinite(observation.brightness_R)
    if np.count_nonzero(dark) < MIN_PIXELS:
        return 0.0
    usual_R = observation.emission.night_R
    pedestal_R = float(np.quantile(observation.brightness_R[dark], QUANTILE)) - usual_R
    return as_stated(pedestal_R) if pedestal_R > (LEAST - 1) * usual_R else 0.0
