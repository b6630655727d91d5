"""EMUS L2B files: the tables of a swath as FITS bytes.

Everything is a BINTABLE known by name; EMISS is transposed against the rest, as in the mission's files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator import fits_table
from mars_aurora_model.simulator.fits_table import Columns
from mars_aurora_model.simulator.geometry import Geometry
from mars_aurora_model.simulator.orbit import AU_KM, Array, normalise, stamp, to_utc
from mars_aurora_model.simulator.world import MARS_RADIUS_KM, World

Single = NDArray[np.float32]

OXYGEN_1304 = "O I 130.4 triplet"


@dataclass(frozen=True)
class Emission:
    """A line: the day's and the night's brightness in R, the aurora's relative to that of 130.4 nm."""

    name: str
    wavelength_nm: float
    day_R: float
    night_R: float
    aurora: float


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
    Emission("O I 135.6 doublet", 135.6, 110, 0.3, 0.25),
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
_DROPPABLE = (4, 9, 10, 14, 20)  # lines that some versions of the processing lack


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

    @property
    def on_slit(self) -> NDArray[np.bool_]:
        """(nI, nS): pixels that light falls on."""
        mask: NDArray[np.bool_] = np.isfinite(self.random_error_R)
        return mask


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
    pieces: list[bytes | memoryview] = [fits_table.write_primary(swath.header)]
    for name in rng.permutation(sorted(tables)):
        pieces += fits_table.write_table(name, tables.pop(name))
    return b"".join(pieces)


def _time(geometry: Geometry) -> Columns:
    stamps = [stamp(to_utc(et)) for et in geometry.et]
    return {"TIME_ET": (geometry.et, "s"), "TIME_UTC": (np.array(stamps, "S23"), "")}


def _wavelengths(swath: Swath, world: World) -> Array:
    """(nS, nW) nm; the spectrum leans a little along the slit."""
    lean = 0.3 * np.linspace(-1, 1, len(swath.off_slit)) ** 2
    return np.linspace(100, 170, world.n_wavelengths) + lean[:, None]


def _spacecraft(geometry: Geometry) -> Columns:
    place, sun = geometry.spacecraft_mars_km, geometry.sun_mars
    distance = np.linalg.norm(place, axis=1)
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


def _field_of_view(swath: Swath) -> Columns:
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
        "LOS": (geometry.distance_km, "km"),
        "ZENITH_ANGLE": (180 - geometry.emission_deg, "deg"),
        "MRH_ALT_RATE": (np.gradient(geometry.altitude_km, geometry.et, axis=0), "km/s"),
    }
    columns: Columns = {}
    for name, (values, unit) in per_pixel.items():
        single = values.astype(np.float32)  # 0.03 arcmin at most; the zeroed half makes files a third smaller
        single[..., swath.off_slit] = np.nan
        columns[name] = (single.astype(">f8"), unit)
    columns |= {name: (axis, "") for name, axis in _instrument_axes(geometry).items()}
    return {**columns, "SLIT_WIDTH": (np.full(len(geometry.et), swath.slit_width_deg), "deg")}


