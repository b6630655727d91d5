"""Which native pixels an aurora takes up: those of its box that stand out of the background, joined."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.background import Background, count_neighbours, smooth
from mars_aurora.canvas import Canvas
from mars_aurora.messages import Box
from mars_aurora.observation import BoolArray, FloatArray

SIGNIFICANCE = 3.0
SMOOTH = 3  # native pixels a side: about the width of a footprint, as successive ones overlap
BRIGHTNESS_R = 2.0  # an aurora ends where it is fainter, over background: the weakest called aurora (2 to 5 R)
GROW_PX = 6.0  # boxes are grown by this, on the canvas, before their pixels are looked at
_KEEP_FRACTION = 0.2  # a separate piece belongs to the aurora if it is so large, against the largest


def assign(canvas: Canvas, boxes: Sequence[Box]) -> NDArray[np.int16]:
    """Give each native pixel the number of its box, -1 for none: (nI, nS).

    Where boxes overlap the smallest has the pixel; the margin by which boxes are grown takes from no box.
    """
    owner = np.full(canvas.x.shape, -1, np.int16)
    for margin in (GROW_PX, 0.0):
        for number in sorted(range(len(boxes)), key=lambda number: -_box_area(boxes[number])):
            box = boxes[number]
            across = (canvas.x >= box.x0 - margin) & (canvas.x <= box.x1 + margin)
            owner[across & (canvas.y >= box.y0 - margin) & (canvas.y <= box.y1 + margin)] = number
    return owner


def find(excess_R: FloatArray, background: Background, region: BoolArray, usable: BoolArray) -> BoolArray:
    """Find the pixels of a region that an aurora takes up; none where nothing is significant.

    A pixel counts if the mean round it (3 x 3) is 2 R and 3 sigma over the background. Pieces of at least a fifth
    of the largest stay; holes are filled.
    """
    mean = smooth(excess_R, usable, SMOOTH)
    sigma = background.noise_R / np.sqrt(np.maximum(count_neighbours(usable, SMOOTH), 1))
    bright = region & (mean >= np.maximum(SIGNIFICANCE * sigma, BRIGHTNESS_R))
    return _fill_holes(_large_pieces(bright)) & usable if bright.any() else bright


def _box_area(box: Box) -> float:
    return (box.x1 - box.x0) * (box.y1 - box.y0)


def _large_pieces(mask: BoolArray) -> BoolArray:
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    sizes = statistics[:, cv2.CC_STAT_AREA].copy()
    sizes[0] = 0  # the background
    large: BoolArray = (sizes >= _KEEP_FRACTION * sizes.max())[labels] & mask
    return large


def _fill_holes(mask: BoolArray) -> BoolArray:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros(mask.shape, np.uint8), outlines, -1, 1, thickness=cv2.FILLED)
    return filled.astype(bool)
