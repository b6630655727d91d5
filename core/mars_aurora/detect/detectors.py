"""The detectors, by name; importing one loads its runtime."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from enum import StrEnum

from mars_aurora.box import Box

Detector = Callable[[bytes, bytes], list[Box]]  # candidate PNG, geometry npz -> boxes


class DetectorName(StrEnum):
    """The detectors there are; each is the function ``detect`` of a module."""

    THRESHOLD = "threshold"
    YOLO = "yolo"


_MODULES = {DetectorName.THRESHOLD: "mars_aurora.detect.threshold", DetectorName.YOLO: "mars_aurora.detect.yolo"}


def load_detector(name: DetectorName) -> Detector:
    """Import a detector; one that has weights starts them once in a process, at its first image."""
    detector: Detector = importlib.import_module(_MODULES[name]).detect
    return detector
