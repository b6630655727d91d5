"""Small EMUS files whose brightness and coordinates are known functions of the pixel indices.

The angles and the local time are those of the coordinates on a sphere.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from mars_aurora_model.simulator import orbit
from mars_aurora_model.simulator.world import MARS_RADIUS_KM

N_EMISSIONS = 4
LINE_ROW = 2
SUB_SPACECRAFT, SUB_SOLAR = (5.0, -10.0), (12.0, 200.0)  # latitude, east longitude
ALTITUDE_KM = 20_000.0
MISSION_NAME = "emm_emu_l2b_20220331t212107_0191_os2_sw1of3_r_v01-04.fits"

UNITS = {
    **dict.fromkeys(("RADIANCE", "RAD_ERR_RAND", "RAD_ERR_SYS"), "R"),
    **dict.fromkeys(("LAT", "LON", "SOLAR_Z_ANGLE", "EMISSION_ANGLE", "RA", "DEC"), "deg"),
    **dict.fromkeys(("SUB_SC_LAT", "SUB_SC_LON", "SUB_SOLAR_LAT", "SUB_SOLAR_LON"), "deg"),
    **dict.fromkeys(("MRH_ALT", "SC_ALT"), "km"),
    "LOCAL_TIME": "h",
    "WAVELENGTH_L2A": "nm",
    "TIME_ET": "s",
}

Tables = dict[str, dict[str, NDArray]]


def expected_brightness(n_integrations: int, n_slit: int) -> NDArray:
    """Brightness (nI, nS) in R, different in every pixel and when transposed."""
    return 1.0 + np.arange(n_integrations)[:, None] + np.arange(n_slit)[None, :] / 1000


def angle_deg(one: NDArray, other: NDArray) -> NDArray:
    """Angle between vectors (..., 3) of any length."""
    return np.degrees(np.arccos(np.sum(orbit.normalize(one) * orbit.normalize(other), axis=-1)))


def make_tables(n_integrations: int = 8, n_slit: int = 128, *, center: int = 0) -> Tables:
    """Tables of an L2B file as {HDU: {column: values}}, with numpy shapes."""
    corners = [(-0.4, -0.4), (-0.4, 0.4), (0.4, 0.4), (0.4, -0.4)]  # (d lon, d lat) around the pixel
    offsets = np.insert(np.array(corners), center, 0.0, axis=0)
    integration, slit = np.meshgrid(np.arange(n_integrations), np.arange(n_slit), indexing="ij")

    def five(values: NDArray, axis: int | None = None) -> NDArray:
        shift = 0.0 if axis is None else offsets[None, :, None, axis]
        return np.asarray(values, float)[:, None, :] + shift + np.zeros((1, 5, 1))

    latitude, longitude = five(-60 + slit * min(0.9, 115.2 / n_slit), axis=1), five(-4.0 + integration, axis=0)
    pixels = orbit.unit(latitude, longitude)
    to_spacecraft = (MARS_RADIUS_KM + ALTITUDE_KM) * orbit.unit(*SUB_SPACECRAFT) - MARS_RADIUS_KM * pixels
    shape = (N_EMISSIONS, n_slit, n_integrations)
    radiance = np.full(shape, -999.0, "f4")
    radiance[LINE_ROW] = expected_brightness(n_integrations, n_slit).T
    sky = five(100 + integration / 100)
    sky[:, :, [0, -1]] = np.nan  # both ends of the slit
    flags = np.zeros(shape, "u1")
    flags[LINE_ROW, 3, 4:5] = 1
    return {
        "TIME": {
            "TIME_ET": np.arange(n_integrations, dtype=float),
            "TIME_UTC": np.array([f"2022-03-31T21:21:{second % 60:02d}.000" for second in range(n_integrations)]),
        },
        "SC_GEOM": {
            "SUB_SC_LAT": np.full(n_integrations, SUB_SPACECRAFT[0]),
            "SUB_SC_LON": np.full(n_integrations, SUB_SPACECRAFT[1]),
            "SUB_SOLAR_LAT": np.full(n_integrations, SUB_SOLAR[0]),
            "SUB_SOLAR_LON": np.full(n_integrations, SUB_SOLAR[1]),
            "SC_ALT": np.full(n_integrations, ALTITUDE_KM),
        },
        "FOV_GEOM": {
            "LAT": latitude,
            "LON": longitude,
            "LOCAL_TIME": (12 + (longitude - SUB_SOLAR[1]) / 15) % 24,
            "SOLAR_Z_ANGLE": angle_deg(pixels, orbit.unit(*SUB_SOLAR)),
            "EMISSION_ANGLE": angle_deg(pixels, to_spacecraft),
            "MRH_ALT": five(np.where(slit < n_slit - 10, 0.0, 300.0)),
            "RA": sky,
            "DEC": sky - 90,
            "VEC_MSO": np.zeros((n_integrations, 3, 5, n_slit)),
        },
        "EMISS": {
            "NAME": np.array(["H I 121.6 singlet".ljust(30), "C I 156.1", " O I 130.4 triplet ", "O I 135.6 doublet"]),
            "RADIANCE": radiance,
            "RAD_ERR_RAND": radiance / 10,
            "RAD_ERR_SYS": radiance / 20,
            "QLTY_FLG": flags,
        },
    }


def make_spectra(
    n_integrations: int = 8, n_slit: int = 128, n_samples: int = 200, *, line_R: float = 40.0, fwhm_nm: float = 1.3
) -> Tables:
    """WAVELENGTH and CAL: six lines on a sloping baseline, 130.4 nm at ``line_R``; wavelengths vary along the slit."""
    wavelength = np.linspace(100, 170, n_samples) + np.linspace(-0.3, 0.3, n_slit)[:, None]
    sigma = fwhm_nm / 2.3548
    one = 3.0 + 0.1 * (wavelength - 130)
    for center, brightness in (
        (121.6, 600.0),
        (124.3, 20.0),
        (127.7, 10.0),
        (130.4, line_R),
        (133.5, 20.0),
        (135.6, 10.0),
    ):
        one += brightness * np.exp(-0.5 * ((wavelength - center) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    one = one.astype("f4")
    radiance = np.broadcast_to(one, (n_integrations, n_slit, n_samples)).copy()
    return {
        "WAVELENGTH": {"WAVELENGTH_L2A": wavelength[None]},
        "CAL": {"RADIANCE": radiance, "RAD_ERR_RAND": np.full_like(radiance, 0.5), "RAD_ERR_SYS": radiance * 0.05},
    }


def write_tables(path: Path, tables: Tables, **header: object) -> Path:
    """Write tables as BINTABLEs in the given order, gzipped if the name ends in ``.gz``."""
    primary = fits.PrimaryHDU()
    primary.header.update(header)
    hdus = [primary, *(_make_hdu(name, columns) for name, columns in tables.items())]
    fits.HDUList(hdus).writeto(path)
    return path


def _make_hdu(name: str, columns: dict[str, NDArray]) -> fits.BinTableHDU:
    made = []
    for column, values in columns.items():
        if values.dtype.kind == "U":
            made.append(fits.Column(column, f"{values.dtype.itemsize // 4}A", array=values))
            continue
        code = {"f8": "D", "f4": "E", "u1": "B", "i2": "I", "i4": "J", "u2": "I", "b1": "L"}[values.dtype.str[1:]]
        bzero = 32768 if values.dtype == np.uint16 else None
        dim = f"({','.join(map(str, values.shape[:0:-1]))})" if values.ndim > 2 else None
        unit = "R/nm" if name == "CAL" else UNITS.get(column)
        form = f"{int(np.prod(values.shape[1:]))}{code}"
        made.append(fits.Column(column, form, unit, dim=dim, array=values, bzero=bzero))
    return fits.BinTableHDU.from_columns(made, name=name)
