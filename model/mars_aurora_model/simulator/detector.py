"""The detector: counts photons with noise and calibration errors, and marks pixels."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator.artefacts.effect import Effect
from mars_aurora_model.simulator.geometry import Pointing
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.world import World

_OPTICS_BINS = 0.7  # standard deviation of the point spread along the slit, for 128 bins


def smear(image: Array, pointing: Pointing) -> Array:
    """Smear by the slit width across the slit and by the optics along it."""
    across = pointing.width_deg / np.sqrt(12) / pointing.step_deg
    along = _OPTICS_BINS * len(pointing.slit_deg) / 128
    smeared = cv2.GaussianBlur(image, (0, 0), sigmaX=along, sigmaY=across, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(smeared, np.float64)


def count_photons(rng: np.random.Generator, world: World, light_R: Array) -> NDArray[np.int64]:
    """Count photons of noise-free light (nI, nS)."""
    return rng.poisson(light_R * world.counts_per_R)


def measure(rng: np.random.Generator, world: World, counts: NDArray[np.int64], effect: Effect) -> dict[str, Any]:
    """Add calibration errors, artefacts, flagged pixels, gaps and bins off the slit; return keyword arguments of Swath.

    ``counts`` are those of photons, (nI, nS).
    """
    n_slit = counts.shape[1]
    scale = rng.normal(1, world.systematic_error / 2) * rng.normal(1, world.flat_field_error, n_slit)
    brightness = counts / world.counts_per_R * (scale * effect.response) + rng.normal(
        0, world.fit_noise_R, counts.shape
    )
    error = np.hypot(np.sqrt(np.maximum(counts, 1)) / world.counts_per_R, world.fit_noise_R)
    brightness += effect.noise * error
    off_slit = np.zeros(n_slit, bool)
    off_slit[: rng.integers(4)] = True
    off_slit[n_slit - rng.integers(4) :] = True
    unlit = off_slit | (np.arange(n_slit) == 0)  # bin 0 is off the slit even if it has geometry
    unknown = effect.missing | unlit
    flagged = (rng.random(counts.shape) < world.flagged_fraction) & ~unknown
    brightness[flagged] = np.nan
    brightness[unknown], error[unknown] = np.nan, np.nan
    return {
        "brightness_R": brightness,
        "random_error_R": error,
        "systematic_error_R": np.abs(brightness) * world.systematic_error,
        "flagged": flagged,
        "off_slit": off_slit,
    }


def draw_noted(rng: np.random.Generator, world: World, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Draw the pixels (nI, nS) that have a quality flag and a value; none in most files."""
    if rng.random() >= world.noted_file_fraction:
        return np.zeros(shape, bool)
    noted: NDArray[np.bool_] = rng.random(shape) < rng.uniform(*world.noted_fraction)
    return noted
