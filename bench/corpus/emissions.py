"""Names and order of the emissions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.corpus.case import AS_BASE, SOUND, Case, Document, kind, rejected
from bench.corpus.values import edit_emission
from mars_aurora_model.simulator.writers.fits_table import Columns

Values = NDArray[Any]


SPELLINGS = (
    *(
        "O I 130.4 triplet",
        "OI 130.4",
        "O I  130.4 nm triplet",
        "O_I_130.4",
        "OI1304",
        "O I 130.4nm",
        "o i 130.4 TRIPLET",
    ),
    *(
        "  O I 130.4 triplet",
        "O I 130.4",
        "O-I 130.4",
        "OI_130.4",
        "O I 130.4 nm",
        "OI 130.4 nm triplet",
        "O I 130.4 multiplet",
    ),
)
OTHER_LINES = (
    "O I 135.6 doublet",
    "H I 130.4",
    "O II 130.4 triplet",
    "O I 113.04",
    "O I 1304.4",
    "O I 130",
    "CO 130.4",
    "",
    "\xff",
)


@kind
def emissions() -> Iterator[Case]:
    for name in SPELLINGS:
        yield Case("emissions", f"the line as {name!r}", partial(_rename_line, name=name), AS_BASE)
    for name in OTHER_LINES:
        yield Case(
            "emissions", f"instead of the line {name!r}", partial(_rename_line, name=name), rejected("no_130nm_line")
        )
    for label, fill in {"NULs": b"\0", "blanks": b" "}.items():
        yield Case("emissions", f"names padded with {label}", partial(_pad_names, fill=fill), AS_BASE)
    yield Case("emissions", "the line twice", _line_twice, SOUND)
    for seed in range(6):
        yield Case("emissions", f"order {seed}", partial(_shuffle_lines, seed=seed), AS_BASE)


def _rename_line(document: Document, name: str) -> None:
    def edit(columns: Columns, row: int) -> None:
        columns["NAME"][0][row] = name.encode("latin-1")

    edit_emission(document, edit)


def _pad_names(document: Document, fill: bytes) -> None:
    columns = document.columns("EMISS")
    names = [bytes(name).strip().ljust(60, fill) for name in columns["NAME"][0]]
    columns["NAME"] = (np.array(names, "S60"), "")
    document.set_columns("EMISS", columns)


def _line_twice(document: Document) -> None:
    def edit(columns: Columns, row: int) -> None:
        for name, (values, unit) in list(columns.items()):
            columns[name] = (np.concatenate([values, values[row : row + 1]]), unit)

    edit_emission(document, edit)


def _shuffle_lines(document: Document, seed: int) -> None:
    columns = document.columns("EMISS")
    order = np.random.default_rng(seed).permutation(len(columns["NAME"][0]))
    document.set_columns("EMISS", {name: (values[order], unit) for name, (values, unit) in columns.items()})
