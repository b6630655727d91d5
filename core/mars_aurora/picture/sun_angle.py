"""The solar zenith angle (SZA) on the canvas as nine coefficients, which are stored in the picture.

A detector that has only the picture cannot separate twilight from aurora by brightness; with the SZA it can. The
cosine of the SZA is the scalar product of the Sun's direction with the normal of the sphere, whose components on the
canvas are x, y and the depth. Products of these with x and y follow the motion of Sun and spacecraft during a swath,
and the perspective.
"""

from __future__ import annotations

import numpy as np

from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y, DISK_RADIUS, Canvas
from mars_aurora.observation import FloatArray, Observation

TERMS = 9
_DECIMALS = 4  # as written into the picture, so that a picture in memory equals one that was stored
_MIN_PIXELS = 50
_RIDGE = 1e-6  # regularizes what a narrow swath leaves undetermined
_MAX_DISK_RADII = 1.2  # farther out no aurora is searched for


def fit(observation: Observation, canvas: Canvas) -> FloatArray | None:
    """Fit the cosine of the SZA on the canvas: (9,) float32, or None with under 50 pixels of known SZA."""
    cosine = np.cos(np.radians(observation.sza_deg, dtype=np.float64))
    known = np.isfinite(cosine) & (canvas.disk_radii < _MAX_DISK_RADII)
    if np.count_nonzero(known) < _MIN_PIXELS:
        return None
    terms = find_terms(canvas.x[known], canvas.y[known]).astype(np.float64)
    square = terms @ terms.T + _RIDGE * terms.shape[1] * np.eye(TERMS)
    coefficients = np.linalg.solve(square, terms @ cosine[known]).astype(np.float32)
    return np.array([f"{coefficient:.{_DECIMALS}f}" for coefficient in coefficients], np.float32)


def sza_deg(coefficients: FloatArray, terms: FloatArray) -> FloatArray:
    """Compute the SZA in degrees, (...), from the terms (9, ...) at each point; within a degree on the disk."""
    cosine = np.einsum(
        "t,t...->...", coefficients, terms
    )  # a BLAS product would start threads that wait for each other
    angle: FloatArray = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return angle


def find_terms(x: FloatArray, y: FloatArray) -> FloatArray:
    """Compute the terms of the fit at canvas positions in px: (9, ...) float32."""
    right, up = (x - CENTER_X) / DISK_RADIUS, (CENTER_Y - y) / DISK_RADIUS
    radius = np.maximum(np.hypot(right, up), 1)
    right, up = right / radius, up / radius  # off the disk, the direction of the nearest limb
    depth = np.sqrt(np.maximum(1 - right**2 - up**2, 0))
    products = (np.ones_like(right), right, up, depth, right**2, right * up, up**2, right * depth, up * depth)
    return np.stack(products).astype(np.float32)
