"""Scans of rectangular footprints that overlap."""

import numpy as np
from disks import SHAPE, make_disk

from mars_aurora.observation import Observation

ROWS, BINS = np.indices(SHAPE)


def make_scan(steps_deg: object, length_deg: float, *, turned: bool = False, **values: object) -> Observation:
    """Footprints of a length along the scan, at these steps between integrations (119 of them, or one number)."""
    steps = np.broadcast_to(steps_deg, SHAPE[0] - 1)
    latitude = np.concatenate([[0.0], np.cumsum(steps)])[:, None] + 0 * BINS
    along = np.array([-1, -1, 1, 1]) * length_deg / 2
    across = np.array([-1, 1, 1, -1]) * 0.05
    if turned:
        along, across = np.roll(along, 1), np.roll(across, 1)
    return make_disk(
        corner_latitude_deg=latitude[..., None] + along,
        corner_longitude_deg=(30 + 0.1 * BINS)[..., None] + across,
        **values,
    )
