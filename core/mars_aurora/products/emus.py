"""EMM/EMUS Level 2B and 2A, by HDU and column name (layout after the readers in SPEDAS and py_space_zc).

Level 2B gives the brightness of each emission in its table EMISS, whose images are transposed against all else:
(slit bin, integration). Level 2A has spectra only, in CAL, out of which the line is integrated.
Slit bins are kept all: those off the slit are NaN, so that indices here are the file's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Facts, Float64Array, FloatArray, Observation
from mars_aurora.products import grid
from mars_aurora.products.fitsfile import FitsFile
from mars_aurora.products.line import weigh_line
from mars_aurora.products.names import parse_name

HDUS = frozenset({"FOV_GEOM", "SC_GEOM", "EMISS", "CAL"})
_LINE_NAME = re.compile(r"^O\s*I\s+130\.4\b", re.IGNORECASE)
_USUAL_CENTRE = 0
_SPECTRA_AT_ONCE = 16


@dataclass(frozen=True)
class _Line:
    """The 130.4 nm line's images, each (nI, nS)."""

    brightness: NDArray[Any]
    random_error: NDArray[Any]
    systematic_error: NDArray[Any]
    flagged: NDArray[np.bool_]


def read(fits: FitsFile) -> Observation:
    """Read one swath; raises InputError naming what is missing, misshapen or empty."""
    fits.require("FOV_GEOM", "SC_GEOM")
    level = _find_level(fits)
    n_integrations = fits.shape("FOV_GEOM")[0]
    grid.require_integrations(n_integrations, fits.name)
    grid.require_shape("SC_GEOM", fits.shape("SC_GEOM"), (n_integrations,), fits.name)
    geometry = _Geometry(fits, n_integrations)
    line = _LINE_READERS[level](fits, geometry.shape)
    on_slit = geometry.on_slit()
    centre, corners = grid.split_samples(geometry.latitude, geometry.longitude, _USUAL_CENTRE)

    def image(values: NDArray[Any]) -> FloatArray:
        return np.where(on_slit, values, np.nan).astype(np.float32)

    def around(values: NDArray[Any]) -> FloatArray:
        return np.stack([image(values[:, corner]) for corner in corners], axis=-1)

    def angle(column: str, low: float, high: float, *, optional: bool = False) -> Float64Array:
        values = grid.bounded(geometry.column(column, optional=optional)[:, centre], low, high)
        return np.where(on_slit, values, np.nan)

    return grid.require_image(
        Observation(
            facts=_read_facts(fits, level),
            brightness_R=image(grid.brightness(line.brightness)),
            random_error_R=image(grid.brightness(line.random_error)),
            systematic_error_R=image(grid.brightness(line.systematic_error)),
            latitude_deg=image(geometry.latitude[:, centre]),
            longitude_deg=image(geometry.longitude[:, centre]),
            corner_latitude_deg=around(geometry.latitude),
            corner_longitude_deg=around(geometry.longitude),
            sza_deg=image(angle("SOLAR_Z_ANGLE", 0, 180)),
            emission_angle_deg=image(angle("EMISSION_ANGLE", 0, 180)),
            local_time_h=image(angle("LOCAL_TIME", 0, 24, optional=True)),
            tangent_altitude_km=image(angle("MRH_ALT", -1e4, grid.MAX_ALTITUDE_KM)),
            sub_spacecraft_latitude_deg=grid.bounded(fits.column("SC_GEOM", "SUB_SC_LAT"), -90, 90),
            sub_spacecraft_longitude_deg=grid.east_longitude(fits.column("SC_GEOM", "SUB_SC_LON")),
            spacecraft_altitude_km=grid.bounded(fits.column("SC_GEOM", "SC_ALT"), 0, grid.MAX_ALTITUDE_KM),
            sub_solar_latitude_deg=grid.bounded(_optional(fits, "SUB_SOLAR_LAT", n_integrations), -90, 90),
            sub_solar_longitude_deg=grid.east_longitude(_optional(fits, "SUB_SOLAR_LON", n_integrations)),
            ra_deg=angle("RA", -360, 360, optional=True),
            dec_deg=angle("DEC", -90, 90, optional=True),
            flagged=line.flagged & on_slit,
        )
    )


class _Geometry:
    """Columns of FOV_GEOM, each (nI, 5, nS)."""

    def __init__(self, fits: FitsFile, n_integrations: int) -> None:
        self._fits = fits
        latitude = fits.column("FOV_GEOM", "LAT")
        n_slit = latitude.shape[-1]
        grid.require_shape("FOV_GEOM.LAT", latitude.shape, (n_integrations, 5, n_slit), fits.name)
        self.shape = (n_integrations, n_slit)
        self.latitude = grid.bounded(latitude, -90, 90)
        self.longitude = grid.east_longitude(self.column("LON"))

    def column(self, column: str, *, optional: bool = False) -> NDArray[Any]:
        n_integrations, n_slit = self.shape
        if optional and not self._fits.has_column("FOV_GEOM", column):
            return np.full((n_integrations, 5, n_slit), np.nan)
        values = self._fits.column("FOV_GEOM", column)
        grid.require_shape(f"FOV_GEOM.{column}", values.shape, (n_integrations, 5, n_slit), self._fits.name)
        return values

    def on_slit(self) -> NDArray[np.bool_]:
        """(nS,): bin 0 never is; the others are where they ever point at a place in the sky."""
        if self._fits.has_column("FOV_GEOM", "RA"):
            on_slit = np.isfinite(self.column("RA")).any(axis=(0, 1))
        else:
            on_slit = np.ones(self.shape[1], bool)
        on_slit[0] = False
        return on_slit


