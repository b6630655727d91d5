"""The colors of the levels: matplotlib's inferno, from which levels can be recovered exactly."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.picture.picture import Levels


@cache
def inferno() -> NDArray[np.uint8]:
    """Return matplotlib's inferno, as OpenCV has it: (256, 3) uint8, red green blue; all colors differ."""
    levels = np.arange(256, dtype=np.uint8).reshape(-1, 1)
    colors = np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), np.uint8).reshape(256, 3)
    return np.ascontiguousarray(colors[:, ::-1])


def levels_from_colors(colors: NDArray[np.uint8]) -> Levels:
    """Convert colors (..., 3), red green blue, to levels (...).

    Colors of the palette give their level exactly, others the one nearest in gray, from 1.
    """
    codes, levels = _codes_in_order()
    wanted = _encode(colors)
    position = np.searchsorted(codes, wanted).clip(max=255)
    exact = codes[position] == wanted
    return np.where(exact, levels[position], _level_of_gray()[_to_gray(colors)]).astype(np.uint8)


@cache
def _codes_in_order() -> tuple[NDArray[np.int32], Levels]:
    codes = _encode(inferno())
    order = np.argsort(codes)
    return codes[order], order.astype(np.uint8)


def _encode(colors: NDArray[Any]) -> NDArray[np.int32]:
    """Pack colors (..., 3) into one number each."""
    code: NDArray[np.int32] = colors.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    return code


@cache
def _level_of_gray() -> Levels:
    gray = _to_gray(inferno())  # grows with the level
    return np.searchsorted(gray, np.arange(256)).clip(1, 255).astype(np.uint8)


def _to_gray(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    flat = np.ascontiguousarray(colors).reshape(1, -1, 3)
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY), np.uint8).reshape(colors.shape[:-1])
