"""Directions that the files of all instruments list: the axes of the instrument, longitudes of spacecraft and Sun."""

from __future__ import annotations

import numpy as np

from mars_aurora_model.simulator.geometry import Geometry
from mars_aurora_model.simulator.orbit import Array, normalize


def instrument_axes(geometry: Geometry) -> dict[str, dict[str, Array]]:
    """Return unit vectors (nI, 3) along the slit (X), the scan (Y) and the line of sight (Z), in three frames."""
    frames = {"MARS": geometry.vec_mars, "MSO": geometry.vec_mso, "J2000": geometry.vec_j2000}
    axes: dict[str, dict[str, Array]] = {}
    for frame, vectors in frames.items():
        sight = vectors[:, :, 0, vectors.shape[-1] // 2]
        slit = normalize(vectors[:, :, 0, -1] - vectors[:, :, 0, 0])
        axes[frame] = {"X": slit, "Y": np.cross(sight, slit), "Z": sight}
    return axes


def longitude_deg(vectors: Array) -> Array:
    """Return the east longitude, 0 to 360, of vectors (nI, 3)."""
    longitude: Array = np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) % 360
    return longitude
