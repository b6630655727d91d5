"""The columns and images that the readers use, to be changed one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.corpus import bases
from bench.corpus.case import REJECTED, SOUND, Document, Right

Values = NDArray[Any]


@dataclass(frozen=True)
class Column:
    """A column that the readers use: the sound file that has it, its unit there, and whether it is required."""

    base: str
    hdu: str
    name: str
    unit: str
    required: bool = True

    @property
    def label(self) -> str:
        return f"{self.hdu}.{self.name}"

    @property
    def broken(self) -> Right:
        """What is right where the column cannot be used."""
        return REJECTED if self.required else SOUND


def _emus(hdu: str, unit: str, *names: str, required: bool = True) -> list[Column]:
    return [Column("emus", hdu, name, unit, required) for name in names]


def _iuvs(hdu: str, unit: str, *names: str, required: bool = True) -> list[Column]:
    return [Column("iuvs", hdu, name, unit, required) for name in names]


COLUMNS = (
    *_emus("FOV_GEOM", "deg", "LAT", "LON", "SOLAR_Z_ANGLE", "EMISSION_ANGLE"),
    *_emus("FOV_GEOM", "km", "MRH_ALT"),
    *_emus("FOV_GEOM", "deg", "RA", "DEC", required=False),
    *_emus("FOV_GEOM", "h", "LOCAL_TIME", required=False),
    *_emus("SC_GEOM", "deg", "SUB_SC_LAT", "SUB_SC_LON"),
    *_emus("SC_GEOM", "deg", "SUB_SOLAR_LAT", "SUB_SOLAR_LON", required=False),
    *_emus("SC_GEOM", "km", "SC_ALT"),
    *_emus("EMISS", "R", "RADIANCE"),
    *_emus("EMISS", "R", "RAD_ERR_RAND", "RAD_ERR_SYS", required=False),
    Column("emus_l2a", "CAL", "RADIANCE", "R/nm"),
    Column("emus_l2a", "CAL", "RAD_ERR_RAND", "R/nm", required=False),
    Column("emus_l2a", "WAVELENGTH", "WAVELENGTH_L2A", "nm"),
    *_iuvs("PixelGeometry", "deg", "PIXEL_CORNER_LAT", "PIXEL_CORNER_LON"),
    *_iuvs("PixelGeometry", "km", "PIXEL_CORNER_MRH_ALT"),
    *_iuvs("PixelGeometry", "deg", "PIXEL_SOLAR_ZENITH_ANGLE", "PIXEL_EMISSION_ANGLE"),
    *_iuvs("PixelGeometry", "h", "PIXEL_LOCAL_TIME"),
    *_iuvs("PixelGeometry", "deg", "PIXEL_CORNER_RA", "PIXEL_CORNER_DEC", required=False),
    *_iuvs("SpacecraftGeometry", "deg", "SUB_SPACECRAFT_LAT", "SUB_SPACECRAFT_LON", "SUB_SOLAR_LAT", "SUB_SOLAR_LON"),
    *_iuvs("SpacecraftGeometry", "km", "SPACECRAFT_ALT"),
    *_iuvs("Observation", "nm", "WAVELENGTH"),
)
IMAGES = ("PRIMARY", "Random_phy_unc", "Systematic_phy_unc")

# spellings of the same unit, and other units with the factor from the usual one
SAME_UNIT = {
    "deg": ("degree", "degrees", "Deg", "DEG", "\xb0", "deg  ", ""),
    "km": ("Km", "KM", "kilometer", "kilometers", "km  ", ""),
    "h": ("hr", "hour", "hours", "Hours", "HOURS", "local hour", ""),
    "R": ("Rayleigh", "Rayleighs", "rayleigh", "RAYLEIGH", "r", ""),
    "R/nm": ("R nm-1", "R nm**-1", "R.nm-1", "Rayleigh/nm", "R / nm", ""),
    "nm": ("NM", "nanometer", "nanometers", "Nm", ""),
}
OTHER_UNIT = {
    "deg": {"rad": np.pi / 180, "radian": np.pi / 180, "radians": np.pi / 180, "arcmin": 60.0, "mrad": np.pi / 0.18},
    "km": {"m": 1e3, "meter": 1e3, "meters": 1e3, "cm": 1e5, "Mm": 1e-3},
    "h": {"min": 60.0, "s": 3600.0, "d": 1 / 24},
    "R": {"kR": 1e-3, "kiloRayleigh": 1e-3, "kilorayleigh": 1e-3, "mR": 1e3},
    "R/nm": {"kR/nm": 1e-3, "R/Angstrom": 0.1, "kR nm-1": 1e-3},
    "nm": {"Angstrom": 10.0, "angstrom": 10.0, "um": 1e-3, "m": 1e-9, "micron": 1e-3},
}


def change(
    document: Document, column: Column, edit: Callable[[Values], Values | None], unit: str | None = None
) -> None:
    """Change the values of a column, in place or by returning others, and its unit."""
    columns = document.columns(column.hdu)
    values, old_unit = columns[column.name]
    changed = edit(values)
    columns[column.name] = (values if changed is None else changed, old_unit if unit is None else "")
    hdu = document.set_columns(column.hdu, columns)
    if unit:
        hdu.put(f"TUNIT{hdu.column_number(column.name)}", f"'{unit}'")


def quiet(rows: int, bins: int) -> tuple[slice, slice]:
    """Find the block of this size with the least aurora, and of those the one with most of the disk."""
    simulated = bases.swath()
    aurora, altitude = simulated.aurora_R.sum(0), simulated.swath.geometry.altitude_km[:, 0]
    windows = np.lib.stride_tricks.sliding_window_view
    light = np.round(windows(aurora, (rows, bins)).sum((2, 3)))
    disk = windows(altitude < 1, (rows, bins)).sum((2, 3))
    best = np.unravel_index(np.argmin(light - disk / 1e3), light.shape)
    return slice(int(best[0]), int(best[0]) + rows), slice(int(best[1]), int(best[1]) + bins)
