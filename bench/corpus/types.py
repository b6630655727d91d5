"""Columns as scaled integers, and as types that hold no numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from bench.corpus import bases
from bench.corpus.case import AS_BASE, Case, Document, Right, kind
from bench.corpus.columns import COLUMNS, IMAGES, OTHER_UNIT, Column, Values, change, quiet


@kind
def scaled() -> Iterator[Case]:
    """Integers with TSCAL, TZERO and TNULL."""
    for column in COLUMNS:
        for code, dtype, bits in (("I", np.int16, 15), ("J", np.int32, 31), ("K", np.int64, 40)):
            for unit in ("", "other"):
                if unit and code != "J":
                    continue
                edit = partial(_scale_to_integers, column=column, dtype=dtype, bits=bits, other_unit=bool(unit))
                text = f"{column.label} as {code}, scaled{', in another unit' if unit else ''}"
                yield Case("scaled", text, edit, AS_BASE, column.base)
    for hdu in IMAGES:
        for bitpix in (16, 32, 8):
            for offset in (0.0, 100.0):
                edit = partial(_scale_image_to_integers, hdu=hdu, bitpix=bitpix, offset=offset)
                right = AS_BASE if bitpix > 8 else AS_BASE | Right(other=True)
                yield Case("scaled", f"{hdu} as BITPIX {bitpix}, BZERO {offset}", edit, right, "iuvs")


def _scale_to_integers(document: Document, column: Column, dtype: Any, bits: int, *, other_unit: bool) -> None:  # noqa: ANN401 -- a dtype
    unit, factor = next(iter(OTHER_UNIT[column.unit].items())) if other_unit else (column.unit, 1.0)
    step, zero = 1.0, 0.0

    def edit(values: Values) -> Values:
        nonlocal step, zero
        values = values.astype(np.float64) * factor
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        zero = (low + high) / 2
        step = max(high - low, 1e-3) / 2 / (2**bits - 10)
        stored: Values = np.where(np.isfinite(values), np.rint((values - zero) / step), -(2**bits)).astype(dtype)
        return stored

    change(document, column, edit, unit)
    hdu = document[column.hdu]
    number = hdu.column_number(column.name)
    hdu.put(f"TSCAL{number}", f"{step!r}")
    hdu.put(f"TZERO{number}", f"{zero!r}")
    hdu.put(f"TNULL{number}", str(-(2**bits)))


def _scale_image_to_integers(document: Document, hdu: str, bitpix: int, offset: float) -> None:
    image = document[hdu]
    values = np.frombuffer(image.data, ">f4").astype(float).reshape(*bases.swath().swath.brightness_R.shape, -1)
    values[quiet(4, 5)] = np.nan
    low, high = (0, 255) if bitpix == 8 else (-(2 ** (bitpix - 1)) + 1, 2 ** (bitpix - 1) - 10)
    step = (np.nanmax(values) - np.nanmin(values)) / (high - low)
    zero = np.nanmin(values) - (low + (1 if bitpix == 8 else 0)) * step + 0 * offset
    blank = 0 if bitpix == 8 else low - 1
    stored = np.where(np.isfinite(values), np.rint((values - zero) / step), blank).clip(low - 1, high)
    image.data = stored.astype({8: "u1", 16: ">i2", 32: ">i4"}[bitpix]).tobytes()
    image.put("BITPIX", str(bitpix))
    image.put("BSCALE", repr(float(step)))
    image.put("BZERO", repr(float(zero)))
    image.put("BLANK", str(blank))


@kind
def types() -> Iterator[Case]:
    """Other types of a column: floats of both widths, and types that hold no numbers."""
    for column in COLUMNS:
        for label, edit in {"float32": np.float32, "float64": np.float64}.items():
            as_type = partial(_retype, column=column, dtype=edit)
            yield Case("types", f"{column.label} as {label}", as_type, AS_BASE, column.base)
        for label, form in {"logical": "L", "text": "A", "bits": "X", "complex": "C"}.items():
            form_edit = partial(_reform, column=column, code=form)
            yield Case("types", f"{column.label} as {label}", form_edit, column.broken, column.base)
        for code in ("PE(9)", "QD(9)"):
            descriptor = partial(_descriptor, column=column, code=code)
            yield Case("types", f"{column.label} as {code}", descriptor, column.broken, column.base)


def _retype(document: Document, column: Column, dtype: Any) -> None:  # noqa: ANN401 -- a dtype
    change(document, column, lambda values: values.astype(dtype))


def _reform(document: Document, column: Column, code: str) -> None:
    change(document, column, lambda values: values.astype(np.float64))
    hdu = document[column.hdu]
    number = hdu.column_number(column.name)
    count = int(hdu.text(f"TFORM{number}").rstrip("D")) * 8
    repeat = {"L": count, "A": count, "X": count * 8, "C": count // 8}[code]
    hdu.put(f"TFORM{number}", f"'{repeat}{code}'")
    if code != "C" and hdu.text(f"TDIM{number}"):
        hdu.drop(f"TDIM{number}")


def _descriptor(document: Document, column: Column, code: str) -> None:
    dtype = np.int32 if code[0] == "P" else np.int64
    change(document, column, lambda values: np.tile(np.array([9, 0], dtype), (len(values), 1)))
    hdu = document[column.hdu]
    hdu.put(f"TFORM{hdu.column_number(column.name)}", f"'1{code}'")
