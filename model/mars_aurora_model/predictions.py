"""Predictions of a detector on the pictures of a set, and their agreement with the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mars_aurora.box import Box
from mars_aurora.detect.yolo import Yolo
from mars_aurora.observation import FloatArray
from mars_aurora.picture import png
from mars_aurora_model.labels import LabeledPicture, to_corners
from mars_aurora_model.scoring import Matches, f1, match

MAX_FALSE_ALARMS = 0.015  # of the pictures without aurora
FLOOR = 0.01  # confidence below which boxes are dropped; low, for complete precision-recall curves


@dataclass(frozen=True)
class Predictions:
    """Pictures, and the boxes that a detector predicts for each."""

    pictures: Sequence[LabeledPicture]
    boxes: Sequence[Sequence[Box]]

    def matches(self, label: str) -> Matches:
        """Match the boxes of one class to the labels; ignored labels count neither way."""
        return match(
            [_arrays(boxes, label) for boxes in self.boxes],
            [to_corners(picture.visible(label)) for picture in self.pictures],
            [to_corners(picture.ignored(label)) for picture in self.pictures],
        )

    def image_level(self, threshold: float) -> tuple[float, float]:
        """Return precision and recall of finding pictures with auroras.

        Pictures whose only auroras are ignored labels are left out.
        """
        clear = [
            i for i, picture in enumerate(self.pictures) if picture.visible("aurora") or not picture.ignored("aurora")
        ]
        true = np.array([bool(self.pictures[i].visible("aurora")) for i in clear])
        found = np.array([self.max_confidence(i) >= threshold for i in clear])
        return float(true[found].mean()) if found.any() else 1.0, float(found[true].mean()) if true.any() else 1.0

    def false_alarms(self, threshold: float) -> float:
        """Return the fraction of the pictures without aurora, not even an ignored one, in which one is found."""
        empty = [
            i for i, picture in enumerate(self.pictures) if not any(box.label == "aurora" for box in picture.labels)
        ]
        return float(np.mean([self.max_confidence(i) >= threshold for i in empty])) if empty else 0.0

    def max_confidence(self, index: int) -> float:
        """Return the highest confidence of the auroras in a picture, 0 without auroras."""
        return max((box.confidence for box in self.boxes[index] if box.label == "aurora"), default=0.0)


def predict(network: Yolo, pictures: Sequence[LabeledPicture]) -> Predictions:
    """Run the detector on pictures, keeping boxes of low confidence."""
    return Predictions(pictures, [network.detect(png.read(picture.png), FLOOR) for picture in pictures])


def choose_thresholds(predictions: Predictions) -> dict[str, float]:
    """Choose the confidence threshold of each class on a set used for neither training nor scoring.

    For Mars the threshold with the best F1, the median of equal ones. For auroras the lowest at which an aurora is
    found in at most 1.5 % of the pictures without. Steps are 0.01.
    """
    mars, steps = predictions.matches("mars"), [percent / 100 for percent in range(5, 96)]
    scores = {threshold: f1(*mars.at(threshold)) for threshold in steps}
    best = [threshold for threshold, value in scores.items() if value == max(scores.values())]
    few = (threshold for threshold in steps if predictions.false_alarms(threshold) <= MAX_FALSE_ALARMS)
    return {"mars": best[len(best) // 2], "aurora": next(few, steps[-1])}


def _arrays(boxes: Sequence[Box], label: str) -> tuple[FloatArray, FloatArray]:
    """Return corners (P, 4) and confidences (P,) of the boxes of one class."""
    chosen = [box for box in boxes if box.label == label]
    corners = np.array([(box.x0, box.y0, box.x1, box.y1) for box in chosen], np.float32).reshape(-1, 4)
    return corners, np.array([box.confidence for box in chosen], np.float32)
