"""Tables of IUVS L1b files with one row per integration, from the geometry of a swath.

Geometry samples of a pixel are its four corners, not in order around it, then its center.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from mars_aurora_model.simulator.geometry import Geometry
from mars_aurora_model.simulator.orbit import Array, normalize, to_utc
from mars_aurora_model.simulator.writers.axes import instrument_axes, longitude_deg
from mars_aurora_model.simulator.writers.fits_table import Columns, text

_SAMPLES = [1, 4, 2, 3, 0]  # of the simulator, in the order of IUVS
_SCLK_LAG_S = 320.86
_FIRST_FOV_DEG = 60.0
_MIRROR_DEG_PER_DN, _MIRROR_ZERO_DEG = 180 / 65_536, 35.538


def stamp(utc: datetime) -> str:
    """Format a time as in the files: ``2023/014 Jan 14 07:19:21.10490UTC``."""
    return f"{utc:%Y/%j %b %d %H:%M:%S}.{utc.microsecond // 10:05d}UTC"


def integration(et: Array, fov_deg: Array) -> Columns:
    mirror_deg = fov_deg / 2
    return {
        "TIMESTAMP": (et - _SCLK_LAG_S, "SCLK seconds"),
        "ET": (et, "ET s"),
        "UTC": (text(*(stamp(to_utc(time)) for time in et), width=33), "UTC date string"),
        "MIRROR_DN": (np.rint((mirror_deg + _MIRROR_ZERO_DEG) / _MIRROR_DEG_PER_DN).astype(np.uint16), "DN"),
        "MIRROR_DEG": (mirror_deg.astype(np.float32), "deg"),
        "FOV_DEG": (fov_deg.astype(np.float32), "deg"),
        "LYA_CENTROID": (np.ones(len(et), np.int16), "pixel"),
        "DET_TEMP_C": (np.full(len(et), -19.7), "degC"),
        "CASE_TEMP_C": (np.full(len(et), 4.95), "degC"),
    }


def field_of_view_deg(geometry: Geometry) -> Array:
    """Return the scan angle (nI,) of the line of sight."""
    sight = instrument_axes(geometry)["J2000"]["Z"]
    turned: Array = np.degrees(np.arccos(np.clip(sight @ sight[0], -1, 1)))
    return _FIRST_FOV_DEG + turned


def spacecraft(geometry: Geometry) -> Columns:
    frames, position, sun = geometry.frames, geometry.spacecraft_mars_km, geometry.sun_mars
    latitude, altitude = geometry.figure.find_below(position)
    sun_km = frames.sun_distance_km[:, None]
    axes, et = instrument_axes(geometry), geometry.et
    to_mso = frames.to_mso
    return {
        "SUB_SPACECRAFT_LAT": (latitude, "deg"),
        "SUB_SPACECRAFT_LON": (longitude_deg(position), "deg"),
        "SUB_SOLAR_LAT": (geometry.figure.find_sub_solar(sun), "deg"),
        "SUB_SOLAR_LON": (longitude_deg(sun), "deg"),
        "SPACECRAFT_ALT": (altitude, "km"),
        **_state("V_SPACECRAFT", "", position, et),
        **_state("V_SUN", "", sun * sun_km, et),
        **_axes("", axes["MARS"]),
        **_state("V_SPACECRAFT", "_MSO", np.einsum("nij,nj->ni", to_mso, geometry.spacecraft_km), et),
        **_state("V_SPACECRAFT", "_INERTIAL", geometry.spacecraft_km, et),
        "V_SPACECRAFT_INERTIAL_FRAME": (text(*["J2000"] * len(et), width=14), ""),
        "V_SPACECRAFT_INERTIAL_CENTER": (text(*["MARS"] * len(et), width=4), ""),
        **_state("V_SUN", "_MSO", np.einsum("nij,nj->ni", to_mso, frames.sun) * sun_km, et),
        **_axes("_MSO", axes["MSO"]),
        **_axes("_INERTIAL", axes["J2000"]),
        "INST_SUN_ANGLE": (_angle_deg(axes["MARS"]["Z"], sun), "deg"),
    }


def _state(vector: str, frame: str, position_km: Array, et: Array) -> Columns:
    rate = np.gradient(position_km, et, axis=0)
    return {f"{vector}{frame}": (position_km, "km"), f"{vector}_RATE{frame}": (rate, "km/s")}


def _axes(frame: str, axes: dict[str, Array]) -> Columns:
    """Return the axes of the spacecraft and the instrument, which the simulator does not distinguish."""
    bodies = ("SPACECRAFT", "INSTRUMENT")
    return {f"V{axis}_{body}{frame}": (vectors, "unit vector") for body in bodies for axis, vectors in axes.items()}


def _angle_deg(one: Array, other: Array) -> Array:
    """Return the angle between unit vectors (n, 3)."""
    cosine: Array = np.sum(one * other, axis=1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def pixels(geometry: Geometry) -> Columns:
    zenith = normalize(geometry.spacecraft_mars_km)
    cosine = np.einsum("nik,ni->nk", geometry.vec_mars[:, :, 0], zenith)
    altitude = geometry.altitude_km
    return {
        "PIXEL_VEC": (_samples(geometry.vec_mars), "unit vector"),
        "PIXEL_CORNER_RA": (_samples(geometry.ra_deg), "deg"),
        "PIXEL_CORNER_DEC": (_samples(geometry.dec_deg), "deg"),
        "PIXEL_CORNER_LAT": (_samples(geometry.lat_deg), "deg"),
        "PIXEL_CORNER_LON": (_samples(geometry.lon_deg), "deg"),
        "PIXEL_CORNER_MRH_ALT": (_samples(altitude), "km"),
        "PIXEL_CORNER_MRH_ALT_RATE": (_samples(np.gradient(altitude, geometry.et, axis=0)), "km/s"),
        "PIXEL_CORNER_LOS": (_samples(geometry.distance_km), "km"),
        "PIXEL_SOLAR_ZENITH_ANGLE": (geometry.sza_deg[:, 0], ""),
        "PIXEL_EMISSION_ANGLE": (geometry.emission_deg[:, 0], "deg"),
        "PIXEL_ZENITH_ANGLE": (np.degrees(np.arccos(np.clip(cosine, -1, 1))), "deg"),
        "PIXEL_PHASE_ANGLE": (geometry.phase_deg[:, 0], "deg"),
        "PIXEL_LOCAL_TIME": (geometry.local_time_h[:, 0], ""),
    }


def _samples(values: Array) -> Array:
    """Order samples as in the files: (..., 5, nS) to (..., nS, 5)."""
    return values.swapaxes(-1, -2)[..., _SAMPLES]
