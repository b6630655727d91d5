"""Segmentation: the connected native pixels of a box that exceed the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from mars_aurora.background.observed import STRUCTURE, Background
from mars_aurora.background.smoothing import count_neighbors, smooth
from mars_aurora.box import Box
from mars_aurora.geometry.canvas import Canvas, pixels_in_box
from mars_aurora.observation import BoolArray, FloatArray

SIGMAS = 3.0
NOISE_FACTOR = 1.12  # on the limit: noise lifts more pixels above it than it pushes below (python -m bench.measuring)
SMOOTH_PX = 3  # native pixels a side: about the width of a footprint, as successive ones overlap
GROW_PX = 3.0  # boxes are grown by this margin on the canvas
_SMOOTH_NOISY_PX = 5
_MIN_OWN_FRACTION = 0.2  # of the signal in a box: with less of its own, the box shares an aurora with another
_OTHERS_FRACTION = 0.8  # a piece belongs to another aurora if this fraction of it is in smaller boxes
_MIN_PIECE_FRACTION = 0.05  # a separate piece belongs to the aurora from this size, relative to the largest


def pixels_near(canvas: Canvas, box: Box, margin_px: float = GROW_PX) -> BoolArray:
    """Select the native pixels whose center is in a box grown by a margin: (nI, nS)."""
    grown = replace(box, x0=box.x0 - margin_px, y0=box.y0 - margin_px, x1=box.x1 + margin_px, y1=box.y1 + margin_px)
    return pixels_in_box(canvas, grown)


def pixels_of_others(box: Box, boxes: Sequence[Box], canvas: Canvas) -> BoolArray:
    """Select the pixels of all smaller boxes, whose auroras are measured there: (nI, nS)."""
    others = np.zeros(canvas.x.shape, bool)
    for other in boxes:
        if other.area < box.area:
            others |= pixels_near(canvas, other)
    return others


def segment(  # noqa: PLR0913, PLR0917 -- four masks and maps of one grid, and the limit
    excess_R: FloatArray,
    background: Background,
    region: BoolArray,
    usable: BoolArray,
    others: BoolArray,
    visible_R: float,
) -> BoolArray:
    """Segment the aurora of a region; no pixels where nothing is significant.

    A pixel belongs to it if the mean about it exceeds the background by 1.12 ``visible_R`` and by 3 sigma: the mean
    of 3 x 3 pixels, or of 5 x 5 where 3 x 3 are too noisy. Sigma contains the noise of the pixels and the structure
    of the background. Pieces from a twentieth of the largest are kept, except those of other boxes or mostly outside;
    holes are filled.

    Parameters
    ----------
    excess_R : (nI, nS) float32
        Brightness over the background.
    background : Background
    region, usable, others : (nI, nS) bool
        Pixels of the box, usable pixels, pixels of smaller boxes.
    visible_R : float
        Excess at the edge of an aurora.
    """
    limit_R = NOISE_FACTOR * visible_R
    fine, fine_limit = _mean_and_limit(excess_R, background, usable, SMOOTH_PX, limit_R)
    coarse, coarse_limit = _mean_and_limit(excess_R, background, usable, _SMOOTH_NOISY_PX, limit_R)
    above = np.where(fine_limit > limit_R, coarse >= coarse_limit, fine >= fine_limit)
    bright: BoolArray = region & above
    if not bright.any():
        return bright
    return fill_holes(select_pieces(usable & above, region, others)) & region


def _mean_and_limit(
    excess_R: FloatArray, background: Background, usable: BoolArray, side_px: int, least_R: float
) -> tuple[FloatArray, FloatArray]:
    """Average the excess over squares of pixels; also compute the least significant mean."""
    noise_R = background.noise_R / np.sqrt(np.maximum(count_neighbors(usable, side_px), 1))
    sigma_R = np.hypot(noise_R, STRUCTURE * np.abs(background.level_R))
    return smooth(excess_R, usable, side_px), np.maximum(SIGMAS * sigma_R, least_R)


def select_pieces(bright: BoolArray, region: BoolArray, others: BoolArray) -> BoolArray:
    """Select the connected pieces that belong to the region; if these hold less than a fifth of the signal, all."""
    _, labels = cv2.connectedComponents(bright.astype(np.uint8), connectivity=8)
    whole = np.bincount(labels.reshape(-1))
    inside = np.bincount(labels[region], minlength=whole.size)
    inside[0] = 0  # pixels that are not bright
    apart = np.bincount(labels[region & ~others], minlength=whole.size)
    own = (inside >= whole / 2) & (apart >= (1 - _OTHERS_FRACTION) * inside)
    sizes = np.where(own, inside, 0) if inside[own].sum() >= _MIN_OWN_FRACTION * inside.sum() else inside
    kept: BoolArray = (sizes >= np.maximum(_MIN_PIECE_FRACTION * sizes.max(), 1))[labels] & bright & region
    return kept


def fill_holes(mask: BoolArray) -> BoolArray:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros(mask.shape, np.uint8), outlines, -1, 1, thickness=cv2.FILLED)
    return filled.astype(bool)
