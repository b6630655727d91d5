"""What a detector says about the pictures of a set, held against their labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mars_aurora.box import Box
from mars_aurora.detect.yolo import Yolo
from mars_aurora.observation import FloatArray
from mars_aurora_model.labels import Picture, to_corners
from mars_aurora_model.scoring import Matches, f1, match

PICTURES = (0.97, 0.99)  # precision and recall of "there is an aurora in it" that are wanted of a detector
FLOOR = 0.01  # confidence below which nothing is kept, for curves that go far


@dataclass(frozen=True)
class Answered:
    """Pictures, and the boxes that a detector gave for each."""

    pictures: Sequence[Picture]
    boxes: Sequence[Sequence[Box]]

    def matches(self, label: str) -> Matches:
        """Match the boxes of one class; doubtful labels count neither way."""
        return match(
            [_arrays(boxes, label) for boxes in self.boxes],
            [to_corners(picture.visible(label)) for picture in self.pictures],
            [to_corners(picture.doubtful(label)) for picture in self.pictures],
        )

    def image_level(self, threshold: float) -> tuple[float, float]:
        """Precision and recall of "there is an aurora in it"; pictures with doubtful ones alone are left out."""
        clear = [
            i for i, picture in enumerate(self.pictures) if picture.visible("aurora") or not picture.doubtful("aurora")
        ]
        true = np.array([bool(self.pictures[i].visible("aurora")) for i in clear])
        said = np.array([self.surest(i) >= threshold for i in clear])
        return float(true[said].mean()) if said.any() else 1.0, float(said[true].mean()) if true.any() else 1.0

    def surest(self, image: int) -> float:
        """Give the confidence of the surest aurora of a picture, 0 if there is none."""
        return max((box.confidence for box in self.boxes[image] if box.label == "aurora"), default=0.0)


def ask(network: Yolo, pictures: Sequence[Picture]) -> Answered:
    """Run the detector over pictures, keeping the unsure boxes too."""
    return Answered(pictures, [network.detect(picture.png, FLOOR) for picture in pictures])


def choose_thresholds(answered: Answered) -> dict[str, float]:
    """Choose each class's least confidence on a set that was neither trained on nor is scored.

    For Mars the one with the best F1. For auroras the middle one of those that find the pictures which hold any as well
    as `PICTURES` says: farthest from where that fails, since other worlds shift it. If there is none, the best mean of
    two F1, that of boxes and that of pictures.
    """
    mars, boxes = answered.matches("mars"), answered.matches("aurora")

    def score_auroras(least: float) -> float:
        pictures = answered.image_level(least)
        finds = all(reached >= wanted for reached, wanted in zip(pictures, PICTURES, strict=True))
        return math.inf if finds else f1(*boxes.at(least)) + f1(*pictures)

    return {
        "mars": _middle_of_best(lambda least: f1(*mars.at(least))),
        "aurora": _middle_of_best(score_auroras),
    }


def _middle_of_best(score: Callable[[float], float]) -> float:
    """Find the middle one of the thresholds that score best, in steps of 0.01."""
    scores = {least / 100: score(least / 100) for least in range(5, 96)}
    highest = max(scores.values())
    best = [least for least, value in scores.items() if value == highest]
    return best[len(best) // 2]


def _arrays(boxes: Sequence[Box], label: str) -> tuple[FloatArray, FloatArray]:
    chosen = [box for box in boxes if box.label == label]
    corners = np.array([(box.x0, box.y0, box.x1, box.y1) for box in chosen], np.float32).reshape(-1, 4)
    return corners, np.array([box.confidence for box in chosen], np.float32)
