"""MAVEN/IUVS L1b files, apoapse, far ultraviolet: a swath as FITS bytes.

HDUs, columns, types and units are those of the mission's files. Spectra are in kR/nm, (nI, nS, nW).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator.orbit import Array, to_utc
from mars_aurora_model.simulator.swath import Swath
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.writers import fits_table, iuvs_geometry, iuvs_metadata
from mars_aurora_model.simulator.writers.emissions import EMISSIONS, Emission
from mars_aurora_model.simulator.writers.fits_table import Columns

HDUS = (
    *("PRIMARY", "Random_dn_unc", "Random_phy_unc", "Systematic_phy_unc", "detector_raw", "detector_dark_subtracted"),
    *("quality_flag", "background_dark", "Dark_Integration", "Dark_Engineering", "Dark_Observation", "detector_dark"),
    *("Integration", "Engineering", "Binning", "SpacecraftGeometry", "PixelGeometry", "Observation"),
)
_UNITS = {"PRIMARY": "kR/nm", "Random_dn_unc": "DN", "Random_phy_unc": "kR/nm", "Systematic_phy_unc": "kR/nm"}
SYSTEMATIC_ERROR = 0.25  # of the radiance, in all spectra
N_WAVELENGTHS = 51
_FIRST_NM, _STEP_NM, _CURVATURE_NM = 120.41, 0.3254, 0.18
_FWHM_NM = 0.6
_LYMAN_ALPHA_NM, _WING_FRACTION, _WING_NM = 121.6, 0.05, 0.8  # exponential wing of scattered light
_STRAY_R_NM, _STRAY_SLOPE = 50.0, 2.0  # stray light at 130 nm, and its slope per nm
_OXYGEN_NM, _FLAGGED_SAMPLES = 130.4, 3  # samples flagged in the spectra of flagged pixels
_DARK_COUNTS = 4.0
_DN_PER_COUNT = 118.8
_N_DARK = 10  # dark integrations: half before the swath, half after it
_DARK_GAP_S = 300.0

Images = dict[str, NDArray[Any]]


def name(swath: Swath) -> str:
    """Return the file name by the mission's convention, ``.fits.gz``."""
    start = to_utc(swath.geometry.et[0])
    return f"mvn_iuv_l1b_apoapse-orbit{swath.header['ORBNUM']:05d}-fuv_{start:%Y%m%dT%H%M%S}_v13_r01.fits.gz"


def write(
    swath: Swath,
    world: World,
    rng: np.random.Generator | None,
    *,
    emissions: Sequence[Emission] = EMISSIONS,
    n_wavelengths: int = N_WAVELENGTHS,
) -> bytes:
    """Write a swath as uncompressed FITS.

    All slit bins are lit: ``swath.off_slit`` has no effect. The brightness is the noise-free background plus the
    excess; the noise is that of the spectra.

    Parameters
    ----------
    swath : Swath
    world : World
        `counts_per_R` sets the noise (real files: 0.06), `oxygen_ratio` the brightness of O I 135.6 nm in auroras.
    rng : Generator or None
        Draws the noise of the spectra and of the dark frames; None for none. The errors are written in both cases.
    emissions : sequence of Emission
        Emissions in the spectra.
    n_wavelengths : int
        Samples per spectrum; the default, as in real files, ends at 136.7 nm.
    """
    product = name(swath).removesuffix(".gz")
    wavelengths_nm = _wavelengths(swath.brightness_R.shape[1], n_wavelengths)
    tables = _tables(swath, wavelengths_nm, product)
    radiance_R_nm = _spectra(swath, world, wavelengths_nm, emissions)
    images = _expose(radiance_R_nm, _flags(swath, wavelengths_nm), world.counts_per_R, rng)
    pieces: list[bytes | memoryview] = []
    for hdu in HDUS:
        if hdu in tables:
            pieces += fits_table.write_table(hdu, tables[hdu])
        elif hdu == "PRIMARY":
            pieces += fits_table.write_image("", images[hdu], iuvs_metadata.header(swath, product))
        else:
            pieces += fits_table.write_image(hdu, images[hdu], {"BUNIT": _UNITS[hdu]} if hdu in _UNITS else {})
    return b"".join(pieces)


