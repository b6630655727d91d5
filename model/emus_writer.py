"""EMUS L2B files: the tables of a swath as FITS bytes.

Everything is a BINTABLE known by name; EMISS is transposed against the rest, as in the mission's files.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.io import fits
from mars_aurora_model.orbit import AU_KM, Array, to_utc
from mars_aurora_model.view import Geometry
from mars_aurora_model.world import World
from numpy.typing import NDArray

OXYGEN_1304 = "O I 130.4 triplet"
# name, wavelength (nm), brightness of the day and of the night (R), aurora relative to 130.4 nm
_EMISSIONS = (
    ("H I 102.6 singlet / O I 102.7 multiplet", 102.6, 160, 12, 0.08),
    ("O I 104.0 triplet", 104.0, 25, 0.3, 0.03),
    ("Ar I 104.8 singlet", 104.8, 14, 0.2, 0.0),
    ("Ar I 106.7 singlet", 106.7, 12, 0.2, 0.0),
    ("N II 108.5 multiplet", 108.5, 12, 0.1, 0.0),
    ("CO HB 108.8 band", 108.8, 15, 0.1, 0.0),
    ("N I 113.4 multiplet", 113.4, 20, 0.1, 0.0),
    ("CO HB 115.1 band", 115.1, 30, 0.2, 0.0),
    ("O I 115.2 singlet", 115.2, 20, 0.2, 0.02),
    ("N I 116.4 multiplet", 116.4, 10, 0.1, 0.0),
    ("O I 117.2 multiplet", 117.2, 8, 0.1, 0.0),
    ("C I 118.9 multiplet", 118.9, 25, 0.3, 0.0),
    ("N I 120.0 triplet", 120.0, 60, 1.0, 0.02),
    ("H I 121.6 singlet", 121.6, 5500, 600, 0.2),
    ("N I 124.3 multiplet", 124.3, 18, 0.4, 0.0),
    ("C I 126.1 multiplet", 126.1, 15, 0.2, 0.0),
    ("C I 127.7 multiplet", 127.7, 35, 0.2, 0.01),
    (OXYGEN_1304, 130.4, 0, 0, 1.0),
    ("C II 133.5 doublet", 133.5, 80, 0.4, 0.05),
    ("O I 135.6 doublet", 135.6, 110, 0.3, 0.25),
    ("CO 4PG 139.2 band", 139.2, 12, 0.1, 0.01),
    ("CO 4PG 141.9 band", 141.9, 35, 0.1, 0.02),
    ("CO 4PG 144.7 band", 144.7, 40, 0.1, 0.02),
    ("CO 4PG 147.8 band", 147.8, 45, 0.1, 0.02),
    ("N I 149.3 doublet", 149.3, 25, 0.1, 0.01),
    ("CO 4PG 151.0 band", 151.0, 40, 0.1, 0.02),
    ("C I 156.1 multiplet", 156.1, 90, 0.2, 0.02),
    ("CO 4PG 159.7 band", 159.7, 40, 0.1, 0.02),
    ("C I 165.7 multiplet", 165.7, 160, 0.3, 0.02),
)
_DROPPABLE = (4, 9, 10, 14, 20)  # lines that some versions of the processing lack
_SYSTEMATIC = 0.04
_CALIBRATIONS = ("CORRECTED_CNTS", "RAW_CNTS", "BKG_CNTS")


@dataclass(frozen=True)
class Swath:
    """What goes into one file.

    Attributes
    ----------
    header : keywords of the primary header, in order
    geometry : Geometry
    brightness_R, random_error_R, systematic_error_R : (nI, nS), the measured line at 130.4 nm
    background_R, excess_R : (nI, nS), noise-free, from which the other lines are scaled
    flagged : (nI, nS) bool
    off_slit : (nS,) bool, bins whose geometry is NaN
    slit_width_deg : 0.18 or 0.25, which decides the spectral resolution
    """

    header: dict[str, Any]
    geometry: Geometry
    brightness_R: Array
    random_error_R: Array
    systematic_error_R: Array
    background_R: Array
    excess_R: Array
    flagged: NDArray[np.bool_]
    off_slit: NDArray[np.bool_]
    slit_width_deg: float


def write(swath: Swath, world: World, rng: np.random.Generator, *, spectra: bool = False, level: str = "l2b") -> bytes:
    """Write a swath as FITS; ``spectra`` adds CAL at full size, level "l2a" has CAL and no EMISS."""
    tables = {
        "TIME": _time(swath.geometry),
        "WAVELENGTH": {"WAVELENGTH_L2A": (_wavelengths(swath, world)[None], "nm")},
        "SC_GEOM": _spacecraft(swath.geometry),
        "FOV_GEOM": _field_of_view(swath),
    }
    if level == "l2b":
        tables["EMISS"] = _emissions(swath, world, rng)
    if spectra or level == "l2a":
        tables["CAL"] = _spectra(swath, world, rng)
    hdus = [fits.PrimaryHDU(header=fits.Header(swath.header.items()))]
    hdus += [_table(name, tables[name]) for name in rng.permutation(sorted(tables))]
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fits.HDUList(hdus).writeto(buffer)
    return buffer.getvalue()


def _table(name: str, columns: dict[str, tuple[NDArray[Any], str]]) -> fits.BinTableHDU:
    layout = [(column, values.dtype.newbyteorder(">"), values.shape[1:]) for column, (values, _) in columns.items()]
    rows = np.empty(len(next(iter(columns.values()))[0]), dtype=layout)
    for column, (values, _) in columns.items():
        rows[column] = values
    hdu = fits.BinTableHDU(rows, name=name)
    for column, (_, unit) in columns.items():
        if unit:
            hdu.columns[column].unit = unit
    return hdu


def _time(geometry: Geometry) -> dict[str, tuple[NDArray[Any], str]]:
    stamps = [to_utc(et).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] for et in geometry.et]
    return {"TIME_ET": (geometry.et, "s"), "TIME_UTC": (np.array(stamps, "S23"), "")}


def _wavelengths(swath: Swath, world: World) -> Array:
    """(nS, nW) nm; the spectrum leans a little along the slit."""
    lean = 0.3 * np.linspace(-1, 1, len(swath.off_slit)) ** 2
    return np.linspace(100, 170, world.n_wavelengths) + lean[:, None]


def _spacecraft(geometry: Geometry) -> dict[str, tuple[NDArray[Any], str]]:
    place, sun = geometry.spacecraft_mars_km, geometry.sun_mars
    distance = np.linalg.norm(place, axis=1)
    from mars_aurora_model.world import MARS_RADIUS_KM

    return {
        "SUB_SC_LAT": (np.degrees(np.arcsin(place[:, 2] / distance)), "deg"),
        "SUB_SC_LON": (np.degrees(np.arctan2(place[:, 1], place[:, 0])) % 360, "deg"),
        "SUB_SOLAR_LAT": (np.degrees(np.arcsin(sun[:, 2])), "deg"),
        "SUB_SOLAR_LON": (np.degrees(np.arctan2(sun[:, 1], sun[:, 0])) % 360, "deg"),
        "SC_ALT": (distance - MARS_RADIUS_KM, "km"),
        "V_SC_POS_MSO": (np.einsum("nij,nj->ni", geometry.frames.to_mso, geometry.spacecraft_km), "km"),
        "V_SUN_POS_MARS": (sun * geometry.frames.sun_distance_km[:, None], "km"),
        "V_SUN_POS_MME": (geometry.frames.sun * geometry.frames.sun_distance_km[:, None], "km"),
        "SUN_DISTANCE": (geometry.frames.sun_distance_km / AU_KM, "AU"),
    }


def _field_of_view(swath: Swath) -> dict[str, tuple[NDArray[Any], str]]:
    geometry = swath.geometry
    per_pixel = {
        "LAT": (geometry.lat_deg, "deg"),
        "LON": (geometry.lon_deg, "deg"),
        "LOCAL_TIME": (geometry.local_time_h, "h"),
        "SOLAR_Z_ANGLE": (geometry.sza_deg, "deg"),
        "EMISSION_ANGLE": (geometry.emission_deg, "deg"),
        "PHASE_ANGLE": (geometry.phase_deg, "deg"),
        "MRH_ALT": (geometry.altitude_km, "km"),
        "RA": (geometry.ra_deg, "deg"),
        "DEC": (geometry.dec_deg, "deg"),
        "VEC_MSO": (geometry.vec_mso, ""),
        "VEC_MARS": (geometry.vec_mars, ""),
    }
    columns = {}
    for name, (values, unit) in per_pixel.items():
        single = values.astype(np.float32)  # 0.03 arcmin at most; the zeroed half makes files a third smaller
        single[..., swath.off_slit] = np.nan
        columns[name] = (single.astype(">f8"), unit)
    bore = np.moveaxis(geometry.vec_mso[:, :, 0, len(swath.off_slit) // 2], -1, -1)
    return {**columns, "VZ_INSTR_MSO": (bore, "")}


def _emissions(swath: Swath, world: World, rng: np.random.Generator) -> dict[str, tuple[NDArray[Any], str]]:
    dropped = set(rng.choice(_DROPPABLE, rng.integers(3), replace=False))
    lines = [line for row, line in enumerate(_EMISSIONS) if row not in dropped]
    swapped = rng.integers(len(lines) - 1)
    lines[swapped], lines[swapped + 1] = lines[swapped + 1], lines[swapped]
    shape = (len(lines), *swath.brightness_R.T.shape)  # (nE, nS, nI)
    radiance, noise = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for row, (name, *rest) in enumerate(lines):
        if name == OXYGEN_1304:
            radiance[row], noise[row] = swath.brightness_R.T, swath.random_error_R.T
        else:
            radiance[row], noise[row] = _other_line(swath, world, rng, *rest[1:])
    wavelengths = np.array([line[1] for line in lines])
    outside = np.isnan(swath.brightness_R.T) & ~swath.flagged.T
    radiance[:, outside] = np.nan
    flags = np.broadcast_to(swath.flagged.T | outside, shape).astype(np.uint8)
    goodness = (rng.integers(60, 141, shape[1:]) / 100).astype(np.float32)
    return {
        "NAME": (np.array([name.ljust(60) for name, *_ in lines], "S60"), ""),
        "RADIANCE": (radiance, "R"),
        "RAD_ERR_RAND": (noise, "R"),
        "RAD_ERR_SYS": (np.abs(radiance) * np.float32(_SYSTEMATIC), "R"),
        "GOODNESS_OF_FIT": (np.broadcast_to(goodness, shape), ""),
        "QLTY_FLG": (flags, ""),
        "COUNTS": (np.rint(radiance * np.float32(world.counts_per_R)), "counts"),
        "WL_START": (np.stack([wavelengths - 1.4, wavelengths - 1.2], axis=1), "nm"),
        "WL_STOP": (np.stack([wavelengths + 1.2, wavelengths + 1.4], axis=1), "nm"),
        "DOF": (np.full((len(lines), 2), (7, 5), np.int16), ""),
    }


def _other_line(
    swath: Swath, world: World, rng: np.random.Generator, day: float, night: float, aurora: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scale another line from the 130.4 nm scene; whole counts, Gaussian."""
    true = (day / 370 * swath.background_R + night + aurora * swath.excess_R).T.astype(np.float32)
    counts = true * np.float32(world.counts_per_R)
    drawn = np.rint(counts + np.sqrt(counts) * rng.standard_normal(counts.shape, np.float32)).clip(0)
    return drawn / np.float32(world.counts_per_R), np.sqrt(drawn) / np.float32(world.counts_per_R)


