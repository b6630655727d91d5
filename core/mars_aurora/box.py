"""One detection on the canvas."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """One detection on the 640x480 canvas: corners in pixels, x to the right, y down.

    Attributes
    ----------
    label : "mars" or "aurora"
    confidence : float, 0 to 1
    x0, y0, x1, y1 : float
    """

    label: str
    confidence: float
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)


@dataclass(frozen=True)
class Detections:
    """Boxes detected in one candidate.

    Attributes
    ----------
    boxes : tuple of Box, most confident first
    sza_missing : bool
        Whether the picture lacks the solar zenith angle that the detector uses to separate twilight from aurora.
    """

    boxes: tuple[Box, ...]
    sza_missing: bool = False
