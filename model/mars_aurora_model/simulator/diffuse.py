"""Diffuse aurora over the whole night side, as in energetic particle events (Schneider et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mars_aurora_model.simulator.background import Bumps, draw_bumps
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.world import World

_START_DEG, _FULL_DEG = 92.0, 106.0  # SZA between which it sets in
_ROUGHNESS = (0.05, 0.25)


@dataclass(frozen=True)
class Diffuse:
    """Diffuse aurora of one scene.

    Attributes
    ----------
    level_R : brightness at normal incidence
    sun : (3,) unit vector, body-fixed
    pattern : logarithm of the brightness over the level
    """

    level_R: float
    sun: Array
    pattern: Bumps

    def at(self, vectors: Array) -> Array:
        """Return the brightness at normal incidence at unit vectors (..., 3) -> (...)."""
        flat = vectors.reshape(-1, 3)
        sza_deg = np.degrees(np.arccos(np.clip(flat @ self.sun, -1, 1)))
        onset = ((sza_deg - _START_DEG) / (_FULL_DEG - _START_DEG)).clip(0, 1)
        brightness: Array = self.level_R * onset**2 * (3 - 2 * onset) * np.exp(self.pattern.at(flat))
        return brightness.reshape(vectors.shape[:-1])


def draw_diffuse(rng: np.random.Generator, world: World, sun: Array) -> Diffuse | None:
    """Draw the diffuse aurora of a scene; None where it has none. ``sun`` is (3,), body-fixed."""
    if rng.random() >= world.diffuse_fraction:
        return None
    low, high = np.log(world.diffuse_R)
    return Diffuse(
        level_R=float(np.exp(rng.uniform(low, high))),
        sun=sun,
        pattern=draw_bumps(rng, 12, (0.3, 0.8), rng.uniform(*_ROUGHNESS)),
    )
