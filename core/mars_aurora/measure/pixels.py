"""Which native pixels an aurora takes up: those of its box that stand out of the background, joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from mars_aurora.background.observed import STRUCTURE, Background, count_neighbours, smooth
from mars_aurora.box import Box
from mars_aurora.geometry.canvas import Canvas, pixels_in_box
from mars_aurora.observation import BoolArray, FloatArray

SIGNIFICANCE = 3.0
SMOOTH = 3  # native pixels a side: about the width of a footprint, as successive ones overlap
BRIGHTNESS_R = 2.0  # an aurora ends where it is fainter, over background: the weakest called aurora (2 to 5 R)
GROW_PX = 3.0  # boxes are grown by this, on the canvas, before their pixels are looked at
_OWN_SHARE = 0.2  # of the light in a box: where what is its own is less, it must be sharing an aurora
_OTHERS_SHARE = 0.8  # a piece is another aurora's if so much of it lies in smaller boxes
_SMOOTH_NOISY = 5
_KEEP_FRACTION = 0.05  # a separate piece belongs to the aurora if it is so large, against the largest


def pixels_near(canvas: Canvas, box: Box, margin_px: float = GROW_PX) -> BoolArray:
    """Tell which native pixels have their centre in a box grown by a margin: (nI, nS)."""
    grown = replace(box, x0=box.x0 - margin_px, y0=box.y0 - margin_px, x1=box.x1 + margin_px, y1=box.y1 + margin_px)
    return pixels_in_box(canvas, grown)


def find_other(box: Box, boxes: Sequence[Box], canvas: Canvas) -> BoolArray:
    """Find the pixels of smaller boxes: what lies wholly in them is another's: (nI, nS)."""
    others = np.zeros(canvas.x.shape, bool)
    for other in boxes:
        if _box_area(other) < _box_area(box):
            others |= pixels_near(canvas, other)
    return others


def find(
    excess_R: FloatArray, background: Background, region: BoolArray, usable: BoolArray, others: BoolArray
) -> BoolArray:
    """Find the pixels of a region that an aurora takes up; none where nothing is significant.

    A pixel counts if the mean round it is 2 R and 3 sigma over the background: of 3 x 3 pixels, or 5 x 5 where 3 x 3
    are too noisy to show 2 R. Sigma holds the pixels' noise and how well any background is known. Pieces of a
    twentieth of the largest stay, but for those that belong to other boxes or lie mostly outside; holes are filled.
    """
    fine, fine_floor = _mean_and_floor(excess_R, background, usable, SMOOTH)
    coarse, coarse_floor = _mean_and_floor(excess_R, background, usable, _SMOOTH_NOISY)
    above = np.where(fine_floor > BRIGHTNESS_R, coarse >= coarse_floor, fine >= fine_floor)
    bright: BoolArray = region & above
    if not bright.any():
        return bright
    return _fill_holes(_own_pieces(usable & above, region, others)) & region


def _mean_and_floor(
    excess_R: FloatArray, background: Background, usable: BoolArray, side: int
) -> tuple[FloatArray, FloatArray]:
    """Average the excess over squares of pixels, and say from where on such an average counts."""
    noise_R = background.noise_R / np.sqrt(np.maximum(count_neighbours(usable, side), 1))
    sigma_R = np.hypot(noise_R, STRUCTURE * np.abs(background.level_R))
    return smooth(excess_R, usable, side), np.maximum(SIGNIFICANCE * sigma_R, BRIGHTNESS_R)


def _box_area(box: Box) -> float:
    return (box.x1 - box.x0) * (box.y1 - box.y0)


def _own_pieces(bright: BoolArray, region: BoolArray, others: BoolArray) -> BoolArray:
    """Pick the connected pieces that belong to the region; all that reach into it if hardly any does."""
    _, labels = cv2.connectedComponents(bright.astype(np.uint8), connectivity=8)
    whole = np.bincount(labels.reshape(-1))
    inside = np.bincount(labels[region], minlength=whole.size)
    inside[0] = 0  # what is not bright
    apart = np.bincount(labels[region & ~others], minlength=whole.size)
    own = (inside >= whole / 2) & (apart >= (1 - _OTHERS_SHARE) * inside)
    sizes = np.where(own, inside, 0) if inside[own].sum() >= _OWN_SHARE * inside.sum() else inside
    kept: BoolArray = (sizes >= np.maximum(_KEEP_FRACTION * sizes.max(), 1))[labels] & bright & region
    return kept


def _fill_holes(mask: BoolArray) -> BoolArray:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros(mask.shape, np.uint8), outlines, -1, 1, thickness=cv2.FILLED)
    return filled.astype(bool)


def trace(mask: BoolArray) -> str:
    """Trace pixels on the native image: slit bin and integration of each corner, from 1, to a third of a pixel.

    Numbers are separated by commas, parts by semicolons.
    """
    fine = np.repeat(np.repeat(mask.astype(np.uint8), 3, axis=0), 3, axis=1)
    outlines, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    parts = ((np.asarray(outline).reshape(-1) - 1) / 3 + 1 for outline in outlines)
    return ";".join(",".join(f"{number:.4g}" for number in part) for part in parts)
