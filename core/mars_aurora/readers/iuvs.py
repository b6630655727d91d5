"""MAVEN/IUVS Level 1B, apoapse, far ultraviolet: spectra in kR/nm and pixel geometry (layout from the IUVS SIS)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.emission import Emission
from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Facts, Float64Array, FloatArray, Observation, Times
from mars_aurora.readers import samples, times
from mars_aurora.readers.cards import as_float, as_int, text
from mars_aurora.readers.checks import require_integrations, require_shape
from mars_aurora.readers.fitsfile import FitsFile, Part
from mars_aurora.readers.latitude_frame import BodyFixed
from mars_aurora.readers.line import LineImages, integrate_line
from mars_aurora.readers.names import parse_name
from mars_aurora.readers.verify import Layout, verify

SUPPORTED = "MAVEN/IUVS L1b"
HDUS = frozenset({"PIXELGEOMETRY", "SPACECRAFTGEOMETRY"})
MISSION = re.compile(r"\bmaven\b|mars atmosphere and volatile|\bmvn\b", re.IGNORECASE)
INSTRUMENT = re.compile(r"\biuvs?\b|imaging ultraviolet", re.IGNORECASE)
_USUAL_CENTER = 4
_UNIT, _R_PER_KR = "kR/nm", 1000.0
_CHANNELS = ("fuv", "muv", "ech")


def read(fits: FitsFile, emission: Emission) -> Observation:
    """Read one swath; raises InputError naming the missing, misshapen or empty part."""
    fits.require("PIXELGEOMETRY", "SPACECRAFTGEOMETRY", "OBSERVATION", "INTEGRATION")
    line = _integrate_spectra(fits, emission)
    shape = line.brightness_R.shape

    def pixels(column: str, *extra: int, unit: str = "deg") -> NDArray[Any]:
        values = fits.column("PIXELGEOMETRY", column, unit)
        require_shape(f"PixelGeometry.{column}", values.shape, (*shape, *extra), fits.name)
        return values

    latitude = samples.bounded(pixels("PIXEL_CORNER_LAT", 5), -90, 90)
    longitude = samples.east_longitude(pixels("PIXEL_CORNER_LON", 5))
    center, corners = samples.split_samples(latitude.swapaxes(1, 2), longitude.swapaxes(1, 2), _USUAL_CENTER)

    def at_center(column: str, low: float, high: float, unit: str = "deg") -> Float64Array:
        return samples.bounded64(pixels(column, 5, unit=unit)[..., center], low, high)

    altitude_km = at_center("PIXEL_CORNER_MRH_ALT", -1e4, samples.MAX_ALTITUDE_KM, "km")

    time_utc = times.read_times(fits, "INTEGRATION", "UTC", "ET", shape[0])
    return verify(
        Observation(
            facts=_read_facts(fits, emission, time_utc),
            time_utc=time_utc,
            brightness_R=line.brightness_R,
            random_error_R=line.random_error_R,
            systematic_error_R=line.systematic_error_R,
            latitude_deg=latitude[..., center],
            longitude_deg=longitude[..., center],
            corner_latitude_deg=latitude[..., corners],
            corner_longitude_deg=longitude[..., corners],
            sza_deg=samples.bounded(pixels("PIXEL_SOLAR_ZENITH_ANGLE"), 0, 180),
            emission_angle_deg=samples.bounded(pixels("PIXEL_EMISSION_ANGLE"), 0, 180),
            local_time_h=samples.bounded(pixels("PIXEL_LOCAL_TIME", unit="h"), 0, 360),
            tangent_altitude_km=altitude_km.astype(np.float32),
            **_read_spacecraft(fits, shape[0]),
            ra_deg=at_center("PIXEL_CORNER_RA", -360, 360),
            dec_deg=at_center("PIXEL_CORNER_DEC", -90, 90),
            flagged=line.flagged,
            removed_R=np.zeros(shape, np.float32),
        ),
        Layout("C", fits.shape("PRIMARY")[-1]),
        _find_vectors(fits, shape, center),
    )


def _integrate_spectra(fits: FitsFile, emission: Emission) -> LineImages:
    """Integrate the line in the spectra of PRIMARY, (nI, nS, nW), and in its optional errors and flags."""
    shape = fits.shape("PRIMARY")
    if len(shape) != 3:
        found = f"shape {shape}" if len(shape) < 10 else f"{len(shape)} dimensions"
        detail = f"PRIMARY has {found}, expected (integrations, slit bins, wavelengths)"
        raise InputError(Reason.WRONG_SHAPE, fits.name, detail)
    fits.bounds.require_swath(*shape)
    wavelength = fits.column("OBSERVATION", "WAVELENGTH", "nm")
    require_shape("Observation.WAVELENGTH", wavelength.shape, (1, *shape[1:]), fits.name)
    fitted = integrate_line(wavelength[0].astype(np.float64), emission, fits.name)
    require_integrations(shape[0], fits.name)
    weights = replace(fitted, window=slice(None))  # only the samples of the window are read

    def image(hdu: str, unit: str | None = _UNIT) -> NDArray[Any]:
        require_shape(hdu, fits.shape(hdu), shape, fits.name)
        return fits.image(hdu, unit, part=np.s_[:, :, fitted.window])

    def rayleigh(hdu: str, measure: Callable[[NDArray[Any]], FloatArray]) -> FloatArray:
        if hdu not in fits.hdu_names:
            return np.full(shape[:2], np.nan, np.float32)
        return samples.brightness(measure(image(hdu)).astype(np.float64) * _R_PER_KR)

    return LineImages(
        rayleigh("PRIMARY", weights.integrate),
        rayleigh("RANDOM_PHY_UNC", weights.random_error),
        rayleigh("SYSTEMATIC_PHY_UNC", weights.systematic_error),
        weights.flagged(image("QUALITY_FLAG", None)) if "QUALITY_FLAG" in fits.hdu_names else np.zeros(shape[:2], bool),
    )


def _find_vectors(fits: FitsFile, shape: tuple[int, ...], center: int) -> BodyFixed:
    """View the optional vectors of the spacecraft and of the lines of sight."""

    def view(table: str, column: str, expected: tuple[int, ...], part: Part = ...) -> NDArray[Any] | None:
        if not fits.has_column(table, column) or fits.column_shape(table, column) != expected:
            return None
        return fits.column(table, column, part=part)

    sight = view("PIXELGEOMETRY", "PIXEL_VEC", (shape[0], 3, shape[1], 5), np.s_[:, :, :, center])
    return BodyFixed(
        spacecraft=view("SPACECRAFTGEOMETRY", "V_SPACECRAFT", (shape[0], 3)),
        pixels=None if sight is None else np.moveaxis(sight, 1, -1),
    )


def _read_spacecraft(fits: FitsFile, n_integrations: int) -> dict[str, Float64Array]:
    """Read the columns of SpacecraftGeometry, each (nI,), by field of Observation."""

    def column(name: str, unit: str = "deg") -> NDArray[Any]:
        values = fits.column("SPACECRAFTGEOMETRY", name, unit)
        require_shape(f"SpacecraftGeometry.{name}", values.shape, (n_integrations,), fits.name)
        return values

    return {
        "sub_spacecraft_latitude_deg": samples.bounded64(column("SUB_SPACECRAFT_LAT"), -90, 90),
        "sub_spacecraft_longitude_deg": samples.east_longitude64(column("SUB_SPACECRAFT_LON")),
        "spacecraft_altitude_km": samples.bounded64(column("SPACECRAFT_ALT", "km"), 0, samples.MAX_ALTITUDE_KM),
        "sub_solar_latitude_deg": samples.bounded64(column("SUB_SOLAR_LAT"), -90, 90),
        "sub_solar_longitude_deg": samples.east_longitude64(column("SUB_SOLAR_LON")),
    }


def _read_facts(fits: FitsFile, emission: Emission, time_utc: Times) -> Facts:
    parsed = parse_name(fits.name)
    start, end = times.first_and_last_utc(time_utc)
    return Facts(
        name=fits.name,
        instrument="MAVEN/IUVS",
        level="l1b",
        start_utc=start or (parsed.start_utc if parsed else ""),
        end_utc=end,
        orbit=parsed.orbit if parsed else as_int(_observation_value(fits, "ORBIT_NUMBER"), 0, 10**6),
        mode=parsed.mode if parsed else None,
        version=parsed.version if parsed else None,
        solar_longitude_deg=as_float(_observation_value(fits, "SOLAR_LONGITUDE", "deg"), 0, 360),
        emission=emission.name,
        channel=_find_channel(fits),
        file_name=text(fits.header_value("FILENAME")),
        content_sha256=None if start else fits.content_sha256,
    )


def _find_channel(fits: FitsFile) -> str | None:
    """Find the channel from the grating, the header, or the file name; None if unknown."""
    if _observation_text(fits, "GRATING_SELECT").startswith("ech"):
        return "ech"
    header = text(fits.header_value("XUV")) or _observation_text(fits, "CHANNEL")
    parsed = parse_name(fits.name)
    named = parsed.observation[-1] if parsed else None
    return next((channel for channel in (header.lower(), named) if channel in _CHANNELS), None)


def _observation_value(fits: FitsFile, column: str, unit: str | None = None) -> object:
    values = fits.column("OBSERVATION", column, unit).tolist() if fits.has_column("OBSERVATION", column) else []
    return values[0] if values else None


def _observation_text(fits: FitsFile, column: str) -> str:
    """Return a text of the table Observation in lower case; empty if it is missing."""
    texts = fits.texts("OBSERVATION", column) if fits.has_column("OBSERVATION", column) else []
    return texts[0].lower() if texts else ""
