"""What count and network find in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from mars_aurora.box import Box
from mars_aurora.classify import count
from mars_aurora.detect.yolo import load
from mars_aurora.picture import png
from mars_aurora_model.predictions import FLOOR

MIN_OBJECTS = 2  # the default of a run


@dataclass(frozen=True)
class Found:
    """Number of objects in a picture, and auroras of the network at all confidences."""

    objects: int
    auroras: tuple[Box, ...]

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> Found:
        return cls(entry["objects"], tuple(Box(**box) for box in entry["auroras"]))

    @property
    def confidence(self) -> float:
        """Highest confidence of an aurora, 0 without any."""
        return max((box.confidence for box in self.auroras), default=0.0)


def find(pictures: Mapping[str, Path]) -> dict[str, Found]:
    """Count the objects in pictures, given by way, and run the network on them."""
    cv2.setNumThreads(1)
    found: dict[str, Found] = {}
    for way, path in pictures.items():
        picture = png.read(path.read_bytes())
        auroras = tuple(box for box in load().detect(picture, FLOOR) if box.label == "aurora")
        found[way] = Found(count.find(picture).count, auroras)
    return found
