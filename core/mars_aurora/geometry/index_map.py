"""Map from canvas pixels to native pixels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import FloatArray

_STEP_PX = 0.7  # spacing of the samples within a native pixel, so that no canvas pixel is left out
_MAX_SAMPLES = 24
_JUMP = 6.0  # a step this many times the median one is a restart of the scan, not a wide pixel


def map_pixels(x: FloatArray, y: FloatArray, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Find which native pixel each canvas pixel shows, by sampling the area of every native pixel.

    Parameters
    ----------
    x, y : (nI, nS) float32, canvas position of each native pixel's center; NaN where unknown
    shape : (height, width) of the canvas

    Returns
    -------
    (height, width) int32, flat native index; -1 where unobserved
    """
    height, width = shape
    index = np.full((height + 2, width + 2), -1, np.int32)  # the border collects samples outside the canvas
    native = np.arange(x.size, dtype=np.int32).reshape(x.shape)
    for part, along in _continuous_parts(x, y):
        down, across = _samples(along), _samples(_steps(x[part], y[part], axis=1))
        cell = _cells(_densify(y[part], down, across), height)  # in place, as these are the largest arrays of a picture
        cell *= width + 2
        cell += _cells(_densify(x[part], down, across), width)
        shown = np.repeat(np.repeat(native[part], across, axis=1), down, axis=0)
        index.reshape(-1)[cell.astype(np.intp)] = shown
    return np.ascontiguousarray(index[1:-1, 1:-1])


def _cells(position: FloatArray, size: int) -> FloatArray:
    """Convert positions to rows (or columns) of the bordered map, whose border stands for those outside or unknown."""
    cell = np.fmax(position, np.float32(-1))
    np.rint(np.fmin(cell, np.float32(size), out=cell), out=cell)
    return np.add(cell, np.float32(1), out=cell)


def _continuous_parts(x: FloatArray, y: FloatArray) -> Iterator[tuple[tuple[slice, slice], FloatArray]]:
    """Split the native grid into runs of integrations that are continuous on the canvas; yield their steps, too."""
    placed = np.isfinite(x)
    columns = np.flatnonzero(placed.any(axis=0))
    rows = np.flatnonzero(placed.any(axis=1))
    column_slice = slice(int(columns[0]), int(columns[-1]) + 1)
    along = _steps(x[rows, column_slice], y[rows, column_slice], axis=0)
    step = np.fmax.reduce(along, axis=1, initial=np.float32(0))
    usual = float(np.median(step)) if step.size else 0.0
    cuts = np.flatnonzero((step > _JUMP * usual + 1) | (np.diff(rows) > 1)) + 1
    for first, last in pairwise([0, *cuts, len(rows)]):
        yield (slice(int(rows[first]), int(rows[last - 1]) + 1), column_slice), along[first : last - 1]


def _steps(x: FloatArray, y: FloatArray, axis: int) -> FloatArray:
    """Compute the distance from each native pixel to the next along an axis."""
    with np.errstate(invalid="ignore"):
        steps: FloatArray = np.hypot(np.diff(x, axis=axis), np.diff(y, axis=axis))
    return steps


def _densify(grid: FloatArray, down: int, across: int) -> FloatArray:
    """Interpolate positions to ``down`` by ``across`` samples in each native pixel."""
    size = ((grid.shape[1] + 2) * across, (grid.shape[0] + 2) * down)
    dense = np.asarray(cv2.resize(_extrapolate(grid), size, interpolation=cv2.INTER_LINEAR), np.float32)
    return dense[down:-down, across:-across]


def _samples(steps: FloatArray) -> int:
    """Compute the number of samples per native pixel that leaves no gap in the widest one."""
    widest = float(np.max(steps, where=np.isfinite(steps), initial=0.0))
    return int(np.clip(np.ceil(widest / _STEP_PX), 1, _MAX_SAMPLES))


def _extrapolate(grid: FloatArray) -> FloatArray:
    """Add a border of one pixel by linear extrapolation: (n + 2, m + 2)."""
    padded = np.pad(grid, 1, mode="edge")
    if grid.shape[0] > 1:
        padded[0], padded[-1] = 2 * padded[1] - padded[2], 2 * padded[-2] - padded[-3]
    if grid.shape[1] > 1:
        padded[:, 0], padded[:, -1] = 2 * padded[:, 1] - padded[:, 2], 2 * padded[:, -2] - padded[:, -3]
    return padded
