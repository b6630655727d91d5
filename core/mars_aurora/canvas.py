"""The 640x480 canvas: Mars as the spacecraft sees it, limb at 170 px round (320, 230)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import FloatArray, Observation

WIDTH, HEIGHT = 640, 480
CENTRE_X, CENTRE_Y = 320.0, 230.0
DISK_RADIUS = 170.0


@dataclass(frozen=True)
class Canvas:
    """The map between native pixels and canvas pixels, both ways.

    Attributes
    ----------
    x, y : (nI, nS) float32, canvas position of each native pixel's centre; NaN where it has none
    index : (480, 640) int32, flat native index (row-major) of what each canvas pixel shows; -1 unobserved
    """

    x: FloatArray
    y: FloatArray
    index: NDArray[np.int32]

    def to_arrays(self) -> dict[str, NDArray[np.float32] | NDArray[np.int32]]:
        """Give the arrays by the names under which `from_arrays` expects them."""
        return {"canvas_x": self.x, "canvas_y": self.y, "canvas_index": self.index}

    @staticmethod
    def from_arrays(arrays: dict[str, NDArray[np.float32]]) -> Canvas:
        raise NotImplementedError


def fit(observation: Observation) -> Canvas:
    raise NotImplementedError