def _instrument_axes(geometry: Geometry) -> dict[str, Array]:
    """Nine unit vectors an integration: the slit, the scan and the line of sight in three frames, (nI, 3)."""
    frames = {"MARS": geometry.vec_mars, "MSO": geometry.vec_mso, "J2000": geometry.vec_j2000}
    axes = {}
    for name, vectors in frames.items():
        sight = vectors[:, :, 0, vectors.shape[-1] // 2]
        slit = normalise(vectors[:, :, 0, -1] - vectors[:, :, 0, 0])
        axes |= {f"VX_INSTR_{name}": slit, f"VY_INSTR_{name}": np.cross(sight, slit), f"VZ_INSTR_{name}": sight}
    return axes


def _emissions(swath: Swath, world: World, rng: np.random.Generator) -> Columns:
    """EMISS: a row a line; their number and order vary a little, as between versions of the processing."""
    dropped = set(rng.choice(_DROPPABLE, rng.integers(3), replace=False))
    lines = [line for row, line in enumerate(EMISSIONS) if row not in dropped]
    place = rng.integers(len(lines) - 1)
    lines[place : place + 2] = lines[place + 1], lines[place]
    measured = [_line(swath, world, rng, line) for line in lines]
    radiance, error = (np.stack(part).transpose(0, 2, 1) for part in zip(*measured, strict=True))  # (nE, nS, nI)
    wavelengths = np.array([[line.wavelength_nm] for line in lines])
    flags = (swath.flagged | ~swath.on_slit).T.astype(np.uint8)
    goodness = (rng.integers(60, 141, flags.shape) / 100).astype(np.float32)
    return {
        "NAME": (np.array([line.name.ljust(60) for line in lines], "S60"), ""),
        "RADIANCE": (radiance, "R"),
        "RAD_ERR_RAND": (error, "R"),
        "RAD_ERR_SYS": (np.abs(radiance) * np.float32(world.systematic_error), "R"),
        "GOODNESS_OF_FIT": (np.broadcast_to(goodness, radiance.shape), ""),
        "QLTY_FLG": (np.broadcast_to(flags, radiance.shape), ""),
        "COUNTS": (np.rint(radiance * np.float32(world.counts_per_R)), "counts"),
        "WL_START": (wavelengths - np.array([1.4, 1.2]), "nm"),
        "WL_STOP": (wavelengths + np.array([1.2, 1.4]), "nm"),
        "DOF": (np.full((len(lines), 2), (7, 5), np.int16), ""),
    }


def _line(swath: Swath, world: World, rng: np.random.Generator, line: Emission) -> tuple[Single, Single]:
    """Brightness and random error of one line, (nI, nS); those beside 130.4 nm in whole counts, normally spread."""
    if line.name == OXYGEN_1304:
        return swath.brightness_R.astype(np.float32), swath.random_error_R.astype(np.float32)
    true = line.day_R / 370 * swath.background_R + line.night_R + line.aurora * swath.excess_R
    counts = (true * world.counts_per_R).astype(np.float32)
    counts = np.rint(counts + np.sqrt(counts) * rng.standard_normal(counts.shape, np.float32)).clip(0)
    counts[~swath.on_slit] = np.nan
    per_R = np.float32(world.counts_per_R)
    return counts / per_R, np.sqrt(np.maximum(counts, 1)) / per_R


def _spectra(swath: Swath, world: World, rng: np.random.Generator) -> Columns:
    """CAL at full size, (nI, nS, nW) float32 a column: lines as wide as the slit makes them, on a faint continuum."""
    wavelengths = _wavelengths(swath, world)
    width = (1.3 if swath.slit_width_deg < 0.2 else 1.8) / 2.3548  # nm, from full width at half maximum
    radiance = np.full((*swath.brightness_R.shape, world.n_wavelengths), 0.2, np.float32)
    for line in EMISSIONS:
        profile = np.exp(-0.5 * ((wavelengths - line.wavelength_nm) / width) ** 2) / (width * np.sqrt(2 * np.pi))
        lit = np.flatnonzero((profile > 1e-4).any(0))
        near = slice(lit[0], lit[-1] + 1)
        brightness, _ = _line(swath, world, rng, line)
        radiance[..., near] += brightness[..., None] * profile[:, near].astype(np.float32)
    counts = np.rint(radiance * np.float32(world.counts_per_R * 70 / world.n_wavelengths))
    error = np.sqrt(np.maximum(radiance, 0) / np.float32(world.counts_per_R) + np.float32(0.1))
    return {
        "RADIANCE": (radiance + np.float32(0.3) * rng.standard_normal(radiance.shape, np.float32), "R/nm"),
        "RAD_ERR_RAND": (error, "R/nm"),
        "RAD_ERR_SYS": (np.abs(radiance) * np.float32(world.systematic_error), "R/nm"),
        **dict.fromkeys(("CORRECTED_CNTS", "RAW_CNTS", "BKG_CNTS"), (counts, "counts")),
    }
