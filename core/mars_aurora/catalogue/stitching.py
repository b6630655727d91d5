"""Stitch the pictures of an observation set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mars_aurora.geometry.canvas import HEIGHT, WIDTH
from mars_aurora.picture import png
from mars_aurora.picture.picture import UNOBSERVED


def overlay(pictures: Sequence[bytes]) -> bytes:
    """Overlay the pictures of a set, PNG from `mars_aurora.picture.png.write`; earlier pictures cover later ones.

    Levels are overlaid instead of colors, which takes a tenth of the time and shows the same. Raises ValueError if a
    picture is none of 640 x 480 px from this program.
    """
    stitched = np.full((HEIGHT, WIDTH), UNOBSERVED, np.uint8)
    for picture in reversed(pictures):
        levels = png.read_levels(picture, stitched.shape)
        np.copyto(stitched, levels, where=levels != UNOBSERVED)
    return png.write_levels(stitched)
