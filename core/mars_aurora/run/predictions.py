"""The detector's answer for one candidate, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from mars_aurora.box import Box


def to_json(boxes: Sequence[Box], error: str | None = None) -> bytes:
    """Write the boxes of one candidate, or an error record with none."""
    return json.dumps({"boxes": [asdict(box) for box in boxes]} | ({"error": error} if error else {})).encode()


def read_boxes(prediction: bytes) -> list[Box]:
    """Read the boxes of a prediction; raises ValueError where it holds an error record instead."""
    answer = json.loads(prediction)
    try:
        boxes = [Box(**box) for box in answer["boxes"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a prediction: {error!r}") from error
    if answer.get("error"):
        raise ValueError(answer["error"])
    return boxes
