"""Columns of EPN-TAP 2.0: the 46 that the standard requires, in its order, and some of its optional ones.

IVOA Recommendation EPN-TAP 2.0 (2022-08-22). Coordinates are body-fixed: east longitude, 0 to 360 degrees; ``c1min`` is
the western and ``c1max`` the eastern end, so that it is the smaller one where the outline crosses 0. Times are Julian
dates, UTC, at the spacecraft. What is not known, or does not apply, is empty.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from operator import mul
from typing import NamedTuple
from urllib.parse import quote

import shapely
from shapely.geometry.base import BaseGeometry

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue.region import find_bounds, find_region
from mars_aurora.catalogue.tables import Row
from mars_aurora.emission import EMISSIONS
from mars_aurora.run.provenance import Provenance
from mars_aurora.sphere import MARS_RADIUS_KM

SERVICE_TITLE = "mars_aurora"
UTYPE = "ivo://ivoa.net/std/epntap#table-2.0"
LIGHT_SPEED_M_S = 299_792_458
_NOON_2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)  # Julian date 2451545
_INSTRUMENTS = {  # of the catalogue: host and name with their synonyms
    "EMM/EMUS": ("EMM#Hope", "Emirates Mars Ultraviolet Spectrometer#EMUS"),
    "MAVEN/IUVS": ("MAVEN", "Imaging Ultraviolet Spectrograph#IUVS"),
}
_ALLOWED = "".join(map(chr, range(0x20, 0x7F))).translate(str.maketrans("", "", "#'\""))  # no separators and quotes


@dataclass(frozen=True)
class Granule:
    """One row of a table with what EPN-TAP derives from it."""

    row: Row
    provenance: Provenance
    system: str

    @cached_property
    def names(self) -> tuple[str, str, str]:
        """Identifiers of the granule, of its kind, and of its input: the first one where sightings are combined."""
        row = self.row
        if isinstance(row, Aurora):
            return _escape(f"{row.name}_{row.detection}"), "detection", _escape(row.name)
        return _escape(row.aurora_id), "aurora", _escape(row.names.partition(" ")[0].rpartition("#")[0])

    @cached_property
    def times(self) -> tuple[float, float]:
        """Julian dates of the first and the last sighting."""
        row = self.row
        first, last = (row.time_utc, row.time_utc) if isinstance(row, Aurora) else (row.first_utc, row.last_utc)
        return _julian_date(first), _julian_date(last)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, east, south and north end of the outline."""
        return find_bounds(self.outline)

    @cached_property
    def outline(self) -> BaseGeometry:
        """Outline in east longitude and latitude."""
        return shapely.from_wkt(self.row.outline_wkt)

    @property
    def frequency_Hz(self) -> float:
        emission = EMISSIONS.get(self.row.emission)
        return LIGHT_SPEED_M_S / (1e-9 * emission.wavelength_nm) if emission else math.nan

    @cached_property
    def phase_deg(self) -> float:
        """Angle between the Sun and the spacecraft, seen from the aurora."""
        row = self.row
        point = _unit_vector(row.lat_deg, row.lon_deg)
        spacecraft = _unit_vector(row.sub_spacecraft_lat_deg, row.sub_spacecraft_lon_deg)
        sun = _unit_vector(row.sub_solar_lat_deg, row.sub_solar_lon_deg)
        high_km, low_km = MARS_RADIUS_KM + row.spacecraft_altitude_km, MARS_RADIUS_KM + self.altitude_km
        sight = [high_km * far - low_km * near for far, near in zip(spacecraft, point, strict=True)]
        cosine = sum(map(mul, sight, sun)) / math.hypot(*sight)
        return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))

    @property
    def altitude_km(self) -> float:
        emission = EMISSIONS.get(self.row.emission)
        return emission.shell_km if emission else math.nan

    @cached_property
    def created(self) -> str:
        """Date of the results in the form that EPN-TAP requires."""
        return f"{datetime.fromisoformat(self.provenance.created_utc).astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


Cell = Callable[[Granule], object]


class EpnColumn(NamedTuple):
    """One column: ``cell`` returns its value in a row; NaN and None are empty cells."""

    name: str
    kind: type
    unit: str
    ucd: str
    cell: Cell
    xtype: str = ""
    meaning: str = ""


def _text(name: str, ucd: str, cell: Cell, xtype: str = "") -> Iterator[EpnColumn]:
    yield EpnColumn(name, str, "", ucd, cell, xtype)


def _pair(stem: str, unit: str, ucd: str, low: Cell | None = None, high: Cell | None = None) -> Iterator[EpnColumn]:
    """Yield a minimum and a maximum, which are equal where one function is given, and empty without."""
    low = low or _empty
    yield EpnColumn(f"{stem}min", float, unit, f"{ucd};stat.min", low)
    yield EpnColumn(f"{stem}max", float, unit, f"{ucd};stat.max", high or low)


def _constant(value: object) -> Cell:
    return lambda _granule: value


_empty = _constant(float("nan"))


