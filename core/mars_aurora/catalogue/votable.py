"""Tables as VOTable: an EPN-TAP 2.0 table with the columns of the catalogue behind those of the standard.

VOTable 1.4 without COOSYS, as its list of systems has none of Mars: the frame is in ``spatial_coordinate_description``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from mars_aurora.aurora import Column
from mars_aurora.catalogue.crs import ELLIPSOID, find_crs
from mars_aurora.catalogue.epn import OPTIONAL, REQUIRED, SERVICE_TITLE, UTYPE, EpnColumn, Granule
from mars_aurora.catalogue.tables import DETECTIONS, Kind, Row, describe_table
from mars_aurora.run.provenance import Provenance

_DATATYPES = {
    str: ("char", "*"),
    np.str_: ("unicodeChar", "*"),
    int: ("int", None),
    float: ("double", None),
    list: ("double", "*"),
}
_TIMES = "utc"  # identifier of the time system
_VERSION_1_4 = {"version_1_4_or_later": True}  # astropy warns without


def to_votable(rows: Sequence[Row], provenance: Provenance, kind: Kind = DETECTIONS) -> bytes:
    """Write a VOTable that is an EPN-TAP 2.0 table; the provenance is in INFO elements."""
    from astropy.io.votable.tree import Info, Resource, TableElement, TimeSys, VOTableFile  # noqa: PLC0415 -- slow

    columns = [*REQUIRED, *OPTIONAL, *map(_own_column, kind.columns)]
    file, resource = VOTableFile(version="1.4"), Resource()
    file.description = describe_table(kind)
    for name, value in provenance.to_dict().items():
        info = Info(name=name, value=str(value))
        info.ID = None  # else it is the name, which may be that of a column
        file.infos.append(info)
    file.resources.append(resource)
    resource.time_systems.append(TimeSys(_TIMES, "JD-origin", "UTC", "TOPOCENTER", config=_VERSION_1_4))
    table = TableElement(file, name=f"{SERVICE_TITLE}.epn_core")
    table.utype = UTYPE
    resource.tables.append(table)
    table.fields.extend(_field(file, column) for column in columns)
    table.create_arrays(len(rows))
    system = _describe_system(rows)
    for number, row in enumerate(rows):
        granule = Granule(row, provenance, system)
        cells = [_to_cell(column, granule) for column in columns]
        table.array.data[number] = tuple(cell for cell, _ in cells)
        table.array.mask[number] = tuple(is_empty for _, is_empty in cells)
    stream = io.BytesIO()
    file.to_xml(stream)
    return stream.getvalue()


def _own_column(column: Column) -> EpnColumn:
    name, kind, unit, ucd, meaning = column
    get = attrgetter(name)
    kind = np.str_ if kind is str else kind  # of any characters
    return EpnColumn(name, kind, unit, ucd, lambda granule: get(granule.row), meaning=meaning)


def _field(file: Any, column: EpnColumn) -> Any:  # noqa: ANN401 -- astropy has no types
    from astropy.io.votable.tree import Field  # noqa: PLC0415 -- see to_votable

    datatype, size = _DATATYPES[column.kind]
    names = {"name": column.name, "datatype": datatype, "arraysize": size, "ucd": column.ucd}
    field = Field(file, **names, unit=column.unit or None, xtype=column.xtype or None)
    field.description = column.meaning or None
    if column.name in {"time_min", "time_max"}:
        field.ref = _TIMES
    return field


def _to_cell(column: EpnColumn, granule: Granule) -> tuple[Any, bool]:
    """Return the value of a cell as astropy writes it, and whether it is empty."""
    value = column.cell(granule)
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return (0 if column.kind is int else np.nan), True
    return value, False


def _describe_system(rows: Sequence[Row]) -> str:
    """Describe the frame of the coordinates."""
    is_ellipsoid = find_crs(row.latitude_frame for row in rows) == ELLIPSOID
    return "planetographic on the ellipsoid of IAU 2015, east longitude" if is_ellipsoid else "IAU2015:49900"
