"""The intermediate pictures of the count steps as PNG files (figures 5 to 8 of the paper)."""

from __future__ import annotations

import cv2
import numpy as np

from mars_aurora.background.window import LEFT, TOP, Image
from mars_aurora.classify.count import Stages, run_stages
from mars_aurora.picture.palette import inferno
from mars_aurora.picture.picture import Picture


def draw_stages(picture: Picture) -> dict[str, bytes]:
    """Draw every count step as a PNG, by name in order; raises ValueError unless it is of 640x480 px."""
    stages = run_stages(picture)
    colors = _colors(stages)
    pictures = {
        "1_mask": stages.mask,
        "2_masked": np.dstack((colors, stages.mask)),
        "3_background": np.where(stages.mask[..., None] > 0, colors, 0),
        "4_gray": stages.gray,
        "5_binary": stages.binary,
        "6_inverted": stages.inverted,
        "7_eroded": stages.eroded,
        "8_edges": stages.edges,
        "9_outlines": _draw_outlines(stages),
        "10_flooded": stages.flooded,
        "11_circles": _draw_circles(stages),
    }
    return {name: cv2.imencode(".png", image)[1].tobytes() for name, image in pictures.items()}


def _colors(stages: Stages) -> Image:
    """Color the levels: (341, 341, 3), blue green red as OpenCV writes them."""
    return np.ascontiguousarray(inferno()[stages.levels][..., ::-1])


def _draw_outlines(stages: Stages) -> Image:
    outlines, _ = cv2.findContours(stages.edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = np.zeros_like(stages.edges)
    cv2.drawContours(drawn, outlines, -1, 255)
    return drawn


def _draw_circles(stages: Stages) -> Image:
    image = _colors(stages)
    for feature in stages.found.objects:
        center = (round(feature.x) - LEFT, round(feature.y) - TOP)
        cv2.circle(image, center, round(feature.radius), (255, 128, 0), 2)
    return image
