"""The smooth part of a masked picture: at every point the best quadratic surface through its neighborhood.

A mean over the neighborhood would be biased wherever the picture is steep or ends, which on Mars is at the terminator
and at the limb; a quadratic surface follows both.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import FloatArray

_POWERS = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))  # of x and y in a quadratic surface
_PRODUCTS = tuple((x, order - x) for order in range(5) for x in range(order + 1))  # of two of these
_NORMAL = np.array([[_PRODUCTS.index((a[0] + b[0], a[1] + b[1])) for b in _POWERS] for a in _POWERS])
_UNIT_PX = 5.0  # keeps the powers of order one
_RIDGE = 1e-6  # regularizes neighborhoods too small for a quadratic
_EXTENT = 2.5  # of the neighborhood, in its standard deviations
_STEP = 4  # surfaces are fitted at every fourth pixel and interpolated between


def fit_surface(values: FloatArray, weights: FloatArray, sigma_px: float) -> FloatArray:
    """Fit quadratic surfaces to a square picture by weighted least squares, in Gaussian neighborhoods.

    Parameters
    ----------
    values, weights : (N, N) float32
        Values of weight 0 are ignored, but must be finite.
    sigma_px : float
        Standard deviation of the neighborhood.

    Returns
    -------
    (N, N) float32, the smooth part
    """
    powers, products = _monomials(len(values))
    moments = _average(products * weights[..., None], sigma_px)
    right = _average(powers * (weights * values)[..., None], sigma_px)
    normal = moments[..., _NORMAL] + _RIDGE * np.eye(len(_POWERS))
    coefficients = np.linalg.solve(normal, right[..., None])[..., 0]
    surface: FloatArray = (_interpolate(coefficients.astype(np.float32), len(values)) * powers).sum(axis=-1)
    return surface


@lru_cache(maxsize=2)
def _monomials(size: int) -> tuple[FloatArray, FloatArray]:
    """Compute x**a * y**b over the picture: (N, N, 6) for the surface, (N, N, 15) for its normal equations."""
    y, x = (np.mgrid[:size, :size].astype(np.float32) - size / 2) / np.float32(_UNIT_PX)
    powers, products = (
        np.stack([x**a * y**b for a, b in pairs], axis=-1, dtype=np.float32) for pairs in (_POWERS, _PRODUCTS)
    )
    return powers, products


def _average(image: FloatArray, sigma_px: float) -> NDArray[np.float64]:
    """Average over the neighborhood of every `_STEP`th pixel."""
    side = 2 * round(_EXTENT * sigma_px) + 1
    return cv2.GaussianBlur(image, (side, side), sigma_px)[::_STEP, ::_STEP].astype(np.float64)


def _interpolate(coefficients: FloatArray, size: int) -> FloatArray:
    """Interpolate coefficients at every `_STEP`th pixel to the (size, size) picture."""
    position = np.arange(size, dtype=np.float32) / _STEP
    x, y = np.meshgrid(position, position)
    halves = (np.ascontiguousarray(coefficients[..., part]) for part in (slice(3), slice(3, 6)))  # at most 4 channels
    interpolated = [cv2.remap(half, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for half in halves]
    return np.concatenate(interpolated, axis=-1, dtype=np.float32)
