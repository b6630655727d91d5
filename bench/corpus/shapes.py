"""Columns of other shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from bench.corpus.case import SOUND, Case, Document, kind
from bench.corpus.columns import COLUMNS, Column, Values, change

SHAPES: dict[str, Callable[[Values], Values]] = {
    "one bin less": lambda values: values[..., :-1],
    "one bin more": lambda values: np.concatenate([values, values[..., :1]], axis=-1),
    "axes swapped": lambda values: np.ascontiguousarray(np.swapaxes(values, -1, -2)),
    "an axis less": lambda values: np.ascontiguousarray(values[:, 0]),
    "an axis more": lambda values: values[:, None],
    "without axes": lambda values: values.reshape(len(values), -1),
    "one value": lambda values: values.reshape(len(values), -1)[:, 0],
    "no values": lambda values: values.reshape(len(values), -1)[:, :0],
}
TDIMS = (
    "(3,5)",
    "(0)",
    "(-1,-200)",
    "()",
    "(a,b)",
    "(99999999999,99999999999)",
    "40,5",
    "(40,5",
    "(1,200)",
    "(200)",
    "(40.0,5)",
)


@kind
def shapes() -> Iterator[Case]:
    for column in COLUMNS:
        vector = column.hdu in {"SC_GEOM", "SpacecraftGeometry"}
        for label, reshape in SHAPES.items():
            if vector and label != "an axis more":
                continue
            if label == "axes swapped" and column.base == "iuvs" and "CORNER" not in column.name:
                continue  # has one axis
            right = SOUND if label in {"without axes", "an axis more"} else column.broken
            if column.name == "LOCAL_TIME" or not column.required:
                right = SOUND
            yield Case(
                "shapes",
                f"{column.label} with {label}",
                partial(_reshape, column=column, reshape=reshape),
                right,
                column.base,
            )
        if not vector:
            for dims in TDIMS[:: 1 if column.name in {"LAT", "RADIANCE", "PIXEL_CORNER_LAT"} else 3]:
                edit = partial(_redim, column=column, dims=dims)
                yield Case("shapes", f"{column.label} with TDIM {dims}", edit, SOUND, column.base)


def _reshape(document: Document, column: Column, reshape: Callable[[Values], Values]) -> None:
    change(document, column, lambda values: np.ascontiguousarray(reshape(values)))


def _redim(document: Document, column: Column, dims: str) -> None:
    hdu = document[column.hdu]
    hdu.put(f"TDIM{hdu.column_number(column.name)}", f"'{dims}'")
