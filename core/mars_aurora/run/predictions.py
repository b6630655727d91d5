"""The detector output for one candidate, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from mars_aurora.box import Box, Detections


def to_json(found: Detections) -> bytes:
    """Serialize the detections in one candidate; ``sza_missing`` is written only where it is true."""
    boxes = {"boxes": [asdict(box) for box in found.boxes]}
    return json.dumps(boxes | ({"sza_missing": True} if found.sza_missing else {})).encode()


def error_to_json(error: str) -> bytes:
    """Serialize the message of a failed detection."""
    return json.dumps({"boxes": [], "error": error}).encode()


def read_boxes(prediction: bytes) -> list[Box]:
    """Read the boxes of a prediction.

    Raises ValueError if the prediction is malformed or contains an error message.
    """
    answer = json.loads(prediction)
    try:
        boxes = [Box(**box) for box in answer["boxes"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a prediction: {error!r}") from error
    if answer.get("error"):
        raise ValueError(answer["error"])
    return boxes
