"""EMM/EMUS Level 2B and 2A, by HDU and column name (layout from the readers in SPEDAS and py_space_zc).

Level 2B has the brightness of each emission in the table EMISS, Level 2A only spectra in CAL. All slit bins are
kept, so that indices are those of the file; bins off the slit are NaN.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.emission import Emission
from mars_aurora.observation import Facts, Float64Array, FloatArray, Observation, Times
from mars_aurora.readers import samples, times
from mars_aurora.readers.cards import as_float, as_int, iso_time, text
from mars_aurora.readers.checks import require_integrations, require_shape
from mars_aurora.readers.emus_lines import fit_spectra, read_emission
from mars_aurora.readers.fitsfile import FitsFile, Part
from mars_aurora.readers.latitude_frame import BodyFixed
from mars_aurora.readers.names import parse_name
from mars_aurora.readers.verify import Layout, verify

SUPPORTED = "EMM/EMUS L2A and L2B"
HDUS = frozenset({"FOV_GEOM", "SC_GEOM", "EMISS", "CAL"})
MISSION = re.compile(r"\bemm\b|emirates|\bhope\b", re.IGNORECASE)
INSTRUMENT = re.compile(r"\bemus?\b|ultraviolet", re.IGNORECASE)
_USUAL_CENTER = 0
_LINE_READERS = {"l2b": read_emission, "l2a": fit_spectra}
_LAYOUTS = {"l2b": Layout("F"), "l2a": Layout("C", 200)}  # of EMISS, and of CAL with some 200 wavelengths


def read(fits: FitsFile, emission: Emission) -> Observation:
    """Read one swath; raises InputError naming the missing, misshapen or empty part."""
    fits.require("FOV_GEOM", "SC_GEOM")
    level = _find_level(fits)
    n_integrations = fits.shape("FOV_GEOM")[0]
    require_integrations(n_integrations, fits.name)
    geometry = _Geometry(fits, n_integrations)
    line = _LINE_READERS[level](fits, geometry.shape, emission)
    latitude = geometry.samples("LAT", -90, 90)
    longitude = geometry.on_slit_only(samples.east_longitude(geometry.column("LON", "deg")))
    center, corners = samples.split_samples(latitude, longitude, _USUAL_CENTER)

    def image(values: NDArray[Any]) -> FloatArray:
        return geometry.on_slit_only(samples.brightness(values))

    def at_center(column: str, unit: str, low: float, high: float) -> FloatArray:
        values = geometry.column(column, unit, np.s_[:, center])
        return geometry.on_slit_only(samples.bounded(values, low, high))

    def optional(column: str, unit: str, low: float, high: float) -> Float64Array:
        if not fits.has_column("FOV_GEOM", column):
            return np.full(geometry.shape, np.nan)
        values = geometry.column(column, unit, np.s_[:, center])
        return geometry.on_slit_only(samples.bounded64(values, low, high))

    time_utc = times.read_times(fits, "TIME", "TIME_UTC", "TIME_ET", n_integrations)
    return verify(
        Observation(
            facts=_read_facts(fits, level, emission, time_utc),
            time_utc=time_utc,
            brightness_R=image(line.brightness_R),
            random_error_R=image(line.random_error_R),
            systematic_error_R=image(line.systematic_error_R),
            latitude_deg=latitude[:, center],
            longitude_deg=longitude[:, center],
            corner_latitude_deg=np.stack([latitude[:, corner] for corner in corners], axis=-1),
            corner_longitude_deg=np.stack([longitude[:, corner] for corner in corners], axis=-1),
            sza_deg=at_center("SOLAR_Z_ANGLE", "deg", 0, 180),
            emission_angle_deg=at_center("EMISSION_ANGLE", "deg", 0, 180),
            local_time_h=optional("LOCAL_TIME", "h", 0, 360).astype(np.float32),
            tangent_altitude_km=at_center("MRH_ALT", "km", -1e4, samples.MAX_ALTITUDE_KM),
            **_read_spacecraft(fits, n_integrations),
            ra_deg=optional("RA", "deg", -360, 360),
            dec_deg=optional("DEC", "deg", -90, 90),
            flagged=np.ascontiguousarray(line.flagged & geometry.on_slit),
            removed_R=np.zeros(geometry.shape, np.float32),
        ),
        _LAYOUTS[level],
        _find_vectors(fits, geometry.shape, center),
    )


class _Geometry:
    """Columns of FOV_GEOM, each (nI, 5, nS); ``shape`` is (nI, nS), ``on_slit`` (nS,).

    A bin is on the slit if any of its lines of sight has a finite right ascension; bin 0 never is.
    """

    def __init__(self, fits: FitsFile, n_integrations: int) -> None:
        self._fits = fits
        n_slit = fits.column_shape("FOV_GEOM", "LAT")[-1]
        fits.bounds.require_swath(n_integrations, n_slit)
        self.shape = (n_integrations, n_slit)
        self.on_slit = np.ones(n_slit, bool)
        if fits.has_column("FOV_GEOM", "RA"):
            self.on_slit = np.isfinite(self.column("RA", "deg", np.s_[:, 0])).any(axis=0)
        self.on_slit[:1] = False

    def column(self, column: str, unit: str, part: Part = ...) -> NDArray[Any]:
        """Read a column in ``unit``, or a part of it; raises WRONG_SHAPE unless the column is (nI, 5, nS)."""
        n_integrations, n_slit = self.shape
        shape = self._fits.column_shape("FOV_GEOM", column)
        require_shape(f"FOV_GEOM.{column}", shape, (n_integrations, 5, n_slit), self._fits.name)
        return self._fits.column("FOV_GEOM", column, unit, part=part)

    def samples(self, column: str, low: float, high: float) -> FloatArray:
        """Copy all five samples of a column of angles; NaN out of range and off the slit."""
        return self.on_slit_only(samples.bounded(self.column(column, "deg"), low, high))

    def on_slit_only(self, values: NDArray[Any]) -> NDArray[Any]:
        """Set values, (nI, ..., nS), off the slit to NaN in place."""
        values[..., ~self.on_slit] = np.nan
        return values


def _find_vectors(fits: FitsFile, shape: tuple[int, int], center: int) -> BodyFixed:
    """View the optional vectors of the spacecraft and of the pixels."""

    def view(table: str, column: str, expected: tuple[int, ...], part: Part = ...) -> NDArray[Any] | None:
        if not fits.has_column(table, column) or fits.column_shape(table, column) != expected:
            return None
        return fits.column(table, column, part=part)

    pixels = view("FOV_GEOM", "VEC_MARS", (shape[0], 3, 5, shape[1]), np.s_[:, :, center])
    return BodyFixed(
        spacecraft=view("SC_GEOM", "V_SC_POS_MARS", (shape[0], 3)),
        pixels=None if pixels is None else np.moveaxis(pixels, 1, -1),
    )


def _read_spacecraft(fits: FitsFile, n_integrations: int) -> dict[str, Float64Array]:
    """Read the columns of SC_GEOM, each (nI,), by field of Observation; the sub-solar ones are optional."""

    def column(name: str, unit: str = "deg", *, optional: bool = False) -> NDArray[Any]:
        if optional and not fits.has_column("SC_GEOM", name):
            return np.full(n_integrations, np.nan)
        values = fits.column("SC_GEOM", name, unit)
        require_shape(f"SC_GEOM.{name}", values.shape, (n_integrations,), fits.name)
        return values

    return {
        "sub_spacecraft_latitude_deg": samples.bounded64(column("SUB_SC_LAT"), -90, 90),
        "sub_spacecraft_longitude_deg": samples.east_longitude64(column("SUB_SC_LON")),
        "spacecraft_altitude_km": samples.bounded64(column("SC_ALT", "km"), 0, samples.MAX_ALTITUDE_KM),
        "sub_solar_latitude_deg": samples.bounded64(column("SUB_SOLAR_LAT", optional=True), -90, 90),
        "sub_solar_longitude_deg": samples.east_longitude64(column("SUB_SOLAR_LON", optional=True)),
    }


def _find_level(fits: FitsFile) -> str:
    """Find the level from the HDUs; a file named L2B that lacks EMISS is rejected, not read as L2A."""
    if "EMISS" in fits.hdu_names:
        return "l2b"
    parsed = parse_name(fits.name)
    if "CAL" not in fits.hdu_names or (parsed and parsed.level == "l2b"):
        fits.require("EMISS")
    fits.require("WAVELENGTH")
    return "l2a"


def _is_disk_product(fits: FitsFile) -> bool:
    """Return whether a file with EMISS is of Level 3 disk, which has the tables of L2B and COLUMN_DENSITY."""
    parsed = parse_name(fits.name)
    return "COLUMN_DENSITY" in fits.hdu_names or (parsed is not None and parsed.level == "l3disk")


def _read_facts(fits: FitsFile, level: str, emission: Emission, time_utc: Times) -> Facts:
    parsed = parse_name(fits.name)
    start, end = times.first_and_last_utc(time_utc)
    return Facts(
        name=fits.name,
        instrument="EMM/EMUS",
        level="l3disk" if _is_disk_product(fits) else level,
        start_utc=start or iso_time(fits.header_value("OBS_UTC")) or (parsed.start_utc if parsed else ""),
        end_utc=end or iso_time(fits.header_value("END_UTC")),
        orbit=parsed.orbit if parsed else as_int(fits.header_value("ORBNUM"), 0, 10**6),
        mode=parsed.mode if parsed else None,
        swath=parsed.swath if parsed else None,
        version=parsed.version if parsed else None,
        kernel=parsed.kernel if parsed else None,
        mars_year=as_int(fits.header_value("MARSYEAR"), 1, 200),
        solar_longitude_deg=as_float(fits.header_value("SOL_LONG"), 0, 360),
        emission=emission.name,
        file_name=text(fits.header_value("FILENAME")),
        content_sha256=None if start else fits.content_sha256,
    )
