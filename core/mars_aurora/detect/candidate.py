"""Input of a detector: a picture and its observation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mars_aurora.geometry.canvas import Canvas
from mars_aurora.observation import Observation
from mars_aurora.picture.picture import Picture


class Candidate(Protocol):
    """A picture with enough objects. Each property may be read from storage at its first use."""

    @property
    def picture(self) -> Picture: ...

    @property
    def observation(self) -> Observation: ...

    @property
    def canvas(self) -> Canvas: ...


@dataclass(frozen=True)
class Drawn:
    """A candidate in memory."""

    picture: Picture
    observation: Observation
    canvas: Canvas
