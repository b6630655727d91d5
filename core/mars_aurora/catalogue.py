"""The run as tables: the ledger, and the catalogue of what was measured."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields

from mars_aurora.aurora import Aurora
from mars_aurora.keys import RunKeys
from mars_aurora.ledger import Record
from mars_aurora.storage import Storage

LEDGER_COLUMNS = ("name", "outcome", "reason", "objects", "auroras", "detail")


def write(keys: RunKeys, records: Sequence[Record], auroras: Sequence[Aurora], storage: Storage) -> list[str]:
    """Write ledger and catalogue, both even when empty; return the keys written."""
    products = {
        keys.product("ledger.csv"): _to_csv(
            LEDGER_COLUMNS, ([getattr(record, column) for column in LEDGER_COLUMNS] for record in records)
        ),
        keys.product("catalogue.csv"): _to_csv(
            [field.name for field in fields(Aurora)], (astuple(aurora) for aurora in auroras)
        ),
    }
    for key, data in products.items():
        storage.put(key, data)
    return list(products)


def _to_csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_as_text(value) for value in row])
    return stream.getvalue().encode()


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.7g}" if isinstance(value, float) else str(value)
