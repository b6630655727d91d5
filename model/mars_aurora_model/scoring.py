"""Detection metrics on plain arrays: matching to the truth, precision and recall, average precision, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mars_aurora.detect.suppression import box_area, box_iou, shared_area
from mars_aurora.observation import Float64Array, FloatArray


@dataclass(frozen=True)
class Matches:
    """Predictions of one class over a set of images, matched to the truth.

    Attributes
    ----------
    confidence : (P,), of each prediction
    correct : (P,) bool, whether it matches a true box that no more confident prediction matches
    image : (P,), number of its image
    found_at : (T,), confidence at which each true box is found; 0 if never
    """

    confidence: FloatArray
    correct: NDArray[np.bool_]
    image: NDArray[np.intp]
    found_at: FloatArray

    def precision_recall(self) -> tuple[Float64Array, Float64Array]:
        """Return precision and recall at the confidence of each prediction, in descending order; (P,) each."""
        order = np.argsort(-self.confidence, kind="stable")
        true = np.cumsum(self.correct[order])
        precision = true / np.arange(1, len(order) + 1)
        return precision, true / max(len(self.found_at), 1)

    def average_precision(self) -> float:
        """Return the area under the precision-recall curve, interpolated at all points."""
        precision, recall = self.precision_recall()
        if len(precision) == 0:
            return 0.0
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(np.diff(recall, prepend=0) * envelope))

    def at(self, threshold: float) -> tuple[float, float]:
        """Return precision and recall at a confidence threshold; precision is 1 without predictions above it."""
        kept = self.correct[self.confidence >= threshold]
        precision = float(kept.mean()) if len(kept) else 1.0
        recall = float((self.found_at >= threshold).mean()) if len(self.found_at) else 1.0
        return precision, recall


def match(
    predictions: Sequence[tuple[FloatArray, FloatArray]],
    truths: Sequence[FloatArray],
    ignored: Sequence[FloatArray] | None = None,
    overlap: float = 0.5,
) -> Matches:
    """Match predictions to true boxes, image by image.

    In order of confidence each prediction takes the free true box of highest IoU, if that is ``overlap`` or more. Of
    the others, those with half their area or more in an ignored box are left out, as in COCO.

    Parameters
    ----------
    predictions : corners (P, 4) and confidence (P,) of each image
    truths : corners (T, 4) of each image
    ignored : corners (U, 4) of each image, of boxes that count neither way
    overlap : float
    """
    confidences, corrects, images, found = [], [], [], []
    ignored = ignored or [np.zeros((0, 4), np.float32)] * len(truths)
    for number, ((corners, confidence), truth) in enumerate(zip(predictions, truths, strict=True)):
        correct, found_at = np.zeros(len(confidence), bool), np.zeros(len(truth), np.float32)
        shared = box_iou(corners, truth)
        for i in np.argsort(-confidence, kind="stable"):
            free = np.where(found_at == 0, shared[i], 0)
            if len(free) and free.max() >= overlap:
                correct[i], found_at[free.argmax()] = True, confidence[i]
        counted = correct | ~_is_inside(corners, ignored[number])
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


def _is_inside(corners: FloatArray, areas: FloatArray) -> NDArray[np.bool_]:
    """Return which boxes (P, 4) have half their area or more in one of ``areas`` (T, 4)."""
    inside = shared_area(corners, areas) >= 0.5 * box_area(corners)[:, None]
    return np.asarray(inside.any(1), np.bool_)


def f1(precision: float, recall: float) -> float:
    """Return the harmonic mean of precision and recall."""
    return 2 * precision * recall / max(precision + recall, 1e-9)


def expected_calibration_error(
    confidence: FloatArray | Float64Array, correct: NDArray[np.bool_], bins: int = 10, least: float = 0.05
) -> float:
    """Return the mean difference between confidence and fraction of correct predictions, over bins of equal count.

    The difference is absolute in each bin, and bins are weighted by their number of predictions (Naeini et al. 2015).

    Parameters
    ----------
    confidence : (P,) float, 0 to 1
    correct : (P,) bool
    bins : int
        Number of bins; predictions are divided among them in order of confidence.
    least : float
        Predictions of less confidence are left out; NaN is returned if there are no others.
    """
    kept = np.flatnonzero(confidence >= least)
    if len(kept) == 0:
        return float("nan")
    order = kept[np.argsort(confidence[kept], kind="stable")]
    excess = confidence[order].astype(np.float64) - correct[order]
    return float(np.abs([part.sum() for part in np.array_split(excess, bins)]).sum() / len(order))
