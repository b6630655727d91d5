"""The ledger as a table: one line per input, with its outcome, what it was, and what is unusual about it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mars_aurora.catalogue.cells import write_csv
from mars_aurora.run.ledger import Record

if TYPE_CHECKING:
    from astropy.table import Table

_Cell = Callable[[Record], object]


def _residual(quantity: str) -> _Cell:
    return lambda record: record.residuals.get(quantity)


def _night(attribute: str) -> _Cell:
    return lambda record: None if record.night is None else getattr(record.night, attribute)


def _cleaning(figure: str) -> _Cell:
    return lambda record: record.cleaning.get(figure)


_NIGHT = {"night_area_km2": "area_km2", "night_level_R": "level_R", "limit_R": "limit_R"}
_CLEANING = ("spike_pixels", "offset_bins", "particle_background_R")  # figures of `Facts.cleaning`
LEDGER_COLUMNS: dict[str, _Cell] = {
    "name": lambda record: record.name,
    "outcome": lambda record: record.outcome,
    "reason": lambda record: record.reason,
    "objects": lambda record: record.objects,
    "auroras": lambda record: record.auroras,
    "detail": lambda record: record.detail,
    "superseded_by": lambda record: record.superseded_by,
    "size_bytes": lambda record: record.origin.version.size if record.origin.read else None,
    "sha256": lambda record: record.origin.sha256,
    "etag": lambda record: record.origin.version.etag,
    "version_id": lambda record: record.origin.version.version_id,
    "level": lambda record: record.level,
    "flags": lambda record: " ".join(record.flags),
    "sza_residual_deg": _residual("sza_deg"),
    "emission_angle_residual_deg": _residual("emission_angle_deg"),
    "local_time_residual_h": _residual("local_time_h"),
    **{name: _night(attribute) for name, attribute in _NIGHT.items()},
    **{name: _cleaning(name) for name in _CLEANING},
}
_INTEGERS = ("objects", "auroras", "size_bytes")
_NUMBERS = ("sza_residual_deg", "emission_angle_residual_deg", "local_time_residual_h", *_NIGHT, *_CLEANING)


def write_ledger(path: Path, records: Iterable[Record]) -> int:
    """Write one line per input; return their number."""
    return write_csv(path, LEDGER_COLUMNS, ([cell(record) for cell in LEDGER_COLUMNS.values()] for record in records))


def from_csv(ledger: bytes) -> Table:
    """Read the ledger as an astropy table of text, but for its numbers, which are masked where empty.

    Columns that an earlier version did not write are empty.
    """
    from astropy.table import MaskedColumn, Table  # noqa: PLC0415 -- takes half a second, which writing does not need

    rows = list(csv.DictReader(io.StringIO(ledger.decode(), newline="")))
    table = Table({name: np.array([row.get(name, "") for row in rows], np.str_) for name in LEDGER_COLUMNS})
    for names, dtype in ((_INTEGERS, np.int64), (_NUMBERS, np.float64)):
        for name in names:
            texts = [row.get(name, "") for row in rows]
            numbers = np.array([float(text or "nan") for text in texts])
            filled = np.where(np.isnan(numbers), -1, numbers).astype(dtype)
            table[name] = MaskedColumn(filled, mask=[not text for text in texts])
    return table
