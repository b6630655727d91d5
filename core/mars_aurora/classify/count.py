"""Count the objects in a picture of Mars: the disk is one, each feature inside it another.

The published chain of OpenCV steps on the PNG alone: circular mask, background, grey, adaptive threshold,
inversion, erosion, second inversion, seeds, flood fill, circles. Before the threshold the grey is freed of
noise and of the smooth part of the picture, else limb, terminator and single counts would be the objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.classify.quadratic_fit import fit_surface
from mars_aurora.geometry.canvas import CENTRE_X, CENTRE_Y, DISK_RADIUS
from mars_aurora.observation import FloatArray
from mars_aurora.picture.heatmap import UNOBSERVED, decode, inferno, level_brightness

Image = NDArray[np.uint8]

_RADIUS = int(DISK_RADIUS)
_LEFT, _TOP = int(CENTRE_X) - _RADIUS, int(CENTRE_Y) - _RADIUS
_SIDE = 2 * _RADIUS + 1
_FILLING, _FEATURE, _TOO_LITTLE = 64, 192, 128  # greys of the flooded picture

# Chosen on simulated files (seeds 101, 202, 303), reported on others: python -m bench.counting
CELL_PX = 4  # noise is fought on cells of this size, about a native pixel
SMOOTHING_PX = 4.0  # standard deviation of the noise filter
NEIGHBOURHOOD_PX = 16.0  # standard deviation of what a feature must stand out of
DARKEST_R, BRIGHTEST_R = 4.0, 35.0  # of the smoothed picture: below is night, above is day
OFFSET_R = 0.3  # keeps the root of the night from being all noise
GREY_PER_ROOT_R = 100.0  # in the root of brightness Poisson noise is the same everywhere
BLOCK_PX = 101  # neighbourhood of the adaptive threshold
CONTRAST = 16  # grey above the neighbourhood's mean that makes a pixel white
MIN_WEIGHT = 260.0  # grey of the peak times root of the area, as its signal to noise goes: what makes a feature
EDGE_KERNEL_PX = 4  # the paper's erosion


@dataclass(frozen=True)
class Feature:
    """One object, in canvas pixels: centre and radius of its circle, area of its outline.

    ``contrast`` is its peak above the background in grey levels; 0 for the disk.
    """

    x: float
    y: float
    radius: float
    area: float
    contrast: float


@dataclass(frozen=True)
class Found:
    """What is in a picture: the disk first, then the features by falling contrast; ``count`` is their number."""

    objects: tuple[Feature, ...]

    @property
    def count(self) -> int:
        return len(self.objects)


@dataclass(frozen=True)
class Stages:
    """The pictures of the chain, each the (341, 341) square round the disk."""

    levels: Image  # of the heatmap, where 0 is unobserved
    mask: Image
    grey: Image
    binary: Image
    inverted: Image
    eroded: Image
    edges: Image
    flooded: Image
    found: Found


def find(png: bytes) -> Found:
    """Count the objects in a 640x480 picture; raises ValueError where the bytes are no such picture."""
    return _run(png).found


def draw_stages(png: bytes) -> dict[str, bytes]:
    """Draw every stage of `find` as a PNG, by name in order (Figs. 5 to 8 of the paper)."""
    stages = _run(png)
    colours = inferno()[stages.levels]
    pictures = {
        "1_mask": stages.mask,
        "2_masked": np.dstack((colours, stages.mask)),
        "3_background": np.where(stages.mask[..., None] > 0, colours, 0),
        "4_grey": stages.grey,
        "5_binary": stages.binary,
        "6_inverted": stages.inverted,
        "7_eroded": stages.eroded,
        "8_edges": stages.edges,
        "9_outlines": _draw_outlines(stages),
        "10_flooded": stages.flooded,
        "11_circles": _draw_circles(stages),
    }
    return {name: cv2.imencode(".png", picture)[1].tobytes() for name, picture in pictures.items()}


def _run(png: bytes) -> Stages:
    levels = decode(png)[_TOP : _TOP + _SIDE, _LEFT : _LEFT + _SIDE]
    mask = _mask(levels)
    grey = _grey(levels, mask)
    binary = _image(
        cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, BLOCK_PX, -CONTRAST)
    )
    inverted = _image(cv2.bitwise_not(binary))
    eroded = _image(cv2.erode(inverted, np.ones((EDGE_KERNEL_PX, EDGE_KERNEL_PX), np.uint8)))
    edges = _image(cv2.bitwise_not(eroded))
    flooded, features = _flood(grey, edges)
    return Stages(levels, mask, grey, binary, inverted, eroded, edges, flooded, Found((*_disk(mask), *features)))


def _image(array: Any) -> Image:  # noqa: ANN401 -- what OpenCV's stubs say of their results is too wide
    return np.asarray(array, np.uint8)


def _mask(levels: Image) -> Image:
    """Draw the white disk of 170 px, less what was not observed."""
    mask = np.zeros(levels.shape, np.uint8)
    cv2.circle(mask, (_RADIUS, _RADIUS), _RADIUS, 255, cv2.FILLED)
    return np.where(levels == UNOBSERVED, np.uint8(0), mask)


def _grey(levels: Image, mask: Image) -> Image:
    """Reduce the colours to what stands out of its neighbourhood, in a grey in which noise is even.

    Colours are turned back into brightness, averaged over cells and smoothed; of its root the smooth part
    (night, terminator, limb) is taken away, and so is what is too dark or too bright for an aurora.
    """
    brightness = _to_cells(cv2.LUT(cv2.bitwise_and(levels, mask), level_brightness()))  # 0 outside the mask
    weight = _to_cells(mask) / np.float32(255)
    smooth = _smooth(brightness) / (_smooth(weight) + np.float32(1e-6))
    root = np.sqrt(smooth + np.float32(OFFSET_R))
    inside = weight > 0.5
    contrast = root - fit_surface(root, inside.astype(np.float32), NEIGHBOURHOOD_PX / CELL_PX)
    contrast[~(inside & (smooth >= DARKEST_R) & (smooth < BRIGHTEST_R))] = 0
    grey = np.clip(GREY_PER_ROOT_R * contrast, 0, 255).astype(np.uint8)
    return _image(cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR))


def _to_cells(picture: NDArray[Any]) -> FloatArray:
    """Average over cells: (85, 85)."""
    whole = _SIDE // CELL_PX * CELL_PX
    size = (_SIDE // CELL_PX, _SIDE // CELL_PX)
    return np.asarray(cv2.resize(picture[:whole, :whole], size, interpolation=cv2.INTER_AREA), np.float32)


def _smooth(cells: FloatArray) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(cells, (0, 0), SMOOTHING_PX / CELL_PX), np.float32)


def _flood(grey: Image, edges: Image) -> tuple[Image, list[Feature]]:
    """Fill the white regions from their brightest pixels, the seeds; what has the weight is a feature."""
    flooded, left = edges.copy(), _image(cv2.bitwise_and(grey, edges))
    features: list[Feature] = []
    while True:
        _, contrast, _, seed = cv2.minMaxLoc(left)
        if contrast < CONTRAST:
            return flooded, features
        area, _, _, (x, y, width, height) = cv2.floodFill(flooded, None, seed, _FILLING)
        window = (slice(y, y + height), slice(x, x + width))
        region = flooded[window] == _FILLING
        left[window][region] = 0
        is_feature = contrast * area**0.5 >= MIN_WEIGHT
        flooded[window][region] = _FEATURE if is_feature else _TOO_LITTLE
        if is_feature:
            features.append(_outline(region, x, y, contrast))


def _outline(region: NDArray[np.bool_], x: int, y: int, contrast: float) -> Feature:
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    (centre_x, centre_y), radius = cv2.minEnclosingCircle(np.concatenate(outlines))
    return Feature(_LEFT + x + centre_x, _TOP + y + centre_y, radius, float(region.sum()), contrast)


def _disk(mask: Image) -> list[Feature]:
    area = float(cv2.countNonZero(mask))
    return [Feature(CENTRE_X, CENTRE_Y, DISK_RADIUS, area, 0.0)] if area else []


def _draw_outlines(stages: Stages) -> Image:
    outlines, _ = cv2.findContours(stages.edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return _image(cv2.drawContours(np.zeros_like(stages.edges), outlines, -1, 255))


def _draw_circles(stages: Stages) -> Image:
    picture = inferno()[stages.levels]
    for feature in stages.found.objects:
        centre = (round(feature.x) - _LEFT, round(feature.y) - _TOP)
        cv2.circle(picture, centre, round(feature.radius), (255, 128, 0), 2)
    return picture
