"""The data of one simulated file: measured and noise-free brightness with the geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator.geometry import Geometry
from mars_aurora_model.simulator.orbit import Array


@dataclass(frozen=True)
class Swath:
    """The data of one file.

    Attributes
    ----------
    header : keywords of the primary header, in order
    geometry : Geometry
    brightness_R, random_error_R, systematic_error_R : (nI, nS), O I 130.4 nm as measured; NaN off the slit
    background_R, excess_R, diffuse_R : (nI, nS), noise-free: without aurora, of localized auroras, of the diffuse
        aurora; the other emissions are scaled from them
    instrument_R : (nI, nS), noise-free light that is not from Mars, without stars, streaks and hot pixels
    flagged : (nI, nS) bool, without a value
    noted : (nI, nS) bool, flagged with a value
    off_slit : (nS,) bool, bins whose geometry is NaN
    slit_width_deg : 0.18 or 0.25; sets the spectral resolution
    """

    header: dict[str, Any]
    geometry: Geometry
    brightness_R: Array
    random_error_R: Array
    systematic_error_R: Array
    background_R: Array
    excess_R: Array
    diffuse_R: Array
    instrument_R: Array
    flagged: NDArray[np.bool_]
    noted: NDArray[np.bool_]
    off_slit: NDArray[np.bool_]
    slit_width_deg: float

    @property
    def on_slit(self) -> NDArray[np.bool_]:
        """(nI, nS): pixels of illuminated bins, without gaps."""
        mask: NDArray[np.bool_] = np.isfinite(self.random_error_R)
        return mask
