"""A picture: an observation on the canvas as levels of log brightness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mars_aurora.emission import OXYGEN_1304, Emission
from mars_aurora.observation import FloatArray

Levels = NDArray[np.uint8]

UNOBSERVED = 0  # the one transparent level; observed pixels have 1 to 255


@dataclass(frozen=True)
class Picture:
    """Input of the object count and the detectors; read once by `mars_aurora.picture.png.read` and passed on.

    Attributes
    ----------
    levels : (H, W) uint8
        Levels of log brightness, `UNOBSERVED` where there is none; (480, 640) where the pipeline drew it.
    sza_coefficients : (9,) float32 or None
        Fit of the solar zenith angle, see `mars_aurora.picture.sun_angle`; None where it is unknown.
    emission : Emission
        Sets the scale of the levels.
    counts_per_R : float or None
        Sensitivity of a native pixel, where known.
    removed_R : float
        Mean background of particles that cleaning removed everywhere: it is not shown, but has added photon noise.
    pedestal_R : float
        Brightness that the whole night has beyond a usual one, see `mars_aurora.picture.pedestal`.
    version : int
        Version of the format.
    """

    levels: Levels
    sza_coefficients: FloatArray | None = None
    emission: Emission = OXYGEN_1304
    counts_per_R: float | None = None
    removed_R: float = 0.0
    pedestal_R: float = 0.0
    version: int = 1
