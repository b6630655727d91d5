"""Count the objects in a picture of Mars: the disk is one, each feature inside it another.

The published sequence of OpenCV steps on the picture alone: circular mask, background, gray, adaptive threshold,
inversion, erosion, second inversion, seeds, flood fill, circles. Before the threshold the gray is freed of noise and
of the smooth part of the picture; otherwise limb, terminator and single counts would be the objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.classify.quadratic_fit import fit_surface
from mars_aurora.emission import Emission
from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y, DISK_RADIUS, HEIGHT, WIDTH
from mars_aurora.observation import FloatArray
from mars_aurora.picture.heatmap import level_brightness
from mars_aurora.picture.picture import UNOBSERVED, Levels, Picture

Image = NDArray[np.uint8]

RADIUS_PX = int(DISK_RADIUS)
LEFT, TOP = int(CENTER_X) - RADIUS_PX, int(CENTER_Y) - RADIUS_PX
SIDE_PX = 2 * RADIUS_PX + 1
_FILLING, _FEATURE, _TOO_FAINT = 64, 192, 128  # grays of the flooded picture

# Chosen on simulated files (seeds 101, 202, 303), reported on others: python -m bench.counting
CELL_PX = 4  # noise is reduced on cells of this size, about a native pixel
SMOOTHING_PX = 4.0  # standard deviation of the noise filter
NEIGHBORHOOD_PX = 16.0  # standard deviation of the neighborhood over which a feature is measured
OFFSET_R = 0.3  # limits the noise of the square root at night
GRAY_PER_ROOT_R = 100.0  # in the square root of brightness Poisson noise is the same everywhere
BLOCK_PX = 101  # neighborhood of the adaptive threshold
CONTRAST = 16  # gray above the mean of the neighborhood that makes a pixel white
MIN_WEIGHT = 260.0  # gray of the peak times root of the area, proportional to signal to noise: least of a feature
EDGE_KERNEL_PX = 4  # the paper's erosion


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
    """The intermediate pictures, each the (341, 341) square around the disk."""

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
    if picture.levels.shape != (HEIGHT, WIDTH):
        raise ValueError(f"the picture has {picture.levels.shape[::-1]} px, not {WIDTH}x{HEIGHT}")
    levels = picture.levels[TOP : TOP + SIDE_PX, LEFT : LEFT + SIDE_PX]
    mask = _mask(levels)
    gray = _to_gray(levels, mask, picture.emission)
    binary = _image(
        cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, BLOCK_PX, -CONTRAST)
    )
    inverted = _image(cv2.bitwise_not(binary))
    eroded = _image(cv2.erode(inverted, np.ones((EDGE_KERNEL_PX, EDGE_KERNEL_PX), np.uint8)))
    edges = _image(cv2.bitwise_not(eroded))
    flooded, features = _flood(gray, edges)
    return Stages(levels, mask, gray, binary, inverted, eroded, edges, flooded, Found((*_disk(mask), *features)))


def _image(array: Any) -> Image:  # noqa: ANN401 -- OpenCV's stubs type their results too widely
    return np.asarray(array, np.uint8)


def _mask(levels: Levels) -> Image:
    """Draw the white disk of 170 px, without unobserved pixels."""
    mask = np.zeros(levels.shape, np.uint8)
    cv2.circle(mask, (RADIUS_PX, RADIUS_PX), RADIUS_PX, 255, cv2.FILLED)
    return np.where(levels == UNOBSERVED, np.uint8(0), mask)


def _to_gray(levels: Levels, mask: Image, emission: Emission) -> Image:
    """Convert levels to a gray that is the contrast with the neighborhood, in units of even noise.

    Brightness is averaged over cells and smoothed; from its square root a smooth fit (night, terminator, limb) is
    subtracted. Cells too faint or too bright for an aurora become 0.
    """
    brightness = _to_cells(cv2.LUT(cv2.bitwise_and(levels, mask), level_brightness(emission)))  # 0 outside the mask
    weight = _to_cells(mask) / np.float32(255)
    smooth = _smooth(brightness) / (_smooth(weight) + np.float32(1e-6))
    root = np.sqrt(smooth + np.float32(OFFSET_R))
    inside = weight > 0.5
    contrast = root - fit_surface(root, inside.astype(np.float32), NEIGHBORHOOD_PX / CELL_PX)
    faintest_R, brightest_R = emission.counted_R
    contrast[~(inside & (smooth >= faintest_R) & (smooth < brightest_R))] = 0
    gray = np.clip(GRAY_PER_ROOT_R * contrast, 0, 255).astype(np.uint8)
    return _image(cv2.resize(gray, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR))


def _to_cells(picture: NDArray[Any]) -> FloatArray:
    """Average over cells: (85, 85)."""
    whole = SIDE_PX // CELL_PX * CELL_PX
    size = (SIDE_PX // CELL_PX, SIDE_PX // CELL_PX)
    return np.asarray(cv2.resize(picture[:whole, :whole], size, interpolation=cv2.INTER_AREA), np.float32)


def _smooth(cells: FloatArray) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(cells, (0, 0), SMOOTHING_PX / CELL_PX), np.float32)


def _flood(gray: Image, edges: Image) -> tuple[Image, list[Feature]]:
    """Fill the white regions from their brightest pixels, the seeds; those with enough weight are features."""
    flooded, remaining = edges.copy(), _image(cv2.bitwise_and(gray, edges))
    features: list[Feature] = []
    while True:
        _, contrast, _, seed = cv2.minMaxLoc(remaining)
        if contrast < CONTRAST:
            return flooded, features
        area, _, _, (x, y, width, height) = cv2.floodFill(flooded, None, seed, _FILLING)
        window = (slice(y, y + height), slice(x, x + width))
        region = flooded[window] == _FILLING
        remaining[window][region] = 0
        is_feature = contrast * area**0.5 >= MIN_WEIGHT
        flooded[window][region] = _FEATURE if is_feature else _TOO_FAINT
        if is_feature:
            features.append(_outline(region, x, y, contrast))


def _outline(region: NDArray[np.bool_], x: int, y: int, contrast: float) -> Feature:
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    (center_x, center_y), radius = cv2.minEnclosingCircle(np.concatenate(outlines))
    return Feature(LEFT + x + center_x, TOP + y + center_y, radius, float(region.sum()), contrast)


def _disk(mask: Image) -> list[Feature]:
    area = float(cv2.countNonZero(mask))
    return [Feature(CENTER_X, CENTER_Y, DISK_RADIUS, area, 0.0)] if area else []
