"""Stitch the pictures of an observation set."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mars_aurora.geometry.canvas import HEIGHT, WIDTH


def overlay(pictures: Sequence[bytes]) -> bytes:
    """Overlay the pictures of a set, PNG with an alpha channel; earlier pictures cover later ones.

    Raises ValueError if one of them is not such a picture.
    """
    stitched = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    for png in reversed(pictures):
        picture = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED) if png else None)
        if picture.shape != stitched.shape:
            raise ValueError("not a PNG of 640 x 480 px with an alpha channel")
        observed = picture[..., 3] > 0
        stitched[observed] = picture[observed]
    return bytes(cv2.imencode(".png", stitched)[1])
