"""Far-ultraviolet emissions of Mars that EMUS L2B files list, with typical brightnesses."""

from __future__ import annotations

from dataclasses import dataclass

from mars_aurora_model.simulator.orbit import Array

OXYGEN_1304 = "O I 130.4 triplet"
OXYGEN_1356 = "O I 135.6 doublet"
_DAY_R = 370.0  # background of O I 130.4 nm where the other emissions have their `day_R`


@dataclass(frozen=True)
class Emission:
    """One emission line or band.

    Attributes
    ----------
    name : name in the table EMISS
    wavelength_nm : float
    day_R, night_R : brightness on the day side and on the night side
    aurora : brightness in an aurora relative to O I 130.4 nm; for O I 135.6 nm `World.oxygen_ratio` is used instead
    """

    name: str
    wavelength_nm: float
    day_R: float
    night_R: float
    aurora: float

    def brightness(self, background_R: Array, excess_R: Array, oxygen_ratio: float) -> Array:
        """Return the noise-free brightness in R, scaled from the background and the excess of O I 130.4 nm."""
        if self.name == OXYGEN_1304:
            return background_R + excess_R
        ratio = 1 / oxygen_ratio if self.name == OXYGEN_1356 else self.aurora
        return self.day_R / _DAY_R * background_R + self.night_R + ratio * excess_R


EMISSIONS = (
    Emission("H I 102.6 singlet / O I 102.7 multiplet", 102.6, 160, 12, 0.08),
    Emission("O I 104.0 triplet", 104.0, 25, 0.3, 0.03),
    Emission("Ar I 104.8 singlet", 104.8, 14, 0.2, 0.0),
    Emission("Ar I 106.7 singlet", 106.7, 12, 0.2, 0.0),
    Emission("N II 108.5 multiplet", 108.5, 12, 0.1, 0.0),
    Emission("CO HB 108.8 band", 108.8, 15, 0.1, 0.0),
    Emission("N I 113.4 multiplet", 113.4, 20, 0.1, 0.0),
    Emission("CO HB 115.1 band", 115.1, 30, 0.2, 0.0),
    Emission("O I 115.2 singlet", 115.2, 20, 0.2, 0.02),
    Emission("N I 116.4 multiplet", 116.4, 10, 0.1, 0.0),
    Emission("O I 117.2 multiplet", 117.2, 8, 0.1, 0.0),
    Emission("C I 118.9 multiplet", 118.9, 25, 0.3, 0.0),
    Emission("N I 120.0 triplet", 120.0, 60, 1.0, 0.02),
    Emission("H I 121.6 singlet", 121.6, 5500, 600, 0.2),
    Emission("N I 124.3 multiplet", 124.3, 18, 0.4, 0.0),
    Emission("C I 126.1 multiplet", 126.1, 15, 0.2, 0.0),
    Emission("C I 127.7 multiplet", 127.7, 35, 0.2, 0.01),
    Emission(OXYGEN_1304, 130.4, 0, 0, 1.0),
    Emission("C II 133.5 doublet", 133.5, 80, 0.4, 0.05),
    Emission(OXYGEN_1356, 135.6, 110, 0.3, 0.25),
    Emission("CO 4PG 139.2 band", 139.2, 12, 0.1, 0.01),
    Emission("CO 4PG 141.9 band", 141.9, 35, 0.1, 0.02),
    Emission("CO 4PG 144.7 band", 144.7, 40, 0.1, 0.02),
    Emission("CO 4PG 147.8 band", 147.8, 45, 0.1, 0.02),
    Emission("N I 149.3 doublet", 149.3, 25, 0.1, 0.01),
    Emission("CO 4PG 151.0 band", 151.0, 40, 0.1, 0.02),
    Emission("C I 156.1 multiplet", 156.1, 90, 0.2, 0.02),
    Emission("CO 4PG 159.7 band", 159.7, 40, 0.1, 0.02),
    Emission("C I 165.7 multiplet", 165.7, 160, 0.3, 0.02),
)
DROPPABLE = (4, 9, 10, 14, 20)  # rows that some versions of the processing omit
