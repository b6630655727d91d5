"""What an artefact is drawn from, and what it does to a swath."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator.geometry import Geometry
from mars_aurora_model.simulator.orbit import Array

Rectangle = tuple[int, int, int, int]  # first and last integration, first and last slit bin


@dataclass(frozen=True)
class View:
    """What a swath observes without artefacts.

    Attributes
    ----------
    brightness_R : (nI, nS), noise-free
    geometry : Geometry
    night_R : nightglow of the scene
    smear : smears an image (nI, nS) by the slit width and the optics
    """

    brightness_R: Array
    geometry: Geometry
    night_R: float
    smear: Callable[[Array], Array]

    @property
    def shape(self) -> tuple[int, int]:
        n_integrations, n_slit = self.brightness_R.shape
        return n_integrations, n_slit

    @property
    def whole(self) -> Rectangle:
        return 0, self.shape[0] - 1, 0, self.shape[1] - 1


@dataclass(frozen=True)
class Effect:
    """Effect of one artefact, each part an array that broadcasts to (nI, nS).

    Attributes
    ----------
    nightglow_R : emission of Mars, which belongs to the background
    smooth_R : light that is not from Mars, broad or the same in all integrations
    sharp_R : light in single pixels or integrations
    response : factor on the counts
    noise : added noise in random errors of the pixel
    missing : pixels without a value
    strengths : strength in ``unit`` at each of the places ``where``
    """

    unit: str
    strengths: list[float]
    where: list[Rectangle]
    nightglow_R: Array = field(default_factory=lambda: np.zeros((1, 1)))
    smooth_R: Array = field(default_factory=lambda: np.zeros((1, 1)))
    sharp_R: Array = field(default_factory=lambda: np.zeros((1, 1)))
    response: Array = field(default_factory=lambda: np.ones((1, 1)))
    noise: Array = field(default_factory=lambda: np.zeros((1, 1)))
    missing: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((1, 1), bool))

    @classmethod
    def none(cls, shape: tuple[int, int]) -> Effect:
        """Return the effect of no artefact, with arrays (nI, nS)."""
        zeros, ones = np.zeros(shape), np.ones(shape)
        return cls("", [], [], zeros, zeros, zeros, ones, zeros, np.zeros(shape, bool))

    def describe(self, name: str) -> dict[str, Any]:
        """Return the entry of truth.json."""
        return {
            "name": name,
            "unit": self.unit,
            "strength": [round(float(strength), 4) for strength in self.strengths],
            "where": [[int(edge) for edge in place] for place in self.where],
        }


def join(one: Effect, other: Effect) -> Effect:
    """Return the joint effect, without the places."""
    return Effect(
        unit="",
        strengths=[],
        where=[],
        nightglow_R=one.nightglow_R + other.nightglow_R,
        smooth_R=one.smooth_R + other.smooth_R,
        sharp_R=one.sharp_R + other.sharp_R,
        response=one.response * other.response,
        noise=one.noise + other.noise,
        missing=one.missing | other.missing,
    )


def draw_log_uniform(rng: np.random.Generator, low: float, high: float, size: int) -> Array:
    """Draw from a distribution uniform in the logarithm, (size,)."""
    drawn: Array = np.exp(rng.uniform(np.log(low), np.log(high), size))
    return drawn


def draw_count(rng: np.random.Generator, most: int) -> int:
    """Draw a number from 1 to ``most``, uniform in the logarithm."""
    return int(draw_log_uniform(rng, 1, most + 1, 1)[0])
