"""Tables: CSV for everyone and JMARS, ECSV and VOTable with units and UCDs for astronomers' tools.

Longitudes are east, 0 to 360, in all of them. The VOTable names its columns as EPN-TAP 2 does where it has a name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from typing import Any

import numpy as np

from mars_aurora.aurora import COLUMNS, Aurora, Column
from mars_aurora.catalogue.sightings import Entry
from mars_aurora.run.ledger import Record

LEDGER_COLUMNS = ("name", "outcome", "reason", "objects", "auroras", "detail")
_NOTES = (
    "Auroras on Mars in O I 130.4 nm. Longitudes are east, 0 to 360 deg; latitudes as in the input files; places are "
    "those where lines of sight cross a shell 130 km above the sphere of 3396.19 km. Brightness is in rayleigh over "
    "the local background, along the line of sight."
)
_EPN_NAMES = {  # own column -> EPN-TAP 2 columns, a pair where EPN-TAP asks for a range
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
    "spatial_coordinate_description": ("meta.code.class;pos.frame", "IAU_2015:49900"),
}


def ledger_to_csv(records: Iterable[Record]) -> bytes:
    """Write one line an input."""
    return _csv(LEDGER_COLUMNS, ([getattr(record, column) for column in LEDGER_COLUMNS] for record in records))


def to_csv(auroras: Iterable[Aurora]) -> bytes:
    """Write one line a detection; ``outline_wkt`` holds simple polygons cut at 0/360, as JMARS takes them."""
    return _csv((column.name for column in COLUMNS), (astuple(aurora) for aurora in auroras))


def entries_to_csv(entries: Iterable[Entry]) -> bytes:
    """Write one line an aurora, its sightings joined."""
    return _csv((field.name for field in fields(Entry)), (astuple(entry) for entry in entries))


def to_ecsv(auroras: Sequence[Aurora]) -> bytes:
    """Write the catalogue's own columns with unit, meaning and UCD, as astropy reads them."""
    from astropy.table import Table  # noqa: PLC0415 -- half a second, which only these formats should cost

    table = Table([_astropy_column(column, auroras) for column in COLUMNS], meta={"description": _NOTES})
    stream = io.StringIO()
    table.write(stream, format="ascii.ecsv")
    return stream.getvalue().encode()


def to_votable(auroras: Sequence[Aurora]) -> bytes:
    """Write a VOTable with EPN-TAP 2 names where there are any, and own names for the rest."""
    from astropy.io.votable import from_table  # noqa: PLC0415
    from astropy.table import Column as TableColumn  # noqa: PLC0415
    from astropy.table import Table  # noqa: PLC0415

    uid = [f"{aurora.name}#{aurora.detection}" for aurora in auroras]
    table = Table([TableColumn(_array(str, uid), "granule_uid", meta={"ucd": "meta.id"})], meta={"description": _NOTES})
    for name, (ucd, value) in _EPN_CONSTANTS.items():
        table[name] = TableColumn(_array(type(value), [value] * len(auroras)), meta={"ucd": ucd})
    for end in ("time_min", "time_max"):
        days = [_julian_date(aurora.time_utc) for aurora in auroras]
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
    for field in votable.get_first_table().fields:
        field.ucd = table[field.name].meta["ucd"]
    stream = io.BytesIO()
    votable.to_xml(stream)
    return stream.getvalue()


def _csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_as_text(value) for value in row] for row in rows)
    return stream.getvalue().encode()


def _as_text(value: object) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _astropy_column(column: Column, auroras: Sequence[Aurora]) -> Any:  # noqa: ANN401 -- astropy has no types
    from astropy.table import MaskedColumn  # noqa: PLC0415

    values = [getattr(aurora, column.name) for aurora in auroras]
    empty = {int: -1, float: np.nan, str: ""}[column.kind]
    data = _array(column.kind, [empty if value is None else value for value in values])
    missing = [value is None for value in values]
    unit = {"R": "R", "R.km2": "R km2", "": None}.get(column.unit, column.unit)
    meta = {"ucd": column.ucd}
    return MaskedColumn(data, column.name, mask=missing, unit=unit, description=column.meaning, meta=meta)


def _array(kind: type, values: Sequence[object]) -> Any:  # noqa: ANN401
    return np.array(values, {int: np.int64, float: np.float64, str: np.str_}[kind])


def _julian_date(utc: str) -> float:
    from astropy.time import Time  # noqa: PLC0415

    return float(Time(utc, scale="utc").jd)
