"""EMUS L2B files: the tables of a swath as FITS bytes.

All tables are BINTABLEs identified by name. EMISS has the slit axis before the integration axis, as in the mission's
files; the other tables have one row per integration.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator.geometry import Geometry
from mars_aurora_model.simulator.orbit import AU_KM, Array, stamp, to_utc
from mars_aurora_model.simulator.swath import Swath
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.writers import fits_table
from mars_aurora_model.simulator.writers.axes import instrument_axes, longitude_deg
from mars_aurora_model.simulator.writers.emissions import DROPPABLE, EMISSIONS, OXYGEN_1304, Emission
from mars_aurora_model.simulator.writers.fits_table import Columns

Single = NDArray[np.float32]


def write(swath: Swath, world: World, rng: np.random.Generator, *, spectra: bool = False, level: str = "l2b") -> bytes:
    """Write a swath as FITS.

    Parameters
    ----------
    swath : Swath
    world : World
    rng : Generator
        Draws the noise of the other emissions and the order of the tables.
    spectra : bool
        Add the full spectra (CAL).
    level : "l2b" or "l2a"
        L2A files contain CAL and no EMISS.
    """
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
    """Return the wavelengths (nS, nW) in nm, with a small curvature along the slit."""
    shift = 0.3 * np.linspace(-1, 1, len(swath.off_slit)) ** 2
    return np.linspace(100, 170, world.n_wavelengths) + shift[:, None]


def _spacecraft(geometry: Geometry) -> Columns:
    position, sun = geometry.spacecraft_mars_km, geometry.sun_mars
    latitude, altitude = geometry.figure.find_below(position)
    return {
        "SUB_SC_LAT": (latitude, "deg"),
        "SUB_SC_LON": (longitude_deg(position), "deg"),
        "SUB_SOLAR_LAT": (geometry.figure.find_sub_solar(sun), "deg"),
        "SUB_SOLAR_LON": (longitude_deg(sun), "deg"),
        "SC_ALT": (altitude, "km"),
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
        single = values.astype(np.float32)  # error of 0.03 arcmin at most; reduces the gzipped size by a third
        single[..., swath.off_slit] = np.nan
        columns[name] = (single.astype(">f8"), unit)
    for frame, axes in instrument_axes(geometry).items():
        columns |= {f"V{axis}_INSTR_{frame}": (vectors, "") for axis, vectors in axes.items()}
    return {**columns, "SLIT_WIDTH": (np.full(len(geometry.et), swath.slit_width_deg), "deg")}


def _emissions(swath: Swath, world: World, rng: np.random.Generator) -> Columns:
    """Return EMISS, one row per emission; number and order vary slightly, as between versions of the processing."""
    dropped = set(rng.choice(DROPPABLE, rng.integers(3), replace=False))
    emissions = [emission for row, emission in enumerate(EMISSIONS) if row not in dropped]
    swapped = rng.integers(len(emissions) - 1)
    emissions[swapped : swapped + 2] = emissions[swapped + 1], emissions[swapped]
    measured = [_measure(swath, world, rng, emission) for emission in emissions]
    radiance, error = (np.stack(part).transpose(0, 2, 1) for part in zip(*measured, strict=True))  # (nE, nS, nI)
    wavelengths = np.array([[emission.wavelength_nm] for emission in emissions])
    flags = (swath.flagged | swath.noted | ~swath.on_slit).T.astype(np.uint8)
    goodness = (rng.integers(60, 141, flags.shape) / 100).astype(np.float32)
    return {
        "NAME": (np.array([emission.name.ljust(60) for emission in emissions], "S60"), ""),
        "RADIANCE": (radiance, "R"),
        "RAD_ERR_RAND": (error, "R"),
        "RAD_ERR_SYS": (np.abs(radiance) * np.float32(world.systematic_error), "R"),
        "GOODNESS_OF_FIT": (np.broadcast_to(goodness, radiance.shape), ""),
        "QLTY_FLG": (np.broadcast_to(flags, radiance.shape), ""),
        "COUNTS": (np.rint(radiance * np.float32(world.counts_per_R)), "counts"),
        "WL_START": (wavelengths - np.array([1.4, 1.2]), "nm"),
        "WL_STOP": (wavelengths + np.array([1.2, 1.4]), "nm"),
        "DOF": (np.full((len(emissions), 2), (7, 5), np.int16), ""),
    }


def _measure(swath: Swath, world: World, rng: np.random.Generator, emission: Emission) -> tuple[Single, Single]:
    """Return brightness and random error (nI, nS) of one emission in R.

    Counts of emissions other than O I 130.4 nm are rounded and have normal instead of Poisson noise; of artefacts they
    have the gaps only.
    """
    if emission.name == OXYGEN_1304:
        return swath.brightness_R.astype(np.float32), swath.random_error_R.astype(np.float32)
    true = emission.brightness(swath.background_R, swath.excess_R + swath.diffuse_R, world.oxygen_ratio)
    counts = (true * world.counts_per_R).astype(np.float32)
    counts = np.rint(counts + np.sqrt(counts) * rng.standard_normal(counts.shape, np.float32)).clip(0)
    counts[~swath.on_slit] = np.nan
    per_R = np.float32(world.counts_per_R)
    error = np.sqrt(np.maximum(counts, 1)) / per_R
    return (counts / per_R).astype(np.float32, copy=False), error.astype(np.float32, copy=False)


def _spectra(swath: Swath, world: World, rng: np.random.Generator) -> Columns:
    """Return CAL with columns of shape (nI, nS, nW), float32.

    Lines are Gaussians of the slit's spectral resolution on a faint continuum.
    """
    wavelengths = _wavelengths(swath, world)
    width = (1.3 if swath.slit_width_deg < 0.2 else 1.8) / 2.3548  # nm, from full width at half maximum
    radiance = np.full((*swath.brightness_R.shape, world.n_wavelengths), 0.2, np.float32)
    for emission in EMISSIONS:
        profile = np.exp(-0.5 * ((wavelengths - emission.wavelength_nm) / width) ** 2) / (width * np.sqrt(2 * np.pi))
        lit = np.flatnonzero((profile > 1e-4).any(0))
        near = slice(lit[0], lit[-1] + 1)
        brightness, _ = _measure(swath, world, rng, emission)
        radiance[..., near] += brightness[..., None] * profile[:, near].astype(np.float32)
    counts = np.rint(radiance * np.float32(world.counts_per_R * 70 / world.n_wavelengths))
    error = np.sqrt(np.maximum(radiance, 0) / np.float32(world.counts_per_R) + np.float32(0.1))
    return {
        "RADIANCE": (radiance + np.float32(0.3) * rng.standard_normal(radiance.shape, np.float32), "R/nm"),
        "RAD_ERR_RAND": (error, "R/nm"),
        "RAD_ERR_SYS": (np.abs(radiance) * np.float32(world.systematic_error), "R/nm"),
        **dict.fromkeys(("CORRECTED_CNTS", "RAW_CNTS", "BKG_CNTS"), (counts, "counts")),
    }
