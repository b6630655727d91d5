"""The heatmap: brightness on a fixed logarithmic scale; equal brightness has equal color in all pictures."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np

from mars_aurora.emission import Emission
from mars_aurora.geometry.canvas import Canvas, to_canvas
from mars_aurora.observation import FloatArray, Observation
from mars_aurora.picture import noise, sun_angle
from mars_aurora.picture.pedestal import find_pedestal
from mars_aurora.picture.picture import UNOBSERVED, Levels, Picture


def draw(observation: Observation, canvas: Canvas) -> Picture:
    """Draw an observation on the canvas; `UNOBSERVED` where no brightness is known."""
    levels = to_levels(observation.brightness_R, observation.emission)
    return Picture(
        to_canvas(levels, canvas, UNOBSERVED),
        sun_angle.fit(observation, canvas),
        observation.emission,
        noise.find_sensitivity(observation),
        noise.find_removed(observation),
        find_pedestal(observation),
    )


def to_levels(brightness_R: FloatArray, emission: Emission) -> Levels:
    """Convert brightness in R to levels of the logarithmic scale, 1 to 255; NaN gives `UNOBSERVED`."""
    floor, ceiling = np.log10(emission.heatmap_R)
    logarithm = np.log10(np.clip(brightness_R, *emission.heatmap_R))
    level = 1.5 + 254 * (logarithm - floor) / (ceiling - floor)
    levels: Levels = np.nan_to_num(level, nan=UNOBSERVED).astype(np.uint8)
    return levels


@cache
def level_brightness(emission: Emission) -> FloatArray:
    """Return the brightness in R that each level represents, (256,) float32; 0 for unobserved and for the floor.

    Pixels without a single count have the level of the floor.
    """
    floor_R, ceiling_R = emission.heatmap_R
    brightness = floor_R * (ceiling_R / floor_R) ** ((np.arange(256) - 1) / 254)
    brightness[:2] = 0
    return brightness.astype(np.float32)


def remove_pedestal(picture: Picture) -> Picture:
    """Return the picture without its pedestal, which has added photon noise, as what cleaning removed."""
    if not picture.pedestal_R:
        return picture
    lowered = to_levels(level_brightness(picture.emission) - np.float32(picture.pedestal_R), picture.emission)
    lowered[UNOBSERVED] = UNOBSERVED
    return replace(
        picture,
        levels=np.asarray(cv2.LUT(picture.levels, lowered), np.uint8),
        removed_R=picture.removed_R + picture.pedestal_R,
        pedestal_R=0.0,
    )
