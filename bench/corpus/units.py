"""Columns in other units, and under other spellings of their unit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from bench.corpus.case import AS_BASE, REJECTED, SOUND, Case, Document, kind
from bench.corpus.columns import COLUMNS, IMAGES, OTHER_UNIT, SAME_UNIT, Column, change

NO_UNIT = ("furlong", "???", "counts", "kg", "deg/km", "1e3 R", "'", "\x01")


def _scale(document: Document, column: Column, factor: float, unit: str) -> None:
    change(document, column, lambda values: values * factor, unit)


@kind
def units() -> Iterator[Case]:
    for column in COLUMNS:
        for unit in SAME_UNIT[column.unit]:
            edit = partial(_scale, column=column, factor=1.0, unit=unit)
            yield Case("units", f"{column.label} in {unit!r}", edit, AS_BASE, column.base)
        for unit, factor in OTHER_UNIT[column.unit].items():
            edit = partial(_scale, column=column, factor=factor, unit=unit)
            yield Case("units", f"{column.label} in {unit}", edit, AS_BASE, column.base)
        for unit in NO_UNIT[:: 1 if column.name in {"LAT", "RADIANCE", "SUB_SC_LON"} else 4]:
            edit = partial(_scale, column=column, factor=1.0, unit=unit)
            yield Case("units", f"{column.label} in {unit!r}", edit, SOUND, column.base)
    for column in COLUMNS:
        if column.unit == "deg" and column.required:
            edit = partial(_scale, column=column, factor=1.0, unit="rad")
            yield Case("units", f"{column.label} in deg, said to be in rad", edit, SOUND | REJECTED, column.base)
    for hdu in IMAGES:
        for unit, factor in {
            "R/nm": 1e3,
            "kR/Angstrom": 0.1,
            "kR nm-1": 1,
            "kR.nm-1": 1,
            "kR*nm**-1": 1,
            "": 1,
        }.items():
            yield Case(
                "units", f"{hdu} in {unit!r}", partial(_scale_image, hdu=hdu, factor=factor, unit=unit), AS_BASE, "iuvs"
            )


def _scale_image(document: Document, hdu: str, factor: float, unit: str) -> None:
    image = document[hdu]
    values = np.frombuffer(image.data, ">f4") * np.float32(factor)
    image.data = values.astype(">f4").tobytes()
    image.put("BUNIT", f"'{unit}'")