def _tables(swath: Swath, wavelengths_nm: Array, product: str) -> dict[str, Columns]:
    geometry, half = swath.geometry, _N_DARK // 2
    cadence_s = float(np.median(np.diff(geometry.et)))
    later_s = cadence_s * np.arange(half)
    dark_et = np.concatenate([geometry.et[0] - _DARK_GAP_S + later_s, geometry.et[-1] + _DARK_GAP_S + later_s])
    observation = iuvs_metadata.observation(swath, wavelengths_nm, product, cadence_s)
    return {
        "Dark_Integration": iuvs_geometry.integration(dark_et, np.full(_N_DARK, 90.0)),
        "Dark_Engineering": iuvs_metadata.engineering(2, half, cadence_s, units=False),
        "Dark_Observation": iuvs_metadata.dark_observation(observation, product),
        "Integration": iuvs_geometry.integration(geometry.et, iuvs_geometry.field_of_view_deg(geometry)),
        "Engineering": iuvs_metadata.engineering(1, len(geometry.et), cadence_s, units=True),
        "Binning": iuvs_metadata.binning(*wavelengths_nm.shape),
        "SpacecraftGeometry": iuvs_geometry.spacecraft(geometry),
        "PixelGeometry": iuvs_geometry.pixels(geometry),
        "Observation": observation,
    }


def _wavelengths(n_slit: int, n_wavelengths: int) -> Array:
    """Return the wavelengths (nS, nW) in nm, shifted along the slit."""
    shift = _CURVATURE_NM * np.linspace(0, 1, n_slit)
    return _FIRST_NM + _STEP_NM * np.arange(n_wavelengths) + shift[:, None]


def _spectra(swath: Swath, world: World, wavelengths_nm: Array, emissions: Sequence[Emission]) -> Array:
    """Return noise-free spectra (nI, nS, nW) in R/nm: Gaussian lines, the wing of Lyman alpha and stray light."""
    stray = _STRAY_R_NM + _STRAY_SLOPE * (wavelengths_nm - 130)
    radiance: Array = np.tile(stray, (len(swath.brightness_R), 1, 1))
    for emission in emissions:
        profile = _profile(wavelengths_nm, emission.wavelength_nm)
        if profile.max() > 1e-6:
            brightness = emission.brightness(swath.background_R, swath.excess_R + swath.diffuse_R, world.oxygen_ratio)
            radiance += brightness[..., None] * profile
    return radiance


def _profile(wavelengths_nm: Array, line_nm: float) -> Array:
    """Return the profile of a line of 1 R, per nm."""
    sigma = _FWHM_NM / 2.3548
    distance = wavelengths_nm - line_nm
    gaussian: Array = np.exp(-0.5 * (distance / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    if line_nm != _LYMAN_ALPHA_NM:
        return gaussian
    wing = np.exp(-np.abs(distance) / _WING_NM) / (2 * _WING_NM)
    return (1 - _WING_FRACTION) * gaussian + _WING_FRACTION * wing


def _flags(swath: Swath, wavelengths_nm: Array) -> NDArray[np.bool_]:
    """Flag the samples at O I 130.4 nm in the spectra of flagged pixels, (nI, nS, nW)."""
    near: NDArray[np.bool_] = np.abs(wavelengths_nm - _OXYGEN_NM) < _FLAGGED_SAMPLES * _STEP_NM / 2
    return swath.flagged[..., None] & near


def _expose(
    radiance_R_nm: Array, flags: NDArray[np.bool_], counts_per_R: float, rng: np.random.Generator | None
) -> Images:
    """Return all images: photons counted with the dark, which is subtracted; flagged samples are no different."""
    per_kR_nm = 1000 * counts_per_R * _STEP_NM
    expected = radiance_R_nm / 1000 * per_kR_nm + _DARK_COUNTS
    counts = _count(expected, rng)
    frames = _count(np.full((_N_DARK, *counts.shape[1:]), _DARK_COUNTS), rng)
    return {
        **_calibrate(counts - _DARK_COUNTS, np.sqrt(np.maximum(counts, 1)), per_kR_nm),
        "detector_raw": np.rint(counts * _DN_PER_COUNT).astype(np.int32),
        "quality_flag": flags.astype(np.int16),
        "background_dark": np.full(counts.shape, _DARK_COUNTS * _DN_PER_COUNT, np.float32),
        "detector_dark": np.rint(frames * _DN_PER_COUNT).astype(np.int32),
    }


def _count(expected: Array, rng: np.random.Generator | None) -> Array:
    return expected if rng is None else rng.poisson(expected).astype(np.float64)


def _calibrate(counts: Array, error: Array, per_kR_nm: float) -> Images:
    """Return counts above the dark and their errors in DN and in kR/nm."""
    images = {
        "detector_dark_subtracted": counts * _DN_PER_COUNT,
        "Random_dn_unc": error * _DN_PER_COUNT,
        "PRIMARY": counts / per_kR_nm,
        "Random_phy_unc": error / per_kR_nm,
        "Systematic_phy_unc": SYSTEMATIC_ERROR * counts / per_kR_nm,
    }
    return {hdu: values.astype(np.float32) for hdu, values in images.items()}
