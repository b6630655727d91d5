"""Brightness of one emission in EMM/EMUS files: from the table EMISS (Level 2B) or the spectra in CAL (Level 2A)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.emission import Emission
from mars_aurora.errors import InputError
from mars_aurora.readers import samples
from mars_aurora.readers.checks import require_shape
from mars_aurora.readers.fitsfile import FitsFile
from mars_aurora.readers.line import LineImages, find_fitted, fit_line, missing_reason

_VALUES_PER_PIECE = 500_000  # 20 integrations of 128 by 200 values


def read_emission(fits: FitsFile, shape: tuple[int, int], emission: Emission) -> LineImages:
    """Read the emission's row of EMISS, found by name, as images of ``shape``, (nI, nS).

    The images in EMISS are always transposed, (nS, nI): the shape cannot show it when nI equals nS.
    Raises InputError NO_LINE or NO_EMISSION, with the names of the emissions, if there is no such row.
    """
    names = fits.texts("EMISS", "NAME")
    row = next((row for row, name in enumerate(names) if emission.name_pattern.match(name)), None)
    if row is None:
        detail = f"EMISS has no emission {emission.name}; its emissions: {', '.join(names) or 'none'}"
        raise InputError(missing_reason(emission), fits.name, detail[:300])

    def image(column: str, unit: str | None = "R") -> NDArray[Any]:
        values = fits.column("EMISS", column, unit, part=row)
        require_shape(f"EMISS.{column} of one emission", values.shape, shape[::-1], fits.name)
        return np.transpose(values)

    def optional(column: str, fill: float, unit: str | None = "R") -> NDArray[Any]:
        return image(column, unit) if fits.has_column("EMISS", column) else np.full(shape, fill)

    return LineImages(
        image("RADIANCE"),
        optional("RAD_ERR_RAND", np.nan),
        optional("RAD_ERR_SYS", np.nan),
        np.asarray(optional("QLTY_FLG", 0, None) != 0),
    )


def fit_spectra(fits: FitsFile, shape: tuple[int, int], emission: Emission) -> LineImages:
    """Fit the line in the spectra of CAL, as images of ``shape``, (nI, nS).

    The width of the line is fitted to the mean spectra, then the weights are applied to every integration. CAL at
    full size exceeds 100 MB and is read twice in pieces. Raises InputError as `fit_line`.
    """
    require_shape("CAL", fits.shape("CAL"), shape[:1], fits.name)
    wavelength_nm = _read_wavelengths(fits, shape[1])
    near = find_fitted(wavelength_nm, emission)
    total, count = np.zeros(wavelength_nm.shape), np.zeros(wavelength_nm.shape)
    for piece in _read_pieces(fits, "RADIANCE", wavelength_nm.shape, near):
        spectra = samples.brightness(piece)
        total[:, near] += np.nansum(spectra, axis=0)
        count[:, near] += np.isfinite(spectra).sum(axis=0)
    fitted = fit_line(wavelength_nm, total / np.maximum(count, 1), emission, fits.name)
    weights = replace(fitted, window=slice(None))  # only the samples of the window are read

    def image(column: str, measure: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
        pieces = _read_pieces(fits, column, wavelength_nm.shape, fitted.window)
        return np.concatenate([measure(piece) for piece in pieces])

    def optional(column: str, measure: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
        return image(column, measure) if fits.has_column("CAL", column) else np.full(shape, np.nan, np.float32)

    return LineImages(
        image("RADIANCE", weights.integrate),
        optional("RAD_ERR_RAND", weights.random_error),
        optional("RAD_ERR_SYS", weights.systematic_error),
        np.zeros(shape, bool),
    )


def _read_wavelengths(fits: FitsFile, n_slit: int) -> NDArray[np.float64]:
    """Read the wavelengths in nm, (nS, nW); the column is named after the level it was made for."""
    columns = fits.columns("WAVELENGTH")
    column = next((column for column in columns if column.startswith("WAVELENGTH")), "WAVELENGTH_L2A")
    wavelength = fits.column("WAVELENGTH", column, "nm")
    fits.bounds.require_swath(1, n_slit, wavelength.shape[-1])
    expected = (1, n_slit, wavelength.shape[-1])
    require_shape(f"WAVELENGTH.{column}", wavelength.shape, expected, fits.name)
    return np.asarray(wavelength[0], np.float64)


def _read_pieces(fits: FitsFile, column: str, spectra_shape: tuple[int, ...], window: slice) -> Iterator[NDArray[Any]]:
    """Read a column of spectra in pieces (n, nS, nK), with only the samples in ``window``."""
    require_shape(f"CAL.{column}", fits.column_shape("CAL", column)[1:], spectra_shape, fits.name)
    rows = max(1, _VALUES_PER_PIECE // prod(spectra_shape))
    return fits.column_pieces("CAL", column, rows, "R/nm", part=np.s_[:, :, window])
