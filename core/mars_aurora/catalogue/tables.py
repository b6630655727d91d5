"""Tables of detections and of auroras: CSV for general use, ECSV with units and UCDs for astropy.

Longitudes are east, 0 to 360 degrees.
"""

from __future__ import annotations

import csv
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from mars_aurora.aurora import COLUMNS, Aurora, Column, list_columns
from mars_aurora.catalogue import cells
from mars_aurora.catalogue.crs import find_crs
from mars_aurora.catalogue.entry import Entry
from mars_aurora.catalogue.rows import Rows, write_rows
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.errors import UsageError
from mars_aurora.run.keys import CATALOGUE
from mars_aurora.run.provenance import Provenance

_ECSV_TYPES: dict[type, str] = {int: "int64", float: "float64", str: "string"}
_QUOTED = re.compile(r'[ "\r\n]')

if TYPE_CHECKING:
    from astropy.table import Table

_NOTES = (
    "Auroras on Mars in far-ultraviolet emission. Longitudes are east, 0 to 360 deg; latitudes as in the input files; "
    f"coordinates are those where the lines of sight cross the emitting shell, {OXYGEN_1304.shell_km:g} km above the "
    "sphere of 3396.19 km. "
    "Brightness is in rayleigh over the local background, along the line of sight."
)
Row = Aurora | Entry
Row_co = TypeVar("Row_co", bound=Aurora | Entry, covariant=True)


@dataclass(frozen=True)
class Kind:
    """A table in several formats: the name of its files and layers, and its columns."""

    name: str
    columns: tuple[Column, ...]
    rows: str


DETECTIONS = Kind("catalogue", COLUMNS, "One row for each detection: an aurora as observed in one swath.")
AURORAS = Kind(
    "auroras", list_columns(Entry), "One row for each aurora: its sightings in an observation set, combined."
)


@dataclass(frozen=True)
class RowTable(Generic[Row_co]):
    """A table to be written: its rows, whose texts are escaped, and what made them."""

    rows: Rows[Row_co]
    provenance: Provenance
    kind: Kind = DETECTIONS

    @cached_property
    def crs(self) -> str:
        """Reference system of the outlines."""
        return find_crs(row.latitude_frame for row in self.rows)


def write_csv(path: Path, table: RowTable[Row]) -> int:
    """Write one line per row, and return their number; ``outline_wkt`` has simple polygons split at 0/360."""
    names = [column.name for column in table.kind.columns]
    return cells.write_csv(path, names, map(attrgetter(*names), table.rows))


def write_ecsv(path: Path, table: RowTable[Row]) -> int:
    """Write the columns with units, descriptions and UCDs, and the provenance as metadata; return the number of rows.

    ECSV 1.0 (APE 6). astropy would give the texts of a column the width of the longest in every row.
    """
    names = [column.name for column in table.kind.columns]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"{_to_ecsv_header(table)}{' '.join(names)}\n")
        get = attrgetter(*names)
        file.writelines(" ".join(map(_to_ecsv_cell, get(row))) + "\n" for row in table.rows)
    return len(table.rows)


def _to_ecsv_header(table: RowTable[Row]) -> str:
    import yaml  # noqa: PLC0415 -- the function that writes GeoParquet does not have it

    columns = [
        {"name": column.name}
        | ({"unit": unit} if (unit := _unit(column)) else {})
        | {"datatype": _ECSV_TYPES[column.kind], "description": column.meaning, "meta": {"ucd": column.ucd}}
        for column in table.kind.columns
    ]
    header = {"datatype": columns, "meta": _meta(table.kind, table.provenance), "schema": "astropy-2.0"}
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the first is faster, and needs libyaml
    text = yaml.dump(header, Dumper=dumper, sort_keys=False, default_flow_style=None)
    return textwrap.indent(f"%ECSV 1.0\n---\n{text}", "# ", lambda _: True)


def _to_ecsv_cell(value: object) -> str:
    """Return a cell, as astropy writes it: text is in quotes if it is empty or has blanks or quotes, None is empty."""
    if value is None:
        return '""'
    if isinstance(value, str) and (not value or _QUOTED.search(value)):
        return '"{}"'.format(value.replace('"', '""'))
    return str(value)


