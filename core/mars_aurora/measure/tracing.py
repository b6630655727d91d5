"""Outlines of an aurora's pixels as text: on the native image, and on the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.geometry.canvas import Canvas, to_canvas
from mars_aurora.geometry.outline import MAX_CHARACTERS
from mars_aurora.observation import BoolArray

_FINE = 3  # subpixels a side: the outline runs through those at the edge of a pixel
_SIMPLIFY_PX = 0.7  # of the outline on the picture


def trace(mask: BoolArray) -> str:
    """Trace pixels on the native image: slit bin and integration of each corner, from 1, to a third of a pixel.

    Numbers are separated by commas, parts by semicolons.
    """
    return _trace(mask, 1.0, 0.0)


def trace_on_picture(pixels: BoolArray, canvas: Canvas) -> str:
    """Trace native pixels on the picture: x and y in px, from 0 at its upper left corner, y down.

    Numbers are separated by commas, parts by semicolons; no text where no pixel is on the picture.
    """
    return _trace(to_canvas(pixels, canvas, fill=False), 0.5, _SIMPLIFY_PX)


def _trace(mask: BoolArray, first: float, simplify_px: float) -> str:
    """Trace the parts of a mask; the center of its first pixel has the coordinates ``first``.

    They are simplified as far as needed for a cell of a table.
    """
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    part = mask[top : top + height, left : left + width].astype(np.uint8)
    fine = np.repeat(np.repeat(part, _FINE, axis=0), _FINE, axis=1)
    contours, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(_FINE * left, _FINE * top))
    text = _write(contours, first, simplify_px)
    while len(text) > MAX_CHARACTERS:
        simplify_px = max(2 * simplify_px, 0.5)
        text = _write(contours, first, simplify_px)
    return text


def _write(contours: Sequence[NDArray[Any]], first: float, simplify_px: float) -> str:
    if simplify_px:
        contours = [cv2.approxPolyDP(contour, _FINE * simplify_px, closed=True) for contour in contours]
    parts = ((contour.reshape(-1) - 1) / _FINE + first for contour in contours if len(contour) > 2)
    return ";".join(",".join(f"{number:.4g}" for number in part) for part in parts)