def _spectra(swath: Swath, world: World, rng: np.random.Generator) -> dict[str, tuple[NDArray[Any], str]]:
    """CAL at full size, (nI, nS, nW) float32 a column: lines as wide as the slit makes them, on a faint continuum."""
    wavelengths = _wavelengths(swath, world).astype(np.float32)
    width = (1.3 if swath.slit_width_deg < 0.2 else 1.8) / 2.3548  # nm, from full width at half maximum
    radiance = np.full((*swath.brightness_R.shape, world.n_wavelengths), 0.2, np.float32)
    for name, centre, day, night, aurora in _EMISSIONS:
        profile = (np.exp(-0.5 * ((wavelengths - centre) / width) ** 2) / (width * np.sqrt(2 * np.pi))).astype(
            np.float32
        )
        line = swath.brightness_R if name == OXYGEN_1304 else _other_line(swath, world, rng, day, night, aurora)[0].T
        first, last = np.flatnonzero((profile > 1e-4).any(0))[[0, -1]] if (profile > 1e-4).any() else (0, 0)
        near = slice(first, last + 1)
        radiance[..., near] += np.asarray(line, np.float32)[..., None] * profile[:, near]
    noise = 0.3 * rng.standard_normal(radiance.shape, np.float32)
    error = np.sqrt(np.maximum(radiance, 0) / np.float32(world.counts_per_R) + np.float32(0.1))
    counts = np.rint(radiance * np.float32(world.counts_per_R * 70 / world.n_wavelengths))
    columns: dict[str, tuple[NDArray[Any], str]] = {
        "RADIANCE": (radiance + noise, "R/nm"),
        "RAD_ERR_RAND": (error, "R/nm"),
        "RAD_ERR_SYS": (np.abs(radiance) * np.float32(_SYSTEMATIC), "R/nm"),
    }
    return {**columns, **dict.fromkeys(_CALIBRATIONS, (counts, "counts"))}
