"""FITS binary tables as bytes, for arrays of many megabytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

Columns = dict[str, tuple[NDArray[Any], str]]  # name: (values whose first axis is the rows, unit)

_FORMAT_CODES = {"f8": "D", "f4": "E", "u1": "B", "i2": "I"}


def write_primary(keywords: dict[str, Any]) -> bytes:
    """Write a primary header without data."""
    header = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True), *keywords.items()])
    text: str = header.tostring()
    return text.encode()


def write_table(name: str, columns: Columns) -> list[bytes | memoryview]:
    """Write a BINTABLE as a list of pieces to be joined.

    astropy's own writer produces the same bytes in three times the time.
    """
    layout = [(column, values.dtype.newbyteorder(">"), values.shape[1:]) for column, (values, _) in columns.items()]
    rows = np.empty(len(next(iter(columns.values()))[0]), dtype=layout)
    for column, (values, _) in columns.items():
        rows[column] = values
    header = fits.Header([("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2)])
    header.update({"NAXIS1": rows.itemsize, "NAXIS2": len(rows), "PCOUNT": 0, "GCOUNT": 1, "TFIELDS": len(columns)})
    for number, (column, (values, unit)) in enumerate(columns.items(), 1):
        header[f"TTYPE{number}"] = column
        header[f"TFORM{number}"] = _format(values)
        if values.ndim > 2:
            header[f"TDIM{number}"] = "({})".format(",".join(map(str, values.shape[:0:-1])))
        if unit:
            header[f"TUNIT{number}"] = unit
    header["EXTNAME"] = name
    text: str = header.tostring()
    return [text.encode(), rows.view(np.uint8).data, bytes(-rows.nbytes % 2880)]


def _format(values: NDArray[Any]) -> str:
    """Return the TFORM of a column."""
    if values.dtype.kind == "S":
        return f"{values.dtype.itemsize}A"
    return f"{np.prod(values.shape[1:], dtype=int)}{_FORMAT_CODES[values.dtype.str[1:]]}"
