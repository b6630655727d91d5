"""The detector output for one candidate, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from mars_aurora.box import Box, Detections
from mars_aurora.detect.detectors import DetectorName, DetectorVersion
from mars_aurora.run.ledger import Record
from mars_aurora.run.stamps import RESULT_VERSIONS


@dataclass(frozen=True)
class Made:
    """What a prediction was made from: the picture, and the detector that found the boxes.

    Attributes
    ----------
    picture_sha256 : str
        Checksum of the PNG.
    detector, weights_sha256 : str
        As `DetectorVersion`.
    read : str
        Stamp of the geometry, if the detector uses it.
    result_version : int
        That of the stage detect in `RESULT_VERSIONS`.
    """

    picture_sha256: str
    detector: str
    weights_sha256: str
    read: str = ""
    result_version: int = field(default_factory=lambda: RESULT_VERSIONS["detect"])


@dataclass(frozen=True)
class Prediction:
    """The boxes in one candidate, and what they were made from."""

    boxes: tuple[Box, ...]
    made: Made


def describe(record: Record, detector: DetectorVersion) -> Made:
    """Return what a prediction for the present picture of an input by a detector is made from."""
    geometry = "" if detector.name is DetectorName.YOLO else record.origin.read
    return Made(record.origin.image_sha256, detector.name.value, detector.weights_sha256, geometry)


def to_json(found: Detections, made: Made) -> bytes:
    """Serialize the detections in one candidate; ``sza_missing`` is written only where it is true."""
    answer: dict[str, Any] = {"boxes": [asdict(box) for box in found.boxes], "made": asdict(made)}
    return json.dumps(answer | ({"sza_missing": True} if found.sza_missing else {})).encode()


def error_to_json(error: str, made: Made) -> bytes:
    """Serialize the message of a failed detection."""
    return json.dumps({"boxes": [], "error": error, "made": asdict(made)}).encode()


def read(prediction: bytes) -> Prediction:
    """Read the output of `to_json`.

    Raises ValueError if it is malformed, of an earlier version, or contains an error message.
    """
    answer = json.loads(prediction)
    try:
        found = Prediction(tuple(Box(**box) for box in answer["boxes"]), Made(**answer["made"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a prediction: {error!r}") from error
    if answer.get("error"):
        raise ValueError(answer["error"])
    return found
