"""Columns under other names, without a name, removed or repeated."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench.corpus.case import AS_BASE, SOUND, Case, Document, Right, kind
from bench.corpus.columns import COLUMNS, Column
from bench.corpus.editing import card


@kind
def column_names() -> Iterator[Case]:
    for column in COLUMNS:
        name = column.name
        for other in (name.lower(), name.title(), f"{name}   ", f"  {name}"):
            yield _named(column, f"'{other}'", AS_BASE)
        for other in (f"{name}_", name[:-1], name.replace("_", " ") + "X", "", "\xff" + name, "X" * 60):
            # the column of wavelengths is named after the level, so that any name that starts alike is read
            is_read = column.hdu == "WAVELENGTH" and other.startswith("WAVELENGTH")
            yield _named(column, f"'{other}'", column.broken | AS_BASE if is_read else column.broken)
        for text in ("", name, "'" + name, "NaN", "T", "'''"):
            yield _named(column, text, SOUND)
        yield Case(
            "column_names", f"{column.label} removed", partial(_remove, column=column), column.broken, column.base
        )
        yield Case(
            "column_names", f"{column.label} without TTYPE", partial(_unname, column=column), column.broken, column.base
        )
        yield Case("column_names", f"{column.label} twice", partial(_repeat, column=column), SOUND, column.base)


def _named(column: Column, text: str, right: Right) -> Case:
    def edit(document: Document) -> None:
        hdu = document[column.hdu]
        number = hdu.column_number(column.name)
        hdu.cards[hdu.find(f"TTYPE{number}")] = card(f"TTYPE{number}", text)

    return Case("column_names", f"{column.label} as {text!r}", edit, right, column.base)


def _remove(document: Document, column: Column) -> None:
    columns = document.columns(column.hdu)
    del columns[column.name]
    if columns:
        document.set_columns(column.hdu, columns)
    else:
        document.hdus.remove(document[column.hdu])


def _unname(document: Document, column: Column) -> None:
    hdu = document[column.hdu]
    hdu.drop(f"TTYPE{hdu.column_number(column.name)}")


def _repeat(document: Document, column: Column) -> None:
    columns = document.columns(column.hdu)
    values, unit = columns[column.name]
    hdu = document.set_columns(column.hdu, columns | {"AGAIN": (values.copy(), unit)})
    hdu.put(f"TTYPE{hdu.column_number('AGAIN')}", f"'{column.name}'")
