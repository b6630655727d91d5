"""Tables as VOTable: an EPN-TAP 2.0 table with the columns of the catalogue behind those of the standard.

VOTable 1.4 without COOSYS, as its list of systems has none of Mars: the frame is in ``spatial_coordinate_description``.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from mars_aurora.aurora import Column
from mars_aurora.catalogue.crs import ELLIPSOID
from mars_aurora.catalogue.epn import OPTIONAL, REQUIRED, SERVICE_TITLE, UTYPE, EpnColumn, Granule
from mars_aurora.catalogue.tables import Row, RowTable, describe_table

_DATATYPES = {
    str: ("char", "*"),
    np.str_: ("unicodeChar", "*"),
    int: ("int", None),
    float: ("double", None),
    list: ("double", "*"),
}
_TIMES = "utc"  # identifier of the time system
_VERSION_1_4 = {"version_1_4_or_later": True}  # astropy warns without
_END = b"  </TABLE>"


def write_votable(path: Path, table: RowTable[Row]) -> int:
    """Write a VOTable that is an EPN-TAP 2.0 table; the provenance is in INFO elements; return the number of rows.

    Only what surrounds the rows is written by astropy, which holds all rows in memory.
    """
    columns = [*REQUIRED, *OPTIONAL, *map(_own_column, table.kind.columns)]
    head, end, foot = _write_frame(columns, table).partition(_END)
    is_ellipsoid = table.crs == ELLIPSOID
    system = "planetographic on the ellipsoid of IAU 2015, east longitude" if is_ellipsoid else "IAU2015:49900"
    cells = [(column.cell, _FORMATS[column.kind]) for column in columns]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"{head.decode()}   <DATA>\n<TABLEDATA>\n")
        for row in table.rows:
            granule = Granule(row, table.provenance, system)
            texts = [to_text(cell(granule)) for cell, to_text in cells]
            file.write("<TR>" + "".join([f"<TD>{text}</TD>" if text else "<TD/>" for text in texts]) + "</TR>\n")
        file.write(f"</TABLEDATA>\n   </DATA>\n{(end + foot).decode()}")
    return len(table.rows)


def _write_frame(columns: list[EpnColumn], table: RowTable[Row]) -> bytes:
    """Write the VOTable without rows."""
    from astropy.io.votable.tree import Info, Resource, TableElement, TimeSys, VOTableFile  # noqa: PLC0415 -- slow

    file, resource = VOTableFile(version="1.4"), Resource()
    file.description = describe_table(table.kind)
    for name, value in table.provenance.to_dict().items():
        info = Info(name=name, value=str(value))
        info.ID = None  # else it is the name, which may be that of a column
        file.infos.append(info)
    file.resources.append(resource)
    resource.time_systems.append(TimeSys(_TIMES, "JD-origin", "UTC", "TOPOCENTER", config=_VERSION_1_4))
    element = TableElement(file, name=f"{SERVICE_TITLE}.epn_core")
    element.utype = UTYPE
    resource.tables.append(element)
    element.fields.extend(_field(file, column) for column in columns)
    stream = io.BytesIO()
    file.to_xml(stream)
    return stream.getvalue()


def _own_column(column: Column) -> EpnColumn:
    name, kind, unit, ucd, meaning = column
    get = attrgetter(name)
    kind = np.str_ if kind is str else kind  # of any characters
    return EpnColumn(name, kind, unit, ucd, lambda granule: get(granule.row), meaning=meaning)


def _field(file: Any, column: EpnColumn) -> Any:  # noqa: ANN401 -- astropy has no types
    from astropy.io.votable.tree import Field  # noqa: PLC0415 -- see _write_frame

    datatype, size = _DATATYPES[column.kind]
    names = {"name": column.name, "datatype": datatype, "arraysize": size, "ucd": column.ucd}
    field = Field(file, **names, unit=column.unit or None, xtype=column.xtype or None)
    field.description = column.meaning or None
    if column.name in {"time_min", "time_max"}:
        field.ref = _TIMES
    return field


def _integer(value: Any) -> str:  # noqa: ANN401 -- the value of a cell
    return "" if value is None else str(value)


def _number(value: Any) -> str:  # noqa: ANN401 -- see _integer
    return repr(float(value)) if value is not None and math.isfinite(value) else ""


def _numbers(values: Any) -> str:  # noqa: ANN401 -- see _integer
    return " ".join(map(repr, values.tolist()))


_FORMATS: dict[type, Callable[[Any], str]] = {  # an empty text is an empty cell
    str: escape,
    np.str_: escape,
    int: _integer,
    float: _number,
    list: _numbers,
}
