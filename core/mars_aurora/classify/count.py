"""Count the objects in a picture of Mars: the disk is one, each feature on it another.

The published sequence of OpenCV steps on the picture alone: circular mask, background, gray, adaptive threshold,
inversion, erosion, second inversion, seeds, flood fill, circles. The gray is the excess over the non-auroral background
in units of its noise, so that thresholds mean the same in every picture; otherwise limb, terminator and single counts
would be the objects. Where nothing is found, a larger scale is looked at, unless native pixels are large. White
pictures have no features.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.background import native_pixels
from mars_aurora.background.significance import SMOOTHING_PX, find_scales
from mars_aurora.background.window import LEFT, RADIUS_PX, SIDE_PX, TOP, Image, cut, draw_mask, to_image
from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y
from mars_aurora.observation import FloatArray
from mars_aurora.picture.heatmap import remove_pedestal
from mars_aurora.picture.picture import Levels, Picture

_FILLING, _FEATURE = 64, 192  # grays of the flooded picture

# Chosen on simulated files of training worlds, reported on others: python -m bench.counting
GRAY_PER_SIGMA = 25.0
BROAD_PX = 6.0  # standard deviation of the noise filter for a second look, at auroras that are faint and wide
BROAD_GRAY_PER_SIGMA = 36.0  # 3.3 sigma are a feature: there are fewer independent places than on the smaller scale
BROAD_AREA_PX = 40.0  # of native pixels, at most, for the second look: the noise filter averages 12 of these
BLOCK_PX = 201  # neighborhood of the adaptive threshold
CONTRAST = 50  # gray above the mean of the neighborhood that makes a pixel white: 2 sigma
EDGE_KERNEL_PX = 4  # the paper's erosion
MIN_PEAK = 120  # gray of the brightest pixel of a feature, at least: 4.8 sigma


@dataclass(frozen=True)
class Feature:
    """One object, in canvas pixels: center and radius of its circle, area of its outline.

    ``contrast`` is its peak above the background in gray levels; 0 for the disk.
    """

    x: float
    y: float
    radius: float
    area: float
    contrast: float


@dataclass(frozen=True)
class Found:
    """The objects of a picture: the disk first, then the features by decreasing contrast; ``count`` is their number."""

    objects: tuple[Feature, ...]

    @property
    def count(self) -> int:
        return len(self.objects)


@dataclass(frozen=True)
class Stages:
    """The intermediate pictures, each the (365, 365) window around the disk."""

    levels: Levels
    mask: Image
    gray: Image
    binary: Image
    inverted: Image
    eroded: Image
    edges: Image
    flooded: Image
    found: Found


def find(picture: Picture) -> Found:
    """Count the objects in a picture; raises ValueError unless it is of 640x480 px."""
    return run_stages(picture).found


def run_stages(picture: Picture) -> Stages:
    """Count the objects and keep every intermediate picture; raises ValueError unless it is of 640x480 px."""
    picture = remove_pedestal(picture)
    levels = cut(picture.levels)
    mask = draw_mask(levels)
    narrow, broad = find_scales(picture, levels, mask, (SMOOTHING_PX, BROAD_PX))
    if native_pixels.is_white(levels, mask):
        narrow, broad = np.zeros_like(narrow), np.zeros_like(broad)
    stages = _find_features(levels, mask, _to_gray(GRAY_PER_SIGMA * narrow))
    is_broad = BROAD_GRAY_PER_SIGMA * broad.max() >= MIN_PEAK and len(stages.found.objects) == len(_disk(mask))
    if is_broad and native_pixels.find_area_px(levels, mask) <= BROAD_AREA_PX:
        return _find_features(levels, mask, _to_gray(BROAD_GRAY_PER_SIGMA * broad))
    return stages


def _find_features(levels: Levels, mask: Image, gray: Image) -> Stages:
    binary = to_image(
        cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, BLOCK_PX, -CONTRAST)
    )
    inverted = to_image(cv2.bitwise_not(binary))
    eroded = to_image(cv2.erode(inverted, np.ones((EDGE_KERNEL_PX, EDGE_KERNEL_PX), np.uint8)))
    edges = to_image(cv2.bitwise_not(eroded))
    flooded, features = _flood(gray, edges)
    return Stages(levels, mask, gray, binary, inverted, eroded, edges, flooded, Found((*_disk(mask), *features)))


def _to_gray(cells: FloatArray) -> Image:
    """Interpolate gray between the middles of cells, and round it."""
    gray = np.clip(cells, 0, 255).astype(np.uint8)
    return to_image(cv2.resize(gray, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR))


def _flood(gray: Image, edges: Image) -> tuple[Image, list[Feature]]:
    """Fill the white regions from their brightest pixels, the seeds, down to the least peak of a feature."""
    flooded, remaining = edges.copy(), to_image(cv2.bitwise_and(gray, edges))
    features: list[Feature] = []
    while True:
        _, contrast, _, seed = cv2.minMaxLoc(remaining)
        if contrast < MIN_PEAK:
            return flooded, features
        _, _, _, (x, y, width, height) = cv2.floodFill(flooded, None, seed, _FILLING)
        window = (slice(y, y + height), slice(x, x + width))
        region = flooded[window] == _FILLING
        remaining[window][region] = 0
        flooded[window][region] = _FEATURE
        features.append(_outline(region, x, y, contrast))


def _outline(region: NDArray[np.bool_], x: int, y: int, contrast: float) -> Feature:
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    (center_x, center_y), radius = cv2.minEnclosingCircle(np.concatenate(outlines))
    return Feature(LEFT + x + center_x, TOP + y + center_y, radius, float(region.sum()), contrast)


def _disk(mask: Image) -> list[Feature]:
    area = float(cv2.countNonZero(mask))
    return [Feature(CENTER_X, CENTER_Y, RADIUS_PX, area, 0.0)] if area else []
