"""Predictions of a detector on the pictures of a set, and their agreement with the labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mars_aurora.box import Box
from mars_aurora.detect.yolo import Yolo
from mars_aurora.observation import FloatArray
from mars_aurora.picture import png
from mars_aurora_model.labels import LabeledPicture, to_corners
from mars_aurora_model.scoring import Matches, f1, match

MAX_FALSE_ALARMS, MIN_RECALL = 0.05, 0.97  # required of pictures without and with auroras, with artefacts
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

    For Mars the threshold with the best F1. For auroras the median of those at which an aurora is found in at most 5 %
    of the pictures without and at least 97 % of those with auroras: the one most robust to a shift of the confidences
    in other configurations. If there is none, the one with the best mean of the F1 of boxes and the F1 of pictures.
    """
    mars, boxes = predictions.matches("mars"), predictions.matches("aurora")

    def score_auroras(threshold: float) -> float:
        pictures = predictions.image_level(threshold)
        sufficient = predictions.false_alarms(threshold) <= MAX_FALSE_ALARMS and pictures[1] >= MIN_RECALL
        return math.inf if sufficient else f1(*boxes.at(threshold)) + f1(*pictures)

    return {
        "mars": _median_of_best(lambda threshold: f1(*mars.at(threshold))),
        "aurora": _median_of_best(score_auroras),
    }


def _median_of_best(score: Callable[[float], float]) -> float:
    """Return the median of the thresholds with the highest score, in steps of 0.01."""
    scores = {percent / 100: score(percent / 100) for percent in range(5, 96)}
    highest = max(scores.values())
    best = [threshold for threshold, value in scores.items() if value == highest]
    return best[len(best) // 2]


def _arrays(boxes: Sequence[Box], label: str) -> tuple[FloatArray, FloatArray]:
    """Return corners (P, 4) and confidences (P,) of the boxes of one class."""
    chosen = [box for box in boxes if box.label == label]
    corners = np.array([(box.x0, box.y0, box.x1, box.y1) for box in chosen], np.float32).reshape(-1, 4)
    return corners, np.array([box.confidence for box in chosen], np.float32)
