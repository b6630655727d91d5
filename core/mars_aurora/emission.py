"""Emissions: everything that is specific to one spectral line.

To add an emission, add an entry to `EMISSIONS`. Scales of O I 130.4 nm follow EMM/EMUS publications (Lillis et
al. 2022; Holsclaw et al. 2021). No auroral ratio of the two oxygen lines is published; the scales of O I 135.6 nm are
those of 130.4 nm divided by about four, as the ranges in which the two are plotted suggest (2 to 50 R, 0 to 10 R).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from mars_aurora.errors import UsageError

if TYPE_CHECKING:  # the command line names emissions, and starts without numpy
    import numpy as np
    from numpy.typing import NDArray

NIGHT_SZA_DEG = 110.0  # limit of the published criterion: at lower SZA twilight is brighter than most auroras
DAY_SZA_DEG = 90.0

Range = tuple[float, float]


@dataclass(frozen=True)
class Emission:
    """One emission and its scales.

    The constants of the object count were chosen for 130.4 nm; they scale with ``visible_R``.

    Attributes
    ----------
    name : str
        As in ``--emission``: species and wavelength in nm.
    wavelength_nm : float
    line_nm, baseline_nm : range, pair of ranges
        Windows of the integration of narrow lines (IUVS): the line, and its baseline on both sides.
    fitted_nm, blended_nm : range, wavelengths
        Window of the fit of wide lines (EMUS), and the neighboring lines fitted with it.
    heatmap_R : range
        Ends of the logarithmic scale of the picture.
    night_figure_R : range
        Ends of the logarithmic scale of figures of night scenes; those of others have that of the picture.
    night_R : float
        Brightness to which twilight is extrapolated where the night is not in the swath.
    visible_R, visible_fraction : float
        An aurora is visible where its excess is at least ``visible_R`` and at least this fraction of the background.
    threshold_R : float
        Excess over the background above which the threshold detector reports an aurora, R.
    day_range_R : range
        Plausible brightness of the day side: its median is not lower, and no pixel at an SZA up to 110 deg is higher.
    night_range_R : range
        The same beyond 110 deg. The scatter of the pixels is not lower than the first value, as even photon noise is
        higher.
    negative_R : float
        No pixel is below minus this value, or minus 10 sigma where that is lower.
    shell_km : float
        Altitude of the emitting shell.
    side : "night" or "day"
        Side of Mars on which auroras are searched for.
    has_network : bool
        Whether the trained network is for this emission.
    """

    name: str
    wavelength_nm: float
    line_nm: Range
    baseline_nm: tuple[Range, Range]
    fitted_nm: Range
    blended_nm: tuple[float, ...]
    heatmap_R: Range
    night_figure_R: Range
    night_R: float
    visible_R: float
    visible_fraction: float
    threshold_R: float
    day_range_R: Range
    night_range_R: Range
    negative_R: float
    shell_km: float = 130.0
    side: Literal["night", "day"] = "night"
    has_network: bool = False

    @property
    def lines_nm(self) -> tuple[float, ...]:
        """Wavelengths of the line and of those fitted with it, the line first."""
        return (self.wavelength_nm, *self.blended_nm)

    @cached_property
    def name_pattern(self) -> re.Pattern[str]:
        """Names of the emission in EMUS's table EMISS: species, wavelength, then a multiplicity such as ``triplet``.

        Blanks, underscores and hyphens separate them or not; the wavelength may lack its point.
        """
        species, ion, wavelength = self.name.split()
        wavelength = wavelength.replace(".", r"\.?")
        return re.compile(rf"\s*{species}[\s_-]*{ion}[\s_-]*{wavelength}(?!\.?\d)", re.IGNORECASE)

    def search_area(self, sza_deg: NDArray[Any]) -> NDArray[np.bool_]:
        """Select the side of Mars on which auroras are searched for, by SZA of any shape; False where it is NaN."""
        area: NDArray[np.bool_] = sza_deg > NIGHT_SZA_DEG if self.side == "night" else sza_deg < DAY_SZA_DEG
        return area


OXYGEN_1304 = Emission(
    name="O I 130.4",
    wavelength_nm=130.4,
    line_nm=(129.0, 132.0),
    baseline_nm=((126.8, 128.3), (132.3, 133.2)),
    fitted_nm=(126.0, 137.0),  # below 126 nm the wing of N I 124.3 nm biases the width, and the line by 5 %
    blended_nm=(126.1, 127.7, 133.5, 135.6),  # C I, C I, C II, O I
    heatmap_R=(0.3, 1000.0),  # night is 0.5 to 1 R, the brightest limb 900 R
    night_figure_R=(2.0, 50.0),  # as in published figures
    night_R=0.8,  # Lillis et al. 2022: 0.5 to 1
    visible_R=2.0,  # the faintest signal that is called aurora (Lillis et al. 2022)
    visible_fraction=0.5,
    threshold_R=5.0,  # the published criterion (SPEDAS)
    day_range_R=(20.0, 3000.0),  # medians are 130 to 620 R (IUVS, 2023), the brightest limb is 900 R
    night_range_R=(0.05, 1000.0),  # the background is 0.5 to 1 R, auroras are up to 50 R
    negative_R=20.0,
    has_network=True,
)
OXYGEN_1356 = Emission(
    name="O I 135.6",
    wavelength_nm=135.6,
    line_nm=(134.8, 136.8),
    baseline_nm=((134.1, 134.8), (137.0, 138.0)),
    fitted_nm=(128.5, 138.2),  # from C I 127.7 to CO 4PG 139.2 nm, whose wings are fitted
    blended_nm=(127.7, 130.4, 133.5, 139.2),
    heatmap_R=(0.1, 300.0),
    night_figure_R=(0.5, 12.0),
    night_R=0.2,
    visible_R=0.5,
    visible_fraction=0.5,
    threshold_R=1.25,
    day_range_R=(5.0, 750.0),
    night_range_R=(0.0125, 250.0),
    negative_R=5.0,
)
EMISSIONS = {emission.name: emission for emission in (OXYGEN_1304, OXYGEN_1356)}


def find_emission(name: str) -> Emission:
    """Find an emission by name, ignoring case and spacing; raises UsageError listing the known ones."""
    wanted = "".join(name.split()).lower()
    for emission in EMISSIONS.values():
        if "".join(emission.name.split()).lower() == wanted:
            return emission
    raise UsageError(f"the emission {name!r} is not known; known are: {', '.join(EMISSIONS)}")
