"""The detectors by name. Importing one loads its runtime, so they are imported when they are needed."""

from __future__ import annotations

import functools
import hashlib
import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from mars_aurora.box import Detections
from mars_aurora.emission import Emission
from mars_aurora.errors import UsageError

if TYPE_CHECKING:
    from mars_aurora.detect.candidate import Candidate

Detector = Callable[["Candidate"], Detections]


class DetectorName(StrEnum):
    """The detectors; each is the function ``detect`` of the module of that name."""

    THRESHOLD = "threshold"
    YOLO = "yolo"


_FOLDER = Path(__file__).parent / "weights"
WEIGHTS = {DetectorName.YOLO: (_FOLDER / "yolov5n.onnx", _FOLDER / "rescoring.onnx")}


@functools.cache
def hash_weights(name: DetectorName) -> str:
    """Compute the SHA-256 of the weights of a detector, by which results name them; empty if it has no weights."""
    return hash_files(WEIGHTS[name]) if name in WEIGHTS else ""


def hash_files(paths: Iterable[Path]) -> str:
    """Compute the SHA-256 of files, one behind the other."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, order=True)
class DetectorVersion:
    """A detector by name, with the SHA-256 of its weights; empty if it has none."""

    name: DetectorName
    weights_sha256: str = ""

    @property
    def folder(self) -> str:
        """Return the name of the folder of its predictions: the hash of its weights, or its name if it has none."""
        return self.weights_sha256 or self.name.value


def choose_detector(asked: DetectorName | None, emission: Emission) -> DetectorName:
    """Choose the detector for an emission: the network where it is trained for it, else the threshold.

    Raises
    ------
    UsageError
        Where the network is asked for and not trained for the emission.
    """
    if asked is None:
        return DetectorName.YOLO if emission.has_network else DetectorName.THRESHOLD
    if asked is DetectorName.YOLO and not emission.has_network:
        raise UsageError(
            f"the detector yolo is not trained for {emission.name}: leave out --detector, or use threshold"
        )
    return asked


def load_detector(name: DetectorName) -> Detector:
    """Import a detector; its weights, if any, are loaded once in a process, at the first picture."""
    detector: Detector = importlib.import_module(f"mars_aurora.detect.{name}").detect
    return detector


def describe_detector(name: DetectorName) -> DetectorVersion:
    """Return a detector with the SHA-256 of its weights."""
    return DetectorVersion(name, hash_weights(name))
