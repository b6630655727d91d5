"""The square window of the canvas in which the significance is found and objects are counted; its circular mask."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y, HEIGHT, WIDTH
from mars_aurora.picture.picture import UNOBSERVED, Levels

Image = NDArray[np.uint8]

RADIUS_PX = 182  # the disk, and the emitting shell beyond the limb: auroras there are bright, and may be nowhere else
LEFT, TOP = int(CENTER_X) - RADIUS_PX, int(CENTER_Y) - RADIUS_PX
SIDE_PX = 2 * RADIUS_PX + 1


def cut(levels: Levels) -> Levels:
    """Cut the window out of the levels of a picture: (365, 365); raises ValueError unless they are of 640x480 px."""
    if levels.shape != (HEIGHT, WIDTH):
        raise ValueError(f"the picture has {levels.shape[::-1]} px, not {WIDTH}x{HEIGHT}")
    return levels[TOP : TOP + SIDE_PX, LEFT : LEFT + SIDE_PX]


def draw_mask(levels: Levels) -> Image:
    """Draw the white disk, without unobserved pixels."""
    mask = np.zeros(levels.shape, np.uint8)
    cv2.circle(mask, (RADIUS_PX, RADIUS_PX), RADIUS_PX, 255, cv2.FILLED)
    return np.where(levels == UNOBSERVED, np.uint8(0), mask)


def to_image(array: Any) -> Image:  # noqa: ANN401 -- OpenCV's stubs type their results too widely
    return np.asarray(array, np.uint8)