def read_ecsv(path: Path, kind: Kind = DETECTIONS) -> Iterator[Any]:
    """Yield the rows that `write_ecsv` wrote, auroras or entries; raises ValueError if the columns are others."""
    row = Aurora if kind is DETECTIONS else Entry
    readers = [_CELLS[column.kind] for column in kind.columns]
    csv.field_size_limit(_MAX_CELL)
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader((line for line in file if not line.startswith("#")), delimiter=" ", strict=True)
        if next(lines, None) != [column.name for column in kind.columns]:
            raise ValueError(f"{path.name} has other columns than this version of mars-aurora writes")
        for line in lines:
            yield row(*(read(cell) for read, cell in zip(readers, line, strict=True)))


def load_ecsv(path: Path, kind: Kind, provenance: Provenance, rows: Path) -> RowTable[Any]:
    """Return the table that `write_ecsv` wrote, with its rows in the file ``rows``; raises as `read_ecsv`."""
    return RowTable(write_rows(rows, read_ecsv(path, kind)), provenance, kind)


def from_ecsv(ecsv: bytes) -> Table:
    """Read the table that `write_ecsv` wrote; raises UsageError if it lacks a column."""
    from astropy.table import Table  # noqa: PLC0415 -- see to_table

    table = Table.read(ecsv.decode(), format="ascii.ecsv")
    if missing := missing_columns(table):
        raise UsageError(
            f"{CATALOGUE} was written by an earlier version of mars-aurora (no column {', '.join(missing)}): "
            "repeat `mars-aurora run` to write it again"
        )
    for column in COLUMNS:
        if column.kind is str and hasattr(table[column.name], "filled"):  # astropy masks empty text
            table[column.name] = table[column.name].filled("")
    return table


def to_table(rows: Sequence[Row], provenance: Provenance, kind: Kind = DETECTIONS) -> Table:
    """Make an astropy table of the columns, with units, descriptions and UCDs."""
    from astropy.table import Table  # noqa: PLC0415 -- takes half a second, which other formats do not need

    return Table([_astropy_column(column, rows) for column in kind.columns], meta=_meta(kind, provenance))


def _meta(kind: Kind, provenance: Provenance) -> dict[str, Any]:
    return {"description": describe_table(kind)} | provenance.to_dict()


def _read_integer(cell: str) -> int | None:
    return int(cell) if cell else None


_CELLS: dict[type, Callable[[str], Any]] = {int: _read_integer, float: float, str: str}
_MAX_CELL = 1 << 30


def describe_table(kind: Kind) -> str:
    """Describe the contents of a table: its rows, coordinates and units."""
    return f"{kind.rows} {_NOTES}"


def missing_columns(table: Table) -> list[str]:
    """List the catalogue columns that a table lacks."""
    return [column.name for column in COLUMNS if column.name not in table.colnames]


def from_table(table: Table) -> list[Aurora]:
    """Convert the rows of a table with the catalogue columns, or of a QTable of them, back to auroras."""
    columns = {column.name: _to_values(table[column.name], column.kind) for column in COLUMNS}
    return [Aurora(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def _to_values(values: Any, kind: type) -> list[Any]:  # noqa: ANN401 -- a Column, MaskedColumn or Quantity
    """Convert a table column to values of a type; None where masked."""
    plain = getattr(values, "value", values)  # of a Quantity
    masked = np.broadcast_to(getattr(values, "mask", False), len(values))
    empty = {int: None, float: np.nan, str: ""}[kind]
    return [empty if hidden else kind(value) for value, hidden in zip(np.asarray(plain), masked, strict=True)]


def _astropy_column(column: Column, rows: Sequence[Row]) -> Any:  # noqa: ANN401 -- astropy has no types
    from astropy.table import Column as TableColumn  # noqa: PLC0415 -- see to_table
    from astropy.table import MaskedColumn  # noqa: PLC0415 -- see to_table

    values = [getattr(row, column.name) for row in rows]
    empty = {int: -1, float: np.nan, str: ""}[column.kind]
    data = _array(column.kind, [empty if value is None else value for value in values])
    missing = [value is None for value in values]
    facts = {"unit": _unit(column), "description": column.meaning, "meta": {"ucd": column.ucd}}
    return (
        MaskedColumn(data, column.name, mask=missing, **facts)
        if any(missing)
        else TableColumn(data, column.name, **facts)
    )


def _unit(column: Column) -> str | None:
    """Return the unit of a column as astropy writes it."""
    return {"R.km2": "R km2", "": None}.get(column.unit, column.unit)


def _array(kind: type, values: Sequence[object]) -> Any:  # noqa: ANN401 -- the dtype depends on ``kind``
    return np.array(values, {int: np.int64, float: np.float64, str: np.str_}[kind])
