"""EMM/EMUS Level 2B and 2A, by HDU and column name (layout after the readers in SPEDAS and py_space_zc).

Level 2B gives the brightness of each emission in its table EMISS, whose images are transposed against all else:
(slit bin, integration). Level 2A has spectra only, in CAL, in which the line is fitted.
Slit bins are kept all: those off the slit are NaN, so that indices here are the file's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Facts, Float64Array, FloatArray, Observation
from mars_aurora.readers import samples
from mars_aurora.readers.fitsfile import FitsFile
from mars_aurora.readers.line import find_fitted, fit_line
from mars_aurora.readers.names import parse_name

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
    samples.require_integrations(n_integrations, fits.name)
    geometry = _Geometry(fits, n_integrations)
    line = _LINE_READERS[level](fits, geometry.shape)
    latitude = geometry.samples("LAT", -90, 90)
    longitude = samples.east_longitude(geometry.samples("LON", -360, 720))
    centre, corners = samples.split_samples(latitude, longitude, _USUAL_CENTRE)

    def spacecraft(column: str, *, optional: bool = False) -> NDArray[Any]:
        if optional and not fits.has_column("SC_GEOM", column):
            return np.full(n_integrations, np.nan)
        values = fits.column("SC_GEOM", column)
        samples.require_shape(f"SC_GEOM.{column}", values.shape, (n_integrations,), fits.name)
        return values

    def image(values: NDArray[Any]) -> FloatArray:
        return geometry.on_slit_only(samples.brightness(values))

    def angle(column: str, low: float, high: float) -> FloatArray:
        return geometry.on_slit_only(samples.bounded(geometry.column(column)[:, centre], low, high))

    def optional(column: str, low: float, high: float) -> Float64Array:
        if not fits.has_column("FOV_GEOM", column):
            return np.full(geometry.shape, np.nan)
        return geometry.on_slit_only(samples.bounded64(geometry.column(column)[:, centre], low, high))

    return samples.require_image(
        Observation(
            facts=_read_facts(fits, level),
            brightness_R=image(line.brightness),
            random_error_R=image(line.random_error),
            systematic_error_R=image(line.systematic_error),
            latitude_deg=latitude[:, centre],
            longitude_deg=longitude[:, centre],
            corner_latitude_deg=np.stack([latitude[:, corner] for corner in corners], axis=-1),
            corner_longitude_deg=np.stack([longitude[:, corner] for corner in corners], axis=-1),
            sza_deg=angle("SOLAR_Z_ANGLE", 0, 180),
            emission_angle_deg=angle("EMISSION_ANGLE", 0, 180),
            local_time_h=optional("LOCAL_TIME", 0, 24).astype(np.float32),
            tangent_altitude_km=angle("MRH_ALT", -1e4, samples.MAX_ALTITUDE_KM),
            sub_spacecraft_latitude_deg=samples.bounded64(spacecraft("SUB_SC_LAT"), -90, 90),
            sub_spacecraft_longitude_deg=samples.east_longitude64(spacecraft("SUB_SC_LON")),
            spacecraft_altitude_km=samples.bounded64(spacecraft("SC_ALT"), 0, samples.MAX_ALTITUDE_KM),
            sub_solar_latitude_deg=samples.bounded64(spacecraft("SUB_SOLAR_LAT", optional=True), -90, 90),
            sub_solar_longitude_deg=samples.east_longitude64(spacecraft("SUB_SOLAR_LON", optional=True)),
            ra_deg=optional("RA", -360, 360),
            dec_deg=optional("DEC", -90, 90),
            flagged=line.flagged & geometry.on_slit,
        )
    )


class _Geometry:
    """Columns of FOV_GEOM, each (nI, 5, nS); ``shape`` is (nI, nS), ``on_slit`` (nS,).

    Slit bin 0 is never on the slit; the others are where they ever point at a place in the sky.
    """

    def __init__(self, fits: FitsFile, n_integrations: int) -> None:
        self._fits = fits
        n_slit = (fits.column("FOV_GEOM", "LAT").shape or (0,))[-1]
        self.shape = (n_integrations, n_slit)
        self.on_slit = np.ones(n_slit, bool)
        if fits.has_column("FOV_GEOM", "RA"):
            self.on_slit = np.isfinite(self.column("RA")[:, 0]).any(axis=0)
        self.on_slit[:1] = False

    def column(self, column: str) -> NDArray[Any]:
        """Map a column as it is in the file; raises WRONG_SHAPE unless it is (nI, 5, nS)."""
        values = self._fits.column("FOV_GEOM", column)
        n_integrations, n_slit = self.shape
        samples.require_shape(f"FOV_GEOM.{column}", values.shape, (n_integrations, 5, n_slit), self._fits.name)
        return values

    def samples(self, column: str, low: float, high: float) -> FloatArray:
        """Copy all five samples, NaN where out of range or off the slit."""
        return self.on_slit_only(samples.bounded(self.column(column), low, high))

    def on_slit_only(self, values: NDArray[Any]) -> NDArray[Any]:
        """Set NaN, in place, off the slit: (nI, ..., nS)."""
        values[..., ~self.on_slit] = np.nan
        return values


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
        values: NDArray[Any] = fits.column("EMISS", column)[row]
        samples.require_shape(f"EMISS.{column} of one emission", values.shape, shape[::-1], fits.name)
        return np.transpose(values)

    def optional(column: str, fill: float) -> NDArray[Any]:
        return image(column) if fits.has_column("EMISS", column) else np.full(shape, fill)

    return _Line(
        image("RADIANCE"),
        optional("RAD_ERR_RAND", np.nan),
        optional("RAD_ERR_SYS", np.nan),
        np.asarray(optional("QLTY_FLG", 0) != 0),
    )


def _fit_spectra(fits: FitsFile, shape: tuple[int, int]) -> _Line:
    """Fit the line in CAL's spectra, a few integrations at a time: CAL at full size is over 100 MB."""
    samples.require_shape("CAL", fits.shape("CAL"), shape[:1], fits.name)
    columns = fits.columns("WAVELENGTH")
    column = next((column for column in columns if column.startswith("WAVELENGTH")), "WAVELENGTH_L2A")
    wavelength = fits.column("WAVELENGTH", column)
    n_samples = wavelength.shape[-1]
    samples.require_shape(f"WAVELENGTH.{column}", wavelength.shape, (1, shape[1], n_samples), fits.name)
    spectra_shape = (shape[1], n_samples)

    def pieces(column: str) -> Iterator[NDArray[Any]]:
        for piece in fits.column_pieces("CAL", column, _SPECTRA_AT_ONCE):
            samples.require_shape(f"CAL.{column}", piece.shape[1:], spectra_shape, fits.name)
            yield piece

    wavelength_nm = wavelength[0].astype(np.float64)
    near = find_fitted(wavelength_nm)
    total, known = np.zeros(spectra_shape), np.zeros(spectra_shape)
    for piece in pieces("RADIANCE"):
        spectra = samples.brightness(piece[:, :, near])
        total[:, near] += np.nansum(spectra, axis=0)
        known[:, near] += np.isfinite(spectra).sum(axis=0)
    weights = fit_line(wavelength_nm, total / np.maximum(known, 1), fits.name)
    kernels: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
        "RADIANCE": weights.integrate,
        "RAD_ERR_RAND": weights.random_error,
        "RAD_ERR_SYS": weights.systematic_error,
    }
    present = ["RADIANCE", *(column for column in kernels if column != "RADIANCE" and fits.has_column("CAL", column))]
    parts = {column: [kernels[column](piece) for piece in pieces(column)] for column in present}
    missing = [np.full(shape, np.nan, np.float32)]
    images = {column: np.concatenate(parts.get(column, missing)) for column in kernels}
    return _Line(images["RADIANCE"], images["RAD_ERR_RAND"], images["RAD_ERR_SYS"], np.zeros(shape, bool))


_LINE_READERS = {"l2b": _read_emission, "l2a": _fit_spectra}


def _read_facts(fits: FitsFile, level: str) -> Facts:
    parsed = parse_name(fits.name)
    start = samples.iso_time(fits.header_value("OBS_UTC"))
    return Facts(
        name=fits.name,
        instrument="EMM/EMUS",
        level=level,
        start_utc=start or _first_time(fits) or (parsed.start_utc if parsed else ""),
        end_utc=samples.iso_time(fits.header_value("END_UTC")),
        orbit=parsed.orbit if parsed else samples.as_int(fits.header_value("ORBNUM"), 0, 10**6),
        mode=parsed.mode if parsed else None,
        swath=parsed.swath if parsed else None,
        version=parsed.version if parsed else None,
        kernel=parsed.kernel if parsed else None,
        mars_year=samples.as_int(fits.header_value("MARSYEAR"), 1, 200),
        solar_longitude_deg=samples.as_float(fits.header_value("SOL_LONG"), 0, 360),
    )


def _first_time(fits: FitsFile) -> str | None:
    times = fits.texts("TIME", "TIME_UTC") if fits.has_column("TIME", "TIME_UTC") else []
    return samples.iso_time(times[0]) if times else None
