"""Count the objects in a picture of Mars: the disk is one, each feature inside it another.

The published chain of OpenCV steps on the PNG alone: circular mask, background, grey, adaptive threshold,
inversion, erosion, second inversion, seeds, flood fill, circles. Before the threshold the grey is freed
of noise and of the day side, which would otherwise count at the terminator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.canvas import CENTRE_X, CENTRE_Y, DISK_RADIUS
from mars_aurora.heatmap import inferno, level_brightness

Image = NDArray[np.uint8]

_RADIUS = int(DISK_RADIUS)
_LEFT, _TOP = int(CENTRE_X) - _RADIUS, int(CENTRE_Y) - _RADIUS
_SIDE = 2 * _RADIUS + 1

SMOOTHING_PX = 4.0  # standard deviation of the noise filter: about the width of a native pixel
GREY_PER_ROOT_R = 16.0  # grey is the root of the brightness, in which Poisson noise is the same everywhere
FEATURE_PX = 61  # wider than this is day side, not feature
BLOCK_PX = 101  # neighbourhood of the adaptive threshold
CONTRAST = 8  # grey above the neighbourhood's mean that makes a pixel white
SEED_CONTRAST = 16  # grey above the background that makes a white pixel a seed
EDGE_KERNEL_PX = 4  # the paper's erosion
MIN_AREA_PX = 30


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
    """The pictures of the chain, all (341, 341): the square round the disk."""

    image: Image  # BGRA
    mask: Image
    grey: Image
    features: Image
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
    """Draw every stage of `find` as a PNG, by name in order."""
    stages = _run(png)
    pictures = {
        "1_mask": stages.mask,
        "2_masked": cv2.merge((*cv2.split(stages.image)[:3], stages.mask)),
        "3_background": stages.image[..., :3] * (stages.mask[..., None] > 0),
        "4_grey": stages.grey,
        "5_features": cv2.convertScaleAbs(stages.features, alpha=4),
        "6_binary": stages.binary,
        "7_inverted": stages.inverted,
        "8_eroded": stages.eroded,
        "9_edges": stages.edges,
        "10_outlines": _draw_outlines(stages),
        "11_flooded": stages.flooded,
        "12_circles": _draw_circles(stages),
    }
    return {name: cv2.imencode(".png", picture)[1].tobytes() for name, picture in pictures.items()}


def _run(png: bytes) -> Stages:
    image = _decode(png)
    mask = _mask(image)
    grey = _grey(image, mask)
    features = _remove_day_side(grey, mask)
    binary = cv2.adaptiveThreshold(features, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, BLOCK_PX, -CONTRAST)
    inverted = cv2.bitwise_not(binary)
    eroded = cv2.erode(inverted, np.ones((EDGE_KERNEL_PX, EDGE_KERNEL_PX), np.uint8))
    edges = cv2.bitwise_not(eroded)
    flooded, found = _flood(features, edges)
    disk = _disk(mask)
    return Stages(image, mask, grey, features, binary, inverted, eroded, edges, flooded, Found((*disk, *found)))


def _decode(png: bytes) -> Image:
    """Decode the picture and cut out the square round the disk, blue green red alpha."""
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.shape[:2] != (480, 640):
        raise ValueError("not a 640x480 colour picture")
    image = image[_TOP : _TOP + _SIDE, _LEFT : _LEFT + _SIDE]
    return image if image.shape[2] == 4 else cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)


def _mask(image: Image) -> Image:
    """Draw the white disk of 170 px, less what was not observed."""
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.circle(mask, (_RADIUS, _RADIUS), _RADIUS, 255, cv2.FILLED)
    return cv2.bitwise_and(mask, cv2.extractChannel(image, 3))


def _grey(image: Image, mask: Image) -> Image:
    """Turn colours back into brightness, smooth it within the mask, take the root."""
    brightness = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY), _grey_brightness())
    weight = mask.astype(np.float32) / 255
    smooth = cv2.GaussianBlur(brightness * weight, (0, 0), SMOOTHING_PX)
    smooth /= cv2.GaussianBlur(weight, (0, 0), SMOOTHING_PX) + 1e-6
    return cv2.bitwise_and(cv2.convertScaleAbs(cv2.sqrt(smooth), alpha=GREY_PER_ROOT_R), mask)


def _grey_brightness() -> NDArray[np.float32]:
    """Give the brightness in R for each grey that OpenCV makes of an inferno colour: (256,)."""
    grey = cv2.cvtColor(inferno()[None], cv2.COLOR_BGR2GRAY)[0]  # grows with the level
    level = np.searchsorted(grey, np.arange(256)).clip(0, 255)
    return level_brightness()[level]


def _remove_day_side(grey: Image, mask: Image) -> Image:
    """Take away all that is wider than a feature: a top hat that does not look outside the mask."""
    kernel = np.ones((FEATURE_PX, FEATURE_PX), np.uint8)
    lowest = cv2.bitwise_and(cv2.erode(cv2.bitwise_or(grey, cv2.bitwise_not(mask)), kernel), mask)
    features = cv2.subtract(grey, cv2.dilate(lowest, kernel))
    outside = mask == 0
    features[outside] = np.uint8(cv2.mean(features, mask)[0])  # so that the limb is no edge
    return features


def _flood(features: Image, edges: Image) -> tuple[Image, list[Feature]]:
    """Fill the white regions from their brightest pixels on; what has seed and size is a feature."""
    flooded, left, found = edges.copy(), cv2.bitwise_and(features, edges), []
    while True:
        _, contrast, _, seed = cv2.minMaxLoc(left)
        if contrast < SEED_CONTRAST:
            return flooded, found
        area, _, _, (x, y, width, height) = cv2.floodFill(flooded, None, seed, 128)
        window = (slice(y, y + height), slice(x, x + width))
        region = (flooded[window] == 128) & (left[window] > 0)
        left[window][region] = 0
        if area >= MIN_AREA_PX:
            found.append(_feature(region, x, y, contrast))
        flooded[window][flooded[window] == 128] = 200


def _feature(region: NDArray[np.bool_], x: int, y: int, contrast: float) -> Feature:
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    (centre_x, centre_y), radius = cv2.minEnclosingCircle(np.concatenate(outlines))
    return Feature(_LEFT + x + centre_x, _TOP + y + centre_y, radius, float(region.sum()), contrast)


def _disk(mask: Image) -> list[Feature]:
    area = float(cv2.countNonZero(mask))
    return [Feature(CENTRE_X, CENTRE_Y, DISK_RADIUS, area, 0.0)] if area else []


def _draw_outlines(stages: Stages) -> Image:
    outlines, _ = cv2.findContours(stages.edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(stages.edges), outlines, -1, 255)


def _draw_circles(stages: Stages) -> Any:
    picture = np.ascontiguousarray(stages.image[..., :3])
    for feature in stages.found.objects:
        centre = (round(feature.x) - _LEFT, round(feature.y) - _TOP)
        cv2.circle(picture, centre, round(feature.radius), (255, 128, 0), 2)
    return picture
