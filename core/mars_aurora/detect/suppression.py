"""Boxes from the network's output: thresholds, non-maximum suppression, reduced confidence of nested boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import FloatArray

OVERLAP = 0.5  # of two boxes of one class with a larger IoU, the less confident is removed
NESTED = 0.8  # fraction of the smaller box inside another of its class above which they are nested
NESTED_FACTOR = 0.5  # factor on the confidence of the less confident of nested boxes
MAX_BOXES = 300  # the most confident candidates that suppression compares


def select(scores: FloatArray, least: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Select boxes by confidence, non-maximum suppression and nesting within each class.

    Parameters
    ----------
    scores : (N, 5 + C) float32
        Center x, y, width, height, objectness, class scores.
    least : (C,) float32
        Least confidence by class.

    Returns
    -------
    corners : (M, 4) float32
        x0, y0, x1, y1 in px of the input, most confident first.
    confidence : (M,) float32
    label : (M,) int
        Class number.
    """
    classes = scores[:, 5:] * scores[:, 4:5]
    label = classes.argmax(1)
    confidence = classes[np.arange(len(label)), label]
    chosen = np.flatnonzero(confidence >= least[label])
    chosen = chosen[np.argsort(-confidence[chosen], kind="stable")[:MAX_BOXES]]
    half = scores[chosen, 2:4] / 2
    corners = np.hstack((scores[chosen, :2] - half, scores[chosen, :2] + half)).astype(np.float32)
    kept = suppress(corners, label[chosen])
    corners, confidence, label = corners[kept], confidence[chosen][kept], label[chosen][kept]
    nested = find_nested(corners, label)
    confidence = np.where(nested, NESTED_FACTOR * confidence, confidence).astype(np.float32)
    order = np.argsort(-confidence, kind="stable")
    order = order[confidence[order] >= least[label[order]]]
    return corners[order], confidence[order], label[order]


def suppress(corners: FloatArray, label: NDArray[np.intp], overlap: float = OVERLAP) -> NDArray[np.bool_]:
    """Mark the boxes to keep, (M,) bool; ``corners`` (M, 4) with the most confident first."""
    rivals = (box_iou(corners, corners) > overlap) & (label[:, None] == label)
    kept = np.ones(len(corners), bool)
    for i in range(len(corners)):
        if kept[i]:
            kept[i + 1 :] &= ~rivals[i, i + 1 :]
    return kept


def find_nested(corners: FloatArray, label: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Mark boxes, (M,) bool, nested with a more confident one of their class; the most confident first."""
    similar = are_nested(corners) & (label[:, None] == label)
    nested: NDArray[np.bool_] = np.triu(similar, 1).any(0)
    return nested


def are_nested(corners: FloatArray) -> NDArray[np.bool_]:
    """Return which pairs of boxes (M, 4) are nested: (M, M) bool."""
    area = box_area(corners)
    nested: NDArray[np.bool_] = shared_area(corners, corners) > NESTED * np.minimum(area[:, None], area)
    return nested


def box_iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Compute the intersection over union of boxes given by corners: (M, 4) and (N, 4) to (M, N)."""
    shared = shared_area(a, b)
    union = box_area(a)[:, None] + box_area(b) - shared
    ratio: FloatArray = (shared / np.maximum(union, 1e-9)).astype(np.float32)
    return ratio


def shared_area(a: FloatArray, b: FloatArray) -> FloatArray:
    """Compute the area of the intersection of boxes: (M, 4) and (N, 4) to (M, N)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    area: FloatArray = np.clip(high - low, 0, None).prod(2)
    return area


def box_area(corners: FloatArray) -> FloatArray:
    """Compute the areas of boxes (M, 4): (M,)."""
    area: FloatArray = (corners[:, 2:] - corners[:, :2]).prod(1)
    return area
