"""One detected aurora as a catalogue row: each column with its unit, its UCD and its meaning.

This is the one place where columns are defined; every format and the documentation follow it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple


class Column(NamedTuple):
    """What stands in one column: ``unit`` as VOUnit writes it (empty: none), ``ucd`` as the IVOA's UCD1+."""

    name: str
    kind: type
    unit: str
    ucd: str
    meaning: str


def _column(unit: str, ucd: str, meaning: str, **default: Any) -> Any:  # noqa: ANN401 -- as dataclasses.field
    return field(metadata={"unit": unit, "ucd": ucd, "meaning": meaning}, **default)


@dataclass(frozen=True)
class Aurora:
    """One detection, measured: the catalogue's columns in their order; None and NaN are "not known".

    Longitudes are east, 0 to 360. Brightnesses are those of O I 130.4 nm over the local background.
    """

    name: str = _column("", "meta.id;meta.file", "input file: its path below the batch")
    detection: int = _column("", "meta.id.part", "number of the detection in its file, from 1")
    lat_deg: float = _column("deg", "pos.bodyrc.lat", "latitude of the brightness-weighted centroid")
    lon_deg: float = _column("deg", "pos.bodyrc.lon", "east longitude of the centroid, 0 to 360")
    area_km2: float = _column("km2", "phys.area", "area inside the outline, on the sphere of 3396.19 km")
    mean_brightness_R: float = _column("R", "phot.radiance;stat.mean", "area-weighted mean brightness over background")
    peak_brightness_R: float = _column("R", "phot.radiance;stat.max", "highest brightness over background, smoothed")
    confidence: float = _column("", "stat.probability", "the detector's confidence, 0 to 1")
    centroid_error_km: float = _column("km", "stat.error;pos.bodyrc", "random error of the centroid's place")
    area_error_km2: float = _column("km2", "stat.error;phys.area", "error of the area")
    mean_random_error_R: float = _column("R", "stat.error;phot.radiance", "random error of the mean brightness")
    mean_systematic_error_R: float = _column("R", "stat.error.sys;phot.radiance", "its systematic error (calibration)")
    peak_random_error_R: float = _column("R", "stat.error;phot.radiance", "random error of the peak brightness")
    peak_systematic_error_R: float = _column("R", "stat.error.sys;phot.radiance", "its systematic error (calibration)")
    integrated_brightness_R_km2: float = _column("R.km2", "phot.radiance;arith.sum", "mean brightness times area")
    integrated_random_error_R_km2: float = _column("R.km2", "stat.error", "its random error, the area's error included")
    integrated_systematic_error_R_km2: float = _column("R.km2", "stat.error.sys", "its systematic error (calibration)")
    background_R: float = _column("R", "phot.radiance;instr.background", "local background that was taken off")
    background_error_R: float = _column("R", "stat.error;instr.background", "random error of that background")
    snr: float = _column("", "stat.snr", "mean brightness over its random error")
    peak_lat_deg: float = _column("deg", "pos.bodyrc.lat;stat.max", "latitude of the peak brightness")
    peak_lon_deg: float = _column("deg", "pos.bodyrc.lon;stat.max", "east longitude of the peak, 0 to 360")
    ground_lat_deg: float = _column("deg", "pos.bodyrc.lat", "latitude of the centroid by the file's own places")
    ground_lon_deg: float = _column("deg", "pos.bodyrc.lon", "east longitude of that, 0 to 360")
    length_km: float = _column("km", "phys.size;stat.max", "longest distance between two points of the outline")
    width_km: float = _column("km", "phys.size", "area over length")
    orientation_deg: float = _column("deg", "pos.posAng", "major axis at the centroid, from north over east, 0 to 180")
    elongation: float = _column("", "src.morph.param", "ratio of the axes of the ellipse with the outline's moments")
    eccentricity: float = _column("", "src.morph.param", "eccentricity of that ellipse")
    morphology: str = _column("", "src.morph.type", "sinuous: from 1000 km long and 4 times as long as wide; or patch")
    sza_deg: float = _column("deg", "pos.incidenceAng", "solar zenith angle, mean over the aurora")
    emission_angle_deg: float = _column("deg", "pos.emergenceAng", "emission angle, mean over the aurora")
    local_time_h: float = _column("h", "time.phase;time.period.rotation", "local solar time, mean over the aurora")
    time_utc: str = _column("", "time.epoch", "time at which the scan passed the centroid, UTC, ISO 8601")
    solar_longitude_deg: float = _column("deg", "pos.ecliptic.lon;pos.heliocentric", "solar longitude Ls")
    mars_year: int = _column("", "time", "Mars year, counted from 1955-04-11")
    sub_spacecraft_lat_deg: float = _column("deg", "pos.bodyrc.lat;instr", "latitude below the spacecraft")
    sub_spacecraft_lon_deg: float = _column("deg", "pos.bodyrc.lon;instr", "east longitude below the spacecraft")
    spacecraft_altitude_km: float = _column("km", "pos.bodyrc.alt;instr", "altitude of the spacecraft")
    sub_solar_lat_deg: float = _column("deg", "pos.bodyrc.lat;pos.heliocentric", "latitude below the Sun")
    sub_solar_lon_deg: float = _column("deg", "pos.bodyrc.lon;pos.heliocentric", "east longitude below the Sun")
    pixels: int = _column("", "meta.number", "native pixels inside the outline")
    quality_flags: str = _column("", "meta.code.qual", "what to beware of: see below; empty is good")
    instrument: str = _column("", "meta.id;instr", "spacecraft and instrument")
    level: str = _column("", "meta.calibLevel", "processing level of the input")
    orbit: int | None = _column("", "meta.number;obs", "orbit number")
    mode: str = _column("", "instr.setup", "observing mode")
    swath: str = _column("", "meta.id.part;obs", "which swath of how many, as 1of3")
    start_utc: str = _column("", "time.start;obs", "start of the swath, UTC, ISO 8601")
    box_x0: float = _column("pixel", "pos.cartesian.x;instr.det;stat.min", "left edge of the box in the picture")
    box_y0: float = _column("pixel", "pos.cartesian.y;instr.det;stat.min", "its upper edge")
    box_x1: float = _column("pixel", "pos.cartesian.x;instr.det;stat.max", "its right edge")
    box_y1: float = _column("pixel", "pos.cartesian.y;instr.det;stat.max", "its lower edge")
    outline_wkt: str = _column("", "pos.outline;obs.field", "outline, east longitude and latitude, cut at 0/360")
    native_outline: str = _column(
        "", "pos.outline;instr.det", "outline on the native image: slit bin, integration, from 1; parts apart by ;"
    )
    aurora_id: str = _column("", "meta.id.assoc", "the aurora that is sighted: equal where swaths overlap", default="")
    sightings: int = _column("", "meta.number", "number of sightings of that aurora", default=1)


_KINDS = {"str": str, "int": int, "int | None": int, "float": float}
COLUMNS = tuple(
    Column(item.name, _KINDS[str(item.type)], item.metadata["unit"], item.metadata["ucd"], item.metadata["meaning"])
    for item in fields(Aurora)
)
