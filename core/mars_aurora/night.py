"""What was searched of the night side of one observation, and how bright it is."""

from __future__ import annotations

from dataclasses import dataclass

MIN_PIXELS = 12  # the smallest aurora that is searched for


@dataclass(frozen=True)
class Night:
    """The searched pixels of one observation, without and with the decision whether all of the night is bright.

    Brightnesses are None where they are not known.

    Attributes
    ----------
    pixels : int
        Number of searched pixels: on the disk, on the night side, with an emission angle below 75 deg.
    area_km2 : float
        Their area on Mars; overlap of successive footprints counts once.
    level_R : float or None
        Median brightness.
    limit_R : float or None
        Excess of the faintest aurora of 12 pixels that is found in their median: 5 sigma.
    sky_R : float or None
        Brightness of the sky beside the night side that cleaning has left.
    excess_R : float or None
        Median brightness over that of a night without aurora, before the sky was subtracted by cleaning or here.
    excess_over_sky_R : float or None
        The same after that.
    is_diffuse : bool
        Whether a diffuse aurora covers most of the night in view.
    is_sky_bright : bool
        Whether the sky beside the night side is brighter than it is without background of particles or stray light.
    """

    pixels: int = 0
    area_km2: float = 0.0
    level_R: float | None = None
    limit_R: float | None = None
    sky_R: float | None = None
    excess_R: float | None = None
    excess_over_sky_R: float | None = None
    is_diffuse: bool = False
    is_sky_bright: bool = False

    @property
    def is_in_view(self) -> bool:
        """Return whether enough of the night side was searched to find any aurora."""
        return self.pixels >= MIN_PIXELS
