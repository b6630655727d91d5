"""How good boxes are: matching to the truth, precision and recall, average precision. Plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mars_aurora.detect.yolo import box_area, box_iou, shared_area
from mars_aurora.observation import FloatArray


@dataclass(frozen=True)
class Matches:
    """All predictions of one class over a set of images, held against the truth.

    Attributes
    ----------
    confidence : (P,) of each prediction
    correct : (P,) bool, whether it found a true box that none more confident had found
    image : (P,) number of its image
    found_at : (T,) confidence at which each true box was found; 0 if never
    """

    confidence: FloatArray
    correct: NDArray[np.bool_]
    image: NDArray[np.intp]
    found_at: FloatArray

    def precision_recall(self) -> tuple[FloatArray, FloatArray]:
        """Give precision and recall when cutting at each prediction, the most confident first."""
        order = np.argsort(-self.confidence, kind="stable")
        true = np.cumsum(self.correct[order])
        precision = true / np.arange(1, len(order) + 1)
        return precision, true / max(len(self.found_at), 1)

    def average_precision(self) -> float:
        """Area under the precision-recall curve, precision made monotonic first (as COCO does, all points)."""
        precision, recall = self.precision_recall()
        if len(precision) == 0:
            return 0.0
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(np.diff(recall, prepend=0) * envelope))

    def at(self, threshold: float) -> tuple[float, float]:
        """Precision and recall with everything below ``threshold`` cut off; precision 1 if nothing is left."""
        left = self.correct[self.confidence >= threshold]
        precision = float(left.mean()) if len(left) else 1.0
        recall = float((self.found_at >= threshold).mean()) if len(self.found_at) else 1.0
        return precision, recall


def match(
    predictions: Sequence[tuple[FloatArray, FloatArray]],
    truths: Sequence[FloatArray],
    doubtful: Sequence[FloatArray] | None = None,
    overlap: float = 0.5,
) -> Matches:
    """Match predictions (corners (P, 4), confidence (P,)) to true corners (T, 4), image by image.

    The most confident prediction takes the free true box it overlaps most, if by ``overlap`` (IoU) or more. Of the
    others, those that lie by half or more in a doubtful box are left out: neither right nor wrong (as in COCO).
    """
    confidences, corrects, images, found = [], [], [], []
    doubtful = doubtful or [np.zeros((0, 4), np.float32)] * len(truths)
    for number, ((corners, confidence), truth) in enumerate(zip(predictions, truths, strict=True)):
        correct, found_at = np.zeros(len(confidence), bool), np.zeros(len(truth), np.float32)
        shared = box_iou(corners, truth)
        for i in np.argsort(-confidence, kind="stable"):
            free = np.where(found_at == 0, shared[i], 0)
            if len(free) and free.max() >= overlap:
                correct[i], found_at[free.argmax()] = True, confidence[i]
        counted = correct | ~_lies_in(corners, doubtful[number])
        confidences.append(confidence[counted])
        corrects.append(correct[counted])
        images.append(np.full(counted.sum(), number))
        found.append(found_at)
    return Matches(
        np.concatenate(confidences or [np.zeros(0, np.float32)]),
        np.concatenate(corrects or [np.zeros(0, bool)]),
        np.concatenate(images or [np.zeros(0, np.intp)]),
        np.concatenate(found or [np.zeros(0, np.float32)]),
    )


def _lies_in(corners: FloatArray, areas: FloatArray) -> NDArray[np.bool_]:
    """Tell which boxes (P, 4) lie by half or more in one of ``areas`` (T, 4)."""
    inside: NDArray[np.bool_] = (shared_area(corners, areas) >= 0.5 * box_area(corners)[:, None]).any(1)
    return inside


def f1(precision: float, recall: float) -> float:
    """Harmonic mean of precision and recall."""
    return 2 * precision * recall / max(precision + recall, 1e-9)
