"""Means over squares of pixels, of observed pixels only."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import BoolArray, FloatArray

_SIDE = 5  # native pixels; auroras are wider


def smooth(values: NDArray[np.floating[Any]], where: BoolArray, side: int = _SIDE) -> FloatArray:
    """Average over squares of native pixels, those of ``where`` only; NaN where the square has none."""
    total, count = _sum_squares(np.where(where, values, 0), side), count_neighbors(where, side)
    mean: FloatArray = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return mean


def count_neighbors(where: BoolArray, side: int = _SIDE) -> FloatArray:
    """Count the pixels that `smooth` averages at each pixel."""
    return np.rint(_sum_squares(where, side)).astype(np.float32)


def _sum_squares(values: NDArray[Any], side: int) -> FloatArray:
    total = cv2.boxFilter(values.astype(np.float32), -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total, np.float32)
