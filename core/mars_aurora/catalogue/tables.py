"""Tables: CSV for general use and JMARS; ECSV and VOTable with units and UCDs for astronomy tools.

Longitudes are east, 0 to 360 degrees. The VOTable uses the column names of EPN-TAP 2 where there are any.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from mars_aurora.aurora import COLUMNS, Aurora, Column
from mars_aurora.catalogue.cells import write_csv
from mars_aurora.catalogue.geographic import ELLIPSOID, SPHERE, find_crs
from mars_aurora.catalogue.sightings import Entry
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.errors import UsageError
from mars_aurora.run.keys import CATALOGUE
from mars_aurora.run.provenance import Provenance

if TYPE_CHECKING:
    from astropy.table import Table

_NOTES = (
    "Auroras on Mars in far-ultraviolet emission. Longitudes are east, 0 to 360 deg; latitudes as in the input files; "
    f"coordinates are those where the lines of sight cross the emitting shell, {OXYGEN_1304.shell_km:g} km above the "
    "sphere of 3396.19 km. "
    "Brightness is in rayleigh over the local background, along the line of sight."
)
_EPN_NAMES = {  # catalogue column -> EPN-TAP 2 columns; two columns where EPN-TAP has a range
    "aurora_id": ("obs_id",),
    "lon_deg": ("c1min", "c1max"),
    "lat_deg": ("c2min", "c2max"),
    "sza_deg": ("incidence_min", "incidence_max"),
    "emission_angle_deg": ("emergence_min", "emergence_max"),
    "local_time_h": ("local_time_min", "local_time_max"),
    "solar_longitude_deg": ("solar_longitude_min", "solar_longitude_max"),
    "sub_spacecraft_lat_deg": ("subobserver_latitude_min", "subobserver_latitude_max"),
    "sub_spacecraft_lon_deg": ("subobserver_longitude_min", "subobserver_longitude_max"),
    "sub_solar_lat_deg": ("subsolar_latitude_min", "subsolar_latitude_max"),
    "sub_solar_lon_deg": ("subsolar_longitude_min", "subsolar_longitude_max"),
}
_EPN_CONSTANTS = {
    "dataproduct_type": ("meta.code.class", "ci"),
    "target_name": ("meta.id;src", "Mars"),
    "target_class": ("src.class", "planet"),
    "target_region": ("meta.id;src;obs.field", "atmosphere"),
    "measurement_type": ("meta.ucd", "phot.radiance"),
    "processing_level": ("meta.calibLevel", 5),
    "spatial_frame_type": ("meta.code.class;pos.frame", "body"),
}


def to_csv(auroras: Iterable[Aurora]) -> bytes:
    """Write one line per detection; ``outline_wkt`` has simple polygons split at 0/360, as JMARS requires."""
    names = [column.name for column in COLUMNS]
    return write_csv(names, map(attrgetter(*names), auroras))


def entries_to_csv(entries: Iterable[Entry]) -> bytes:
    """Write one line per aurora, with its sightings joined."""
    names = [field.name for field in fields(Entry)]
    return write_csv(names, map(attrgetter(*names), entries))


def to_ecsv(auroras: Sequence[Aurora], provenance: Provenance) -> bytes:
    """Write the catalogue columns with units, descriptions and UCDs, and the provenance as metadata."""
    stream = io.StringIO()
    to_table(auroras, provenance).write(stream, format="ascii.ecsv")
    return stream.getvalue().encode()


def from_ecsv(ecsv: bytes) -> Table:
    """Read the table that `to_ecsv` wrote; raises UsageError if it lacks a column."""
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


def to_table(auroras: Sequence[Aurora], provenance: Provenance) -> Table:
    """Make an astropy table of the catalogue columns, with units, descriptions and UCDs."""
    from astropy.table import Table  # noqa: PLC0415 -- takes half a second, which other formats do not need

    meta = {"description": _NOTES} | provenance.to_dict()
    return Table([_astropy_column(column, auroras) for column in COLUMNS], meta=meta)


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


def to_votable(auroras: Sequence[Aurora], provenance: Provenance) -> bytes:
    """Write a VOTable with EPN-TAP 2 column names where there are any, otherwise catalogue column names.

    The provenance is in INFO elements.
    """
    from astropy.io.votable import from_table  # noqa: PLC0415 -- see to_table
    from astropy.io.votable.tree import Info  # noqa: PLC0415 -- see to_table
    from astropy.table import Column as TableColumn  # noqa: PLC0415 -- see to_table
    from astropy.table import Table  # noqa: PLC0415 -- see to_table

    uid = [f"{aurora.name}#{aurora.detection}" for aurora in auroras]
    table = Table([TableColumn(_array(str, uid), "granule_uid", meta={"ucd": "meta.id"})], meta={"description": _NOTES})
    ellipsoid = find_crs(auroras) == ELLIPSOID
    system = "planetographic on the ellipsoid of IAU 2015, east longitude" if ellipsoid else SPHERE
    frame = {"spatial_coordinate_description": ("meta.code.class;pos.frame", system)}
    for name, (ucd, value) in (_EPN_CONSTANTS | frame).items():
        table[name] = TableColumn(_array(type(value), [value] * len(auroras)), meta={"ucd": ucd})
    for end in ("time_min", "time_max"):
        days = _julian_dates([aurora.time_utc for aurora in auroras])
        meta = {"ucd": f"time.{'start' if end == 'time_min' else 'end'};obs"}
        table[end] = TableColumn(_array(float, days), unit="d", description="Julian date, UTC", meta=meta)
    for column in COLUMNS:
        values = _astropy_column(column, auroras)
        for name in _EPN_NAMES.get(column.name, (column.name,)):
            table[name] = values
            bound = {"min": ";stat.min", "max": ";stat.max"}.get(name[-3:], "")
            table[name].meta["ucd"] = column.ucd + (bound if name != column.name else "")
    votable = from_table(table)
    votable.description = _NOTES
    votable.infos.extend(Info(name=name, value=str(value)) for name, value in provenance.to_dict().items())
    for field in votable.get_first_table().fields:
        field.ucd = table[field.name].meta["ucd"]
    stream = io.BytesIO()
    votable.to_xml(stream)
    return stream.getvalue()


def _astropy_column(column: Column, auroras: Sequence[Aurora]) -> Any:  # noqa: ANN401 -- astropy has no types
    from astropy.table import Column as TableColumn  # noqa: PLC0415 -- see to_table
    from astropy.table import MaskedColumn  # noqa: PLC0415 -- see to_table

    values = [getattr(aurora, column.name) for aurora in auroras]
    empty = {int: -1, float: np.nan, str: ""}[column.kind]
    data = _array(column.kind, [empty if value is None else value for value in values])
    missing = [value is None for value in values]
    unit = {"R": "R", "R.km2": "R km2", "": None}.get(column.unit, column.unit)
    facts = {"unit": unit, "description": column.meaning, "meta": {"ucd": column.ucd}}
    return (
        MaskedColumn(data, column.name, mask=missing, **facts)
        if any(missing)
        else TableColumn(data, column.name, **facts)
    )


def _array(kind: type, values: Sequence[object]) -> Any:  # noqa: ANN401 -- the dtype depends on ``kind``
    return np.array(values, {int: np.int64, float: np.float64, str: np.str_}[kind])


def _julian_dates(utc: Sequence[str]) -> Any:  # noqa: ANN401 -- as _array
    """Return Julian dates of UTC, without leap seconds; NaN where the time is unknown."""
    days = (np.array(utc, "datetime64[ms]") - np.datetime64("2000-01-01T12:00")) / np.timedelta64(1, "D")
    return days + 2451545.0
