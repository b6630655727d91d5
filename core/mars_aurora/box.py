"""One detection on the canvas."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """One detection on the 640x480 canvas: corners in pixels, x to the right, y down."""

    label: str  # "mars" or "aurora"
    confidence: float
    x0: float
    y0: float
    x1: float
    y1: float
