"""Columns with fill values in a block of pixels, a row, a slit bin, or everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from bench.corpus import bases
from bench.corpus.case import AS_BASE, REJECTED, SOUND, Case, Document, kind
from bench.corpus.columns import COLUMNS, IMAGES, OTHER_UNIT, Column, Values, change, quiet


def block(values: Values, column: Column, rows: int = 4, bins: int = 5) -> Any:  # noqa: ANN401 -- an index
    """Return the index of a block of pixels in a column: on the disk, away from auroras."""
    integrations, slit = quiet(rows, bins)
    if column.hdu == "EMISS":
        return (slice(None), slit, integrations)
    if values.ndim == 1:
        return slice(2, 5)
    if column.base == "emus":
        return (integrations, slice(None), slit)  # of FOV_GEOM
    return (integrations, slit)


FILLS = (-9999.0, -999.0, 9999.0, -1e5, 1e5, -1e30, 1e31, np.inf, -np.inf, np.nan)


@kind
def fills() -> Iterator[Case]:
    for column in COLUMNS:
        if column.name.startswith("WAVELENGTH"):
            continue
        for fill in FILLS:
            for rows, bins in ((4, 5), (1, 40), (60, 1)):
                if "SC" in column.hdu[:2].upper() and bins == 1:
                    continue
                if fill == 9999.0 and column.name in {"MRH_ALT", "SC_ALT", "PIXEL_CORNER_MRH_ALT", "SPACECRAFT_ALT"}:
                    continue  # a valid altitude
                if (rows, bins) != (4, 5) and (abs(fill) > 1e5 or column.base == "iuvs"):
                    continue
                edit = partial(_fill, column=column, fill=fill, rows=rows, bins=bins)
                yield Case("fills", f"{column.label} {fill:g} over {rows} x {bins}", edit, AS_BASE, column.base)
        for unit, factor in list(OTHER_UNIT[column.unit].items())[:2]:
            for fill in (-9999.0, -999.0, 1e31):
                edit = partial(_fill_in_unit, column=column, fill=fill, unit=unit, factor=factor)
                yield Case("fills", f"{column.label} in {unit} with {fill:g}", edit, AS_BASE, column.base)
    for hdu in IMAGES:
        for fill in FILLS:
            yield Case("fills", f"{hdu} {fill:g}", partial(_fill_image, hdu=hdu, fill=fill), AS_BASE, "iuvs")


def _fill(document: Document, column: Column, fill: float, rows: int, bins: int) -> None:
    n_integrations, n_slit = bases.swath().swath.brightness_R.shape
    rows, bins = min(rows, n_integrations), min(bins, n_slit)

    def edit(values: Values) -> None:
        values[block(values, column, rows, bins)] = fill

    change(document, column, edit)


def _fill_in_unit(document: Document, column: Column, fill: float, unit: str, factor: float) -> None:
    """Fill a block of a column that is in another unit; the fill value is not converted."""

    def edit(values: Values) -> Values:
        converted = values * factor
        converted[block(values, column)] = fill
        return converted

    change(document, column, edit, unit)


def _fill_image(document: Document, hdu: str, fill: float) -> None:
    values = np.frombuffer(document[hdu].data, ">f4").copy().reshape(*bases.swath().swath.brightness_R.shape, -1)
    values[quiet(4, 5)] = fill
    document[hdu].data = values.tobytes()


@kind
def all_filled() -> Iterator[Case]:
    """The whole column is one fill value."""
    rejecting = {"LAT", "LON", "SOLAR_Z_ANGLE", "SC_ALT", "RADIANCE", "PIXEL_CORNER_LAT", "PIXEL_CORNER_LON"}
    rejecting |= {
        "PIXEL_SOLAR_ZENITH_ANGLE",
        "SPACECRAFT_ALT",
        "WAVELENGTH",
        "WAVELENGTH_L2A",
        "MRH_ALT",
        "PIXEL_CORNER_MRH_ALT",
    }
    optional = {"LOCAL_TIME", "PIXEL_LOCAL_TIME", "RAD_ERR_RAND", "RAD_ERR_SYS"}
    for column in COLUMNS:
        right = REJECTED if column.name in rejecting else AS_BASE if column.name in optional else SOUND
        for fill in (np.nan, -9999.0, 1e31, -np.inf):
            edit = partial(_fill_all, column=column, fill=fill)
            yield Case("all_filled", f"{column.label} all {fill:g}", edit, right, column.base)


def _fill_all(document: Document, column: Column, fill: float) -> None:
    change(document, column, lambda values: np.full_like(values, fill))