def _of_row(name: str) -> Cell:
    return lambda granule: getattr(granule.row, name)


def _instrument(number: int) -> Cell:
    return lambda granule: _INSTRUMENTS.get(granule.row.instrument, (granule.row.instrument,) * 2)[number]


def _created(granule: Granule) -> str:
    return granule.created


REQUIRED = (
    *_text("granule_uid", "meta.id", lambda granule: granule.names[0]),
    *_text("granule_gid", "meta.id", lambda granule: granule.names[1]),
    *_text("obs_id", "meta.id;obs", lambda granule: granule.names[2]),
    *_text("dataproduct_type", "meta.code.class", _constant("ci")),
    *_text("measurement_type", "meta.ucd", _constant("phot.radiance;em.UV.100-200nm")),
    EpnColumn("processing_level", int, "", "meta.calibLevel", _constant(5)),
    *_text("target_name", "meta.id;src", _constant("Mars")),
    *_text("target_class", "src.class", _constant("planet")),
    EpnColumn("time_min", float, "d", "time.start;obs", lambda granule: granule.times[0]),
    EpnColumn("time_max", float, "d", "time.end;obs", lambda granule: granule.times[1]),
    *_pair("time_sampling_step_", "s", "time.resolution"),
    *_pair("time_exp_", "s", "time.duration;obs.exposure"),
    *_pair("spectral_range_", "Hz", "em.freq", lambda granule: granule.frequency_Hz),
    *_pair("spectral_sampling_step_", "Hz", "em.freq;spect.binSize"),
    *_pair("spectral_resolution_", "", "spect.resolution"),
    *_pair("c1", "deg", "pos.bodyrc.lon", lambda granule: granule.bounds[0], lambda granule: granule.bounds[1]),
    *_pair("c2", "deg", "pos.bodyrc.lat", lambda granule: granule.bounds[2], lambda granule: granule.bounds[3]),
    *_pair("c3", "km", "pos.bodyrc.alt", lambda granule: granule.altitude_km),
    EpnColumn(
        "s_region",
        list,
        "deg",
        "pos.outline;obs.field",
        lambda granule: find_region(granule.row, granule.outline),
        "polygon",
    ),
    *_pair("c1_resol_", "deg", "pos.angResolution"),
    *_pair("c2_resol_", "deg", "pos.angResolution"),
    *_pair("c3_resol_", "km", "pos.resolution"),
    *_text("spatial_frame_type", "meta.code.class;pos.frame", _constant("body")),
    *_pair("incidence_", "deg", "pos.incidenceAng", _of_row("sza_deg")),
    *_pair("emergence_", "deg", "pos.emergenceAng", _of_row("emission_angle_deg")),
    *_pair("phase_", "deg", "pos.phaseAng", lambda granule: granule.phase_deg),
    *_text("instrument_host_name", "meta.id;instr.obsty", _instrument(0)),
    *_text("instrument_name", "meta.id;instr", _instrument(1)),
    *_text("service_title", "meta.title", _constant(SERVICE_TITLE)),
    *_text("creation_date", "time.creation", _created, "timestamp"),
    *_text("modification_date", "time.processing", _created, "timestamp"),
    *_text("release_date", "time.release", _created, "timestamp"),
)
OPTIONAL = (
    *_text("target_region", "meta.id;src;obs.field", _constant("atmosphere")),
    *_text("spatial_coordinate_description", "meta.code.class;pos.frame", lambda granule: granule.system),
    *_pair("solar_longitude_", "deg", "pos.ecliptic.lon;pos.heliocentric", _of_row("solar_longitude_deg")),
    *_pair("local_time_", "h", "time.phase;time.period.rotation", _of_row("local_time_h")),
    *_pair("subsolar_longitude_", "deg", "pos.bodyrc.lon", _of_row("sub_solar_lon_deg")),
    *_pair("subsolar_latitude_", "deg", "pos.bodyrc.lat", _of_row("sub_solar_lat_deg")),
    *_pair("subobserver_longitude_", "deg", "pos.bodyrc.lon", _of_row("sub_spacecraft_lon_deg")),
    *_pair("subobserver_latitude_", "deg", "pos.bodyrc.lat", _of_row("sub_spacecraft_lat_deg")),
)


def _escape(text: str) -> str:
    """Percent-encode the characters of a name that values must not have."""
    return quote(text, safe=_ALLOWED)


def _julian_date(utc: str) -> float:
    """Return the Julian date of UTC, to a millisecond and without leap seconds; NaN where the time is unknown."""
    if not utc:
        return math.nan
    passed = datetime.fromisoformat(utc[:23]).replace(tzinfo=UTC) - _NOON_2000
    return passed / timedelta(days=1) + 2451545.0


def _unit_vector(lat_deg: float, lon_deg: float) -> tuple[float, float, float]:
    """Compute what `mars_aurora.sphere.unit_vectors` does, for one point and without arrays."""
    lat, lon = math.radians(lat_deg), math.radians(lon_deg)
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)
