"""Values and flags of files whose structure is sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.corpus import bases
from bench.corpus.case import ANY, AS_BASE, REJECTED, SOUND, Case, Document, Right, kind, rejected
from bench.corpus.columns import quiet
from mars_aurora_model.simulator.writers.fits_table import Columns

Values = NDArray[Any]


LINE = b"O I 130.4 triplet"


def find_line(columns: Columns) -> int:
    return [bytes(name).strip() for name in columns["NAME"][0]].index(LINE)


def edit_emission(document: Document, edit: Callable[[Columns, int], None]) -> None:
    columns = document.columns("EMISS")
    edit(columns, find_line(columns))
    document.set_columns("EMISS", columns)


def _set(columns: Columns, row: int, column: str, value: Any, *, where: str) -> None:  # noqa: ANN401 -- any value
    rows, bins = quiet(3, 3)
    index = (row, bins, rows) if where == "block" else (row,)
    columns[column][0][index] = value


def _edited(what: str, edit: Callable[[Columns, int], None], right: Right) -> Case:
    return Case("values", what, partial(edit_emission, edit=edit), right)


@kind
def values() -> Iterator[Case]:
    for value in (np.inf, -np.inf, np.nan, 1e38, -1e38, 1e-40, 1e5, -500.0, 0.0):
        yield _edited(
            f"brightness {value:g} in a block", partial(_set, column="RADIANCE", value=value, where="block"), AS_BASE
        )
    for value in (np.inf, np.nan, 1e38, -1.0, 0.0, 1e-30):
        for column in ("RAD_ERR_RAND", "RAD_ERR_SYS"):
            yield _edited(
                f"{column} {value:g} in a block", partial(_set, column=column, value=value, where="block"), AS_BASE
            )
        right = AS_BASE if value != 1e38 else SOUND | Right(other=True)
        yield _edited(
            f"random error {value:g} everywhere", partial(_set, column="RAD_ERR_RAND", value=value, where="all"), right
        )
        yield _edited(
            f"systematic error {value:g} everywhere",
            partial(_set, column="RAD_ERR_SYS", value=value, where="all"),
            right,
        )
    for value in (np.nan, np.inf, -9999.0, 1e30):
        right = rejected("no_finite_data")
        yield _edited(
            f"brightness {value:g} everywhere", partial(_set, column="RADIANCE", value=value, where="all"), right
        )
    for value in (0.0, 1.0, 2000.0, -3.0):
        yield _edited(
            f"brightness {value:g} everywhere",
            partial(_set, column="RADIANCE", value=value, where="all"),
            Right(other=True) | REJECTED,
        )
    for step_R in (0.25, 1.0, 2.777):
        yield _edited(f"brightness in counts of {step_R} R", partial(_quantize, step_R=step_R), AS_BASE)
    for value in (1, 2, 128, 255):
        flagged = AS_BASE
        yield _edited(f"flag {value} everywhere", partial(_set, column="QLTY_FLG", value=value, where="all"), flagged)
        yield _edited(f"flag {value} in a block", partial(_set, column="QLTY_FLG", value=value, where="block"), flagged)
    yield Case("values", "flags of IUVS all 1", partial(_constant_image, hdu="quality_flag", value=1), AS_BASE, "iuvs")
    yield Case(
        "values", "flags of IUVS all -1", partial(_constant_image, hdu="quality_flag", value=-1), AS_BASE, "iuvs"
    )
    for value in (np.nan, 0.0, np.inf, -1.0):
        for hdu in ("Random_phy_unc", "Systematic_phy_unc"):
            yield Case(
                "values", f"{hdu} all {value:g}", partial(_constant_image, hdu=hdu, value=value), AS_BASE, "iuvs"
            )
        right = REJECTED if not np.isfinite(value) else Right(other=True) | REJECTED
        yield Case(
            "values", f"spectra all {value:g}", partial(_constant_image, hdu="PRIMARY", value=value), right, "iuvs"
        )
    yield Case("values", "emissions of one row", _one_emission, AS_BASE)
    yield Case("values", "as many integrations as slit bins", _square, Right(other=True) | AS_BASE, timed=False)
    for count in (0, 1, 2, 4):
        right = (
            rejected("no_integrations") if count == 0 else rejected("too_few_integrations", "no_disk", "no_finite_data")
        )
        yield Case("values", f"{count} integrations", partial(first_rows, count=count), right, timed=False)
    for count in (5, 6, 10):
        yield Case("values", f"{count} integrations", partial(first_rows, count=count), ANY, timed=False)
    for bins in (0, 1, 2, 3):
        yield Case("values", f"{bins} slit bins", partial(_first_bins, count=bins), REJECTED | Right(other=True))
    yield Case("values", "Mars out of view", _no_disk, rejected("no_disk", "inconsistent_geometry"))
    yield Case("values", "wavelengths reversed", partial(_wavelengths, edit=lambda v: v[..., ::-1]), REJECTED, "iuvs")
    yield Case(
        "values", "wavelengths of MUV", partial(_wavelengths, edit=lambda v: v + 80), rejected("no_130nm_line"), "iuvs"
    )
    yield Case(
        "values",
        "wavelengths all equal",
        partial(_wavelengths, edit=lambda v: v * 0 + 130.4),
        rejected("no_130nm_line"),
        "iuvs",
    )
    yield Case("values", "a wavelength of NaN", partial(_wavelengths, edit=_nan_first), SOUND, "iuvs")
    yield Case("values", "wavelengths of one bin NaN", partial(_wavelengths, edit=_nan_bin), AS_BASE, "iuvs")


def _quantize(columns: Columns, row: int, step_R: float) -> None:
    radiance = columns["RADIANCE"][0]
    radiance[row] = np.rint(radiance[row] / step_R) * step_R


def _constant_image(document: Document, hdu: str, value: float) -> None:
    image = document[hdu]
    dtype = ">i2" if image.number("BITPIX") == 16 else ">f4"
    image.data = np.full(len(image.data) // np.dtype(dtype).itemsize, value, dtype).tobytes()


def _one_emission(document: Document) -> None:
    columns = document.columns("EMISS")
    row = find_line(columns)
    document.set_columns("EMISS", {name: (values[row : row + 1], unit) for name, (values, unit) in columns.items()})


def first_rows(document: Document, count: int) -> None:
    for hdu in ("FOV_GEOM", "SC_GEOM", "TIME"):
        columns = document.columns(hdu)
        document.set_columns(hdu, {name: (values[:count], unit) for name, (values, unit) in columns.items()})
    _crop_emissions(document, lambda values: values[..., :count])


def _first_bins(document: Document, count: int) -> None:
    n_slit = bases.swath().swath.brightness_R.shape[1]
    columns = document.columns("FOV_GEOM")
    cropped = {n: (v[..., :count] if v.shape[-1] == n_slit else v, unit) for n, (v, unit) in columns.items()}
    document.set_columns("FOV_GEOM", cropped)
    _crop_emissions(document, lambda values: values[:, :count])


def _square(document: Document) -> None:
    """Keep the last integrations, as many as there are slit bins."""
    n_slit = bases.swath().swath.brightness_R.shape[1]
    count = min(n_slit, document["FOV_GEOM"].number("NAXIS2"))
    first_rows(document, count)
    _first_bins(document, count)


def _crop_emissions(document: Document, crop: Callable[[Values], Values]) -> None:
    columns = document.columns("EMISS")
    cropped = {n: (np.ascontiguousarray(crop(v)) if v.ndim == 3 else v, unit) for n, (v, unit) in columns.items()}
    document.set_columns("EMISS", cropped)


def _no_disk(document: Document) -> None:
    columns = document.columns("FOV_GEOM")
    columns["MRH_ALT"] = (columns["MRH_ALT"][0] + 500, "km")
    document.set_columns("FOV_GEOM", columns)


def _wavelengths(document: Document, edit: Callable[[Values], Values]) -> None:
    columns = document.columns("Observation")
    values, unit = columns["WAVELENGTH"]
    columns["WAVELENGTH"] = (np.ascontiguousarray(edit(values)), unit)
    document.set_columns("Observation", columns)


def _nan_first(values: Values) -> Values:
    values[..., 0] = np.nan
    return values


def _nan_bin(values: Values) -> Values:
    values[:, 0] = np.nan
    return values
