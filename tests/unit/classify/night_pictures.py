"""Pictures of a disk as photon counts: night, terminator, bright spots."""

import numpy as np
from numpy.typing import NDArray

from mars_aurora.emission import OXYGEN_1304
from mars_aurora.picture.heatmap import to_levels
from mars_aurora.picture.picture import UNOBSERVED, Picture

Y, X = np.mgrid[:480, :640]
NATIVE_PX = 3
COUNTS_PER_R = 0.36
NIGHT = np.full(X.shape, 0.7)
TERMINATOR = 0.7 + 300 / (1 + np.exp((X - 260) / 8))


def draw_counts(brightness_R: NDArray[np.float64], seed: int = 0, observed: NDArray[np.bool_] | None = None) -> Picture:
    """Draw photon counts in native pixels of 3 by 3 px."""
    native = brightness_R[1::NATIVE_PX, 1::NATIVE_PX] * COUNTS_PER_R
    counted = np.random.default_rng(seed).poisson(native) / COUNTS_PER_R
    enlarged = np.repeat(np.repeat(counted, NATIVE_PX, axis=0), NATIVE_PX, axis=1)[:480, :640]
    levels = np.zeros((480, 640), np.uint8)
    levels[: enlarged.shape[0], : enlarged.shape[1]] = to_levels(enlarged.astype(np.float32), OXYGEN_1304)
    if observed is not None:
        levels[~observed] = UNOBSERVED
    return Picture(levels)


def make_spot(x: float, y: float, radius: float, excess_R: float) -> NDArray[np.float64]:
    """Make a disk of even brightness on an empty canvas."""
    return np.where(np.hypot(X - x, Y - y) < radius, excess_R, 0.0)