def _find_level(fits: FitsFile) -> str:
    """Tell L2B from L2A by content; a file named L2B that lost EMISS is not taken for L2A."""
    if "EMISS" in fits.hdu_names:
        return "l2b"
    parsed = parse_name(fits.name)
    if "CAL" not in fits.hdu_names or (parsed and parsed.level == "l2b"):
        fits.require("EMISS")
    fits.require("WAVELENGTH")
    return "l2a"


def _read_emission(fits: FitsFile, shape: tuple[int, int]) -> _Line:
    """Take the row of EMISS by its name and turn its images; the shape could not tell when nI == nS."""
    names = fits.texts("EMISS", "NAME")
    row = next((row for row, label in enumerate(names) if _LINE_NAME.match(label)), None)
    if row is None:
        detail = f"EMISS has no emission 'O I 130.4 triplet'; it has: {', '.join(names) or 'none'}"
        raise InputError(Reason.NO_LINE, fits.name, detail[:300])

    def image(column: str) -> NDArray[Any]:
        values = fits.column("EMISS", column)[row]
        grid.require_shape(f"EMISS.{column} of one emission", values.shape, shape[::-1], fits.name)
        return values.T

    def optional(column: str, fill: float) -> NDArray[Any]:
        return image(column) if fits.has_column("EMISS", column) else np.full(shape, fill)

    return _Line(
        image("RADIANCE"),
        optional("RAD_ERR_RAND", np.nan),
        optional("RAD_ERR_SYS", np.nan),
        np.asarray(optional("QLTY_FLG", 0) != 0),
    )


def _integrate_spectra(fits: FitsFile, shape: tuple[int, int]) -> _Line:
    """Integrate the line out of CAL, a few integrations at a time: CAL at full size is over 100 MB."""
    grid.require_shape("CAL", fits.shape("CAL"), shape[:1], fits.name)
    columns = fits.columns("WAVELENGTH")
    column = next((column for column in columns if column.startswith("WAVELENGTH")), "WAVELENGTH_L2A")
    wavelength = fits.column("WAVELENGTH", column)
    n_samples = wavelength.shape[-1]
    grid.require_shape(f"WAVELENGTH.{column}", wavelength.shape, (1, shape[1], n_samples), fits.name)
    weights = weigh_line(wavelength[0].astype(np.float64), fits.name)
    kernels: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
        "RADIANCE": weights.integrate,
        "RAD_ERR_RAND": weights.random_error,
        "RAD_ERR_SYS": weights.systematic_error,
    }
    present = ["RADIANCE", *(column for column in kernels if column != "RADIANCE" and fits.has_column("CAL", column))]
    parts: dict[str, list[NDArray[Any]]] = {column: [] for column in present}
    for column in present:
        for piece in fits.column_pieces("CAL", column, _SPECTRA_AT_ONCE):
            grid.require_shape(f"CAL.{column}", piece.shape[1:], (shape[1], n_samples), fits.name)
            parts[column].append(kernels[column](piece))
    missing = [np.full(shape, np.nan, np.float32)]
    images = {column: np.concatenate(parts.get(column, missing)) for column in kernels}
    return _Line(images["RADIANCE"], images["RAD_ERR_RAND"], images["RAD_ERR_SYS"], np.zeros(shape, bool))


_LINE_READERS = {"l2b": _read_emission, "l2a": _integrate_spectra}


def _optional(fits: FitsFile, column: str, n_integrations: int) -> NDArray[Any]:
    if fits.has_column("SC_GEOM", column):
        return fits.column("SC_GEOM", column)
    return np.full(n_integrations, np.nan)


def _read_facts(fits: FitsFile, level: str) -> Facts:
    parsed = parse_name(fits.name)
    start = grid.iso_time(fits.header_value("OBS_UTC"))
    return Facts(
        name=fits.name,
        instrument="EMM/EMUS",
        level=level,
        start_utc=start or _first_time(fits) or (parsed.start_utc if parsed else ""),
        end_utc=grid.iso_time(fits.header_value("END_UTC")),
        orbit=parsed.orbit if parsed else grid.as_int(fits.header_value("ORBNUM"), 0, 10**6),
        mode=parsed.mode if parsed else None,
        swath=parsed.swath if parsed else None,
        version=parsed.version if parsed else None,
        kernel=parsed.kernel if parsed else None,
        mars_year=grid.as_int(fits.header_value("MARSYEAR"), 1, 200),
        solar_longitude_deg=grid.as_float(fits.header_value("SOL_LONG"), 0, 360),
    )


def _first_time(fits: FitsFile) -> str | None:
    times = fits.texts("TIME", "TIME_UTC") if fits.has_column("TIME", "TIME_UTC") else []
    return grid.iso_time(times[0]) if times else None
