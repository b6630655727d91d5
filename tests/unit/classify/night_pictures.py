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
TERMINATOR = 0.7 + 300 / (1 + np.exp((X - 380) / 8))  # half of the day at an SZA of 111 deg
SUN_LEFT = np.array([0, -1, 0, 0, 0, 0, 0, 0, 0], np.float32)  # cos(SZA): -1 at the right limb
SUN_BEHIND = np.array([0, 0, 0, -1, 0, 0, 0, 0, 0], np.float32)  # 90 deg at the limb, 180 in the center
MIDNIGHT = np.array([-0.9, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)  # 154 deg everywhere


def draw_counts(
    brightness_R: NDArray[np.float64],
    seed: int = 0,
    observed: NDArray[np.bool_] | None = None,
    *,
    sza: NDArray[np.float32] | None = MIDNIGHT,
    counts_per_R: float = COUNTS_PER_R,
    stated: float | None = None,
    native_px: int = NATIVE_PX,
) -> Picture:
    """Draw photon counts in square native pixels; ``stated`` are the counts per rayleigh in the picture's text."""
    native = brightness_R[native_px // 2 :: native_px, native_px // 2 :: native_px] * counts_per_R
    counted = np.random.default_rng(seed).poisson(native) / counts_per_R
    enlarged = np.repeat(np.repeat(counted, native_px, axis=0), native_px, axis=1)[:480, :640]
    levels = np.zeros((480, 640), np.uint8)
    levels[: enlarged.shape[0], : enlarged.shape[1]] = to_levels(enlarged.astype(np.float32), OXYGEN_1304)
    if observed is not None:
        levels[~observed] = UNOBSERVED
    return Picture(levels, sza, counts_per_R=stated)


def make_spot(x: float, y: float, radius: float, excess_R: float) -> NDArray[np.float64]:
    """Make a disk of even brightness on an empty canvas."""
    return np.where(np.hypot(X - x, Y - y) < radius, excess_R, 0.0)
