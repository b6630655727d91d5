"""Where it is day on the canvas: the solar zenith angle as a handful of numbers that travel inside the picture.

A detector that is sent the picture alone cannot tell twilight from aurora by brightness; by the Sun's height it can.
The cosine of the angle is the product of the Sun's direction with the normal of the sphere, whose components on a
canvas are x, y and the depth; products of these with x and y follow the Sun and the spacecraft as they move during a
swath, and the perspective.
"""

from __future__ import annotations

import numpy as np

from mars_aurora.geometry.canvas import CENTRE_X, CENTRE_Y, DISK_RADIUS, Canvas
from mars_aurora.observation import FloatArray, Observation

TERMS = 9
_MIN_PIXELS = 50
_RIDGE = 1e-6  # holds what a narrow swath leaves open
_FARTHEST = 1.2  # disk radii: farther out no aurora is looked for


def fit(observation: Observation, canvas: Canvas) -> FloatArray | None:
    """Fit the cosine of the solar zenith angle on the canvas: (9,) coefficients, or None where it is not known."""
    cosine = np.cos(np.radians(observation.sza_deg, dtype=np.float64))
    from_centre = np.hypot(canvas.x - CENTRE_X, canvas.y - CENTRE_Y) / DISK_RADIUS
    known = np.isfinite(cosine) & (from_centre < _FARTHEST)
    if np.count_nonzero(known) < _MIN_PIXELS:
        return None
    terms = find_terms(canvas.x[known], canvas.y[known]).astype(np.float64)
    square = terms @ terms.T + _RIDGE * terms.shape[1] * np.eye(TERMS)
    solved: FloatArray = np.linalg.solve(square, terms @ cosine[known]).astype(np.float32)
    return solved


def zenith_angle_deg(coefficients: FloatArray, terms: FloatArray) -> FloatArray:
    """Give the solar zenith angle where ``terms`` (9, ...) are those of the place; within a degree on the disk."""
    cosine = np.einsum("t,t...->...", coefficients, terms)  # matrix products start threads that wait for each other
    angle: FloatArray = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return angle


def find_terms(x: FloatArray, y: FloatArray) -> FloatArray:
    """Give the terms of the fit at canvas positions in px, (9, ...) float32."""
    right, up = (x - CENTRE_X) / DISK_RADIUS, (CENTRE_Y - y) / DISK_RADIUS
    radius = np.maximum(np.hypot(right, up), 1)
    right, up = right / radius, up / radius  # beside the disk, the limb's own direction
    depth = np.sqrt(np.maximum(1 - right**2 - up**2, 0))
    products = (np.ones_like(right), right, up, depth, right**2, right * up, up**2, right * depth, up * depth)
    return np.stack(products).astype(np.float32)
