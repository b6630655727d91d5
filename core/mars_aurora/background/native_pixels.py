"""The size of native pixels and white areas, from the picture alone: a picture repeats each native pixel.

The fraction of pixels that have equal neighbors shows how large native pixels are, and so how many of them an average
contains. Larger areas of equal level are not native pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from mars_aurora.background.window import Image
from mars_aurora.picture.picture import Levels

FLOOR_LEVEL = 1  # of all pixels without counts: neighbors of this level may be of two native pixels
AREA_FACTOR = 1.14  # measured: native pixels are oblique on the canvas, and two neighbors may be equal
WHITE_LEVEL = 200  # 170 R in O I 130.4 nm
WHITE_PX = 21  # side of squares that are larger than native pixels
MAX_WHITE = 0.002  # fraction of the pixels


def find_area_px(levels: Levels, mask: Image) -> float:
    """Estimate the area of a native pixel in canvas pixels, at least 1.

    ``levels`` and ``mask`` are (N, N). Of native pixels with sides w and h, one canvas pixel in w differs from its
    neighbor along one axis, and one in h along the other.
    """
    shown = mask > 0
    lit = shown & (levels > FLOOR_LEVEL)
    area = AREA_FACTOR
    for first, second in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        compared = lit[first] & shown[second]
        differing = compared & (levels[first] != levels[second])
        area *= max(int(np.count_nonzero(compared)), 1) / max(int(np.count_nonzero(differing)), 1)
    return max(area, 1.0)


def is_white(levels: Levels, mask: Image) -> bool:
    """Return whether areas larger than native pixels are bright and of equal level: the detector was saturated."""
    square = np.ones((WHITE_PX, WHITE_PX), np.uint8)
    bright = (levels >= WHITE_LEVEL) & (mask > 0)
    equal = np.asarray(cv2.dilate(levels, square)) == np.asarray(cv2.erode(levels, square))
    return bool(np.count_nonzero(bright & equal) > MAX_WHITE * np.count_nonzero(mask))
