"""MAVEN/IUVS Level 1B, apoapse, far ultraviolet: spectra in kR/nm and pixel geometry (layout after the IUVS SIS)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Facts, Float64Array, FloatArray, Observation
from mars_aurora.readers import samples
from mars_aurora.readers.fitsfile import FitsFile
from mars_aurora.readers.line import integrate_line
from mars_aurora.readers.names import parse_name

HDUS = frozenset({"PIXELGEOMETRY", "SPACECRAFTGEOMETRY"})
_USUAL_CENTRE = 4
_R_PER_KR = 1000.0


def read(fits: FitsFile) -> Observation:
    """Read one swath; raises InputError naming what is missing, misshapen or empty."""
    fits.require("PIXELGEOMETRY", "SPACECRAFTGEOMETRY", "OBSERVATION", "INTEGRATION")
    radiance = fits.image("PRIMARY")
    wavelength = fits.column("OBSERVATION", "WAVELENGTH")
    if radiance.ndim != 3:
        detail = f"PRIMARY has shape {radiance.shape}, expected (integrations, slit bins, wavelengths)"
        raise InputError(Reason.WRONG_SHAPE, fits.name, detail)
    samples.require_shape("Observation.WAVELENGTH", wavelength.shape, (1, *radiance.shape[1:]), fits.name)
    weights = integrate_line(wavelength[0].astype(np.float64), fits.name)
    n_integrations, n_slit, _ = radiance.shape
    samples.require_integrations(n_integrations, fits.name)

    def spectra(hdu: str) -> NDArray[Any] | None:
        if hdu not in fits.hdu_names:
            return None
        values = fits.image(hdu)
        samples.require_shape(hdu, values.shape, radiance.shape, fits.name)
        return values

    def pixels(column: str, *extra: int) -> NDArray[Any]:
        values = fits.column("PIXELGEOMETRY", column)
        samples.require_shape(f"PixelGeometry.{column}", values.shape, (n_integrations, n_slit, *extra), fits.name)
        return values

    def spacecraft(column: str) -> NDArray[Any]:
        values = fits.column("SPACECRAFTGEOMETRY", column)
        samples.require_shape(f"SpacecraftGeometry.{column}", values.shape, (n_integrations,), fits.name)
        return values

    def rayleigh(values: FloatArray | None) -> FloatArray:
        if values is None:
            return np.full((n_integrations, n_slit), np.nan, np.float32)
        return samples.brightness(values.astype(np.float64) * _R_PER_KR)

    random, systematic = spectra("RANDOM_PHY_UNC"), spectra("SYSTEMATIC_PHY_UNC")
    flags = spectra("QUALITY_FLAG")
    latitude = samples.bounded(pixels("PIXEL_CORNER_LAT", 5), -90, 90)
    longitude = samples.east_longitude(pixels("PIXEL_CORNER_LON", 5))
    centre, corners = samples.split_samples(latitude.swapaxes(1, 2), longitude.swapaxes(1, 2), _USUAL_CENTRE)

    def look(column: str, low: float, high: float) -> Float64Array:
        return samples.bounded64(pixels(column, 5)[..., centre], low, high)

    return samples.require_image(
        Observation(
            facts=_read_facts(fits),
            brightness_R=rayleigh(weights.integrate(radiance)),
            random_error_R=rayleigh(None if random is None else weights.random_error(random)),
            systematic_error_R=rayleigh(None if systematic is None else weights.systematic_error(systematic)),
            latitude_deg=latitude[..., centre],
            longitude_deg=longitude[..., centre],
            corner_latitude_deg=latitude[..., corners],
            corner_longitude_deg=longitude[..., corners],
            sza_deg=samples.bounded(pixels("PIXEL_SOLAR_ZENITH_ANGLE"), 0, 180),
            emission_angle_deg=samples.bounded(pixels("PIXEL_EMISSION_ANGLE"), 0, 180),
            local_time_h=samples.bounded(pixels("PIXEL_LOCAL_TIME"), 0, 24),
            tangent_altitude_km=look("PIXEL_CORNER_MRH_ALT", -1e4, samples.MAX_ALTITUDE_KM).astype(np.float32),
            sub_spacecraft_latitude_deg=samples.bounded64(spacecraft("SUB_SPACECRAFT_LAT"), -90, 90),
            sub_spacecraft_longitude_deg=samples.east_longitude64(spacecraft("SUB_SPACECRAFT_LON")),
            spacecraft_altitude_km=samples.bounded64(spacecraft("SPACECRAFT_ALT"), 0, samples.MAX_ALTITUDE_KM),
            sub_solar_latitude_deg=samples.bounded64(spacecraft("SUB_SOLAR_LAT"), -90, 90),
            sub_solar_longitude_deg=samples.east_longitude64(spacecraft("SUB_SOLAR_LON")),
            ra_deg=look("PIXEL_CORNER_RA", -360, 360),
            dec_deg=look("PIXEL_CORNER_DEC", -90, 90),
            flagged=np.zeros((n_integrations, n_slit), bool) if flags is None else weights.flagged(flags),
        )
    )


def _read_facts(fits: FitsFile) -> Facts:
    parsed = parse_name(fits.name)
    times = fits.texts("INTEGRATION", "UTC")
    start, end = (samples.iso_time(times[index]) if times else None for index in (0, -1))
    return Facts(
        name=fits.name,
        instrument="MAVEN/IUVS",
        level="l1b",
        start_utc=start or (parsed.start_utc if parsed else ""),
        end_utc=end,
        orbit=parsed.orbit if parsed else samples.as_int(_observed(fits, "ORBIT_NUMBER"), 0, 10**6),
        mode=parsed.mode if parsed else None,
        version=parsed.version if parsed else None,
        solar_longitude_deg=samples.as_float(_observed(fits, "SOLAR_LONGITUDE"), 0, 360),
    )


def _observed(fits: FitsFile, column: str) -> object:
    values = fits.column("OBSERVATION", column).tolist() if fits.has_column("OBSERVATION", column) else []
    return values[0] if values else None
