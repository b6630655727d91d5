"""One detected aurora as a row of the catalogue: each column with its unit, its UCD and its description.

Columns are defined only here; all formats and the documentation follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

from mars_aurora.perspective import Perspective

DIFFUSE = "diffuse"
NO_SIGNAL = "no_signal"


class Column(NamedTuple):
    """One column: ``unit`` in VOUnit notation (empty: none), ``ucd`` as UCD1+."""

    name: str
    kind: type
    unit: str
    ucd: str
    meaning: str


def column(unit: str, ucd: str, meaning: str, **default: Any) -> Any:  # noqa: ANN401 -- typed as dataclasses.field is
    """Make a field of a row with the description of its column."""
    return field(metadata={"unit": unit, "ucd": ucd, "meaning": meaning}, **default)


@dataclass(frozen=True)
class Aurora:
    """One measured detection: the columns of the catalogue in their order; None and NaN are unknown.

    Longitudes are east, 0 to 360; latitudes are in the frame of the input. Brightness is that of the emission over the
    local background, along the line of sight.
    """

    name: str = column("", "meta.id;meta.file", "input file: its path below the input folder")
    detection: int = column("", "meta.id.part", "number of the detection in its file, from 1")
    lat_deg: float = column("deg", "pos.bodyrc.lat", "latitude of the brightness-weighted centroid")
    lon_deg: float = column("deg", "pos.bodyrc.lon", "east longitude of the centroid, 0 to 360")
    area_km2: float = column("km2", "phys.area", "area inside the outline, on the sphere of 3396.19 km")
    mean_brightness_R: float = column("R", "phot.radiance;stat.mean", "area-weighted mean brightness over background")
    peak_brightness_R: float = column(
        "R", "phot.radiance;stat.max", "highest mean of 3 x 3 pixels over background, corrected for noise"
    )
    confidence: float = column(
        "", "stat.probability", "confidence of the detector, 0 to 1; unknown of a diffuse aurora"
    )
    centroid_error_km: float = column("km", "stat.error;pos.bodyrc", "random error of the centroid, in each direction")
    area_error_km2: float = column("km2", "stat.error;phys.area", "error of the area")
    mean_random_error_R: float = column(
        "R", "stat.error;phot.radiance", "random error of the mean brightness: noise, background, extent"
    )
    mean_systematic_error_R: float = column(
        "R", "stat.error.sys;phot.radiance", "calibration error of the mean brightness"
    )
    peak_random_error_R: float = column("R", "stat.error;phot.radiance", "random error of the peak brightness")
    peak_systematic_error_R: float = column(
        "R", "stat.error.sys;phot.radiance", "calibration error of the peak brightness"
    )
    integrated_brightness_R_km2: float = column("R.km2", "phot.radiance;arith.sum", "mean brightness times area")
    integrated_random_error_R_km2: float = column(
        "R.km2", "stat.error", "random error of the integrated brightness: noise, background, extent"
    )
    integrated_systematic_error_R_km2: float = column(
        "R.km2", "stat.error.sys", "calibration error of the integrated brightness"
    )
    background_R: float = column("R", "phot.radiance;instr.background", "local background that was subtracted")
    background_error_R: float = column(
        "R", "stat.error;instr.background", "random error of that background, including its structure"
    )
    snr: float = column("", "stat.snr", "signal to noise: mean brightness over its error by pixel noise and background")
    peak_lat_deg: float = column("deg", "pos.bodyrc.lat;stat.max", "latitude of the peak brightness")
    peak_lon_deg: float = column("deg", "pos.bodyrc.lon;stat.max", "east longitude of the peak, 0 to 360")
    ground_lat_deg: float = column(
        "deg",
        "pos.bodyrc.lat",
        "latitude of the centroid from the file's surface coordinates, without parallax correction",
    )
    ground_lon_deg: float = column("deg", "pos.bodyrc.lon", "east longitude of the same, 0 to 360")
    length_km: float = column("km", "phys.size;stat.max", "longest distance between two points of the outline")
    width_km: float = column("km", "phys.size", "area over length")
    orientation_deg: float = column(
        "deg", "pos.posAng", "position angle of the major axis at the centroid, from north over east, 0 to 180"
    )
    elongation: float = column(
        "", "src.morph.param", "ratio of the axes of the ellipse with the second moments of the outline"
    )
    eccentricity: float = column("", "src.morph.param", "eccentricity of that ellipse")
    morphology: str = column(
        "",
        "src.morph.type",
        "diffuse: all of the night in view; sinuous: at least 1000 km long and 4 times as long as wide; else patch",
    )
    sza_deg: float = column("deg", "pos.incidenceAng", "solar zenith angle, mean over the aurora")
    emission_angle_deg: float = column("deg", "pos.emergenceAng", "emission angle, mean over the aurora")
    local_time_h: float = column("h", "time.phase;time.period.rotation", "local true solar time, mean over the aurora")
    time_utc: str = column("", "time.epoch", "time when the scan passed the centroid, UTC, ISO 8601")
    solar_longitude_deg: float = column("deg", "pos.ecliptic.lon;pos.heliocentric", "solar longitude Ls")
    mars_year: int | None = column("", "time", "Mars year, counted from 1955-04-11")
    sub_spacecraft_lat_deg: float = column("deg", "pos.bodyrc.lat;instr", "sub-spacecraft latitude")
    sub_spacecraft_lon_deg: float = column("deg", "pos.bodyrc.lon;instr", "sub-spacecraft east longitude, 0 to 360")
    spacecraft_altitude_km: float = column("km", "pos.bodyrc.alt;instr", "altitude of the spacecraft")
    sub_solar_lat_deg: float = column("deg", "pos.bodyrc.lat;pos.heliocentric", "sub-solar latitude")
    sub_solar_lon_deg: float = column("deg", "pos.bodyrc.lon;pos.heliocentric", "sub-solar east longitude, 0 to 360")
    pixels: int = column("", "meta.number", "native pixels inside the outline")
    quality_flags: str = column("", "meta.code.qual", "quality flags, separated by spaces; empty where there is none")
    instrument: str = column("", "meta.id;instr", "spacecraft and instrument")
    level: str = column("", "meta.calibLevel", "processing level of the input")
    emission: str = column("", "meta.id;em.line", "emission that was measured: species and wavelength in nm")
    latitude_frame: str = column(
        "", "meta.code.class;pos.frame", "frame of the latitudes: planetographic, planetocentric or undetermined"
    )
    orbit: int | None = column("", "meta.number;obs", "orbit number")
    mode: str = column("", "instr.setup", "observing mode")
    swath: str = column("", "meta.id.part;obs", "number of the swath in its set, and of how many, as 1of3")
    start_utc: str = column("", "time.start;obs", "start of the swath, UTC, ISO 8601")
    box_x0: float = column("pixel", "pos.cartesian.x;instr.det;stat.min", "left edge of the box on the 640x480 picture")
    box_y0: float = column("pixel", "pos.cartesian.y;instr.det;stat.min", "upper edge of the box, y down")
    box_x1: float = column("pixel", "pos.cartesian.x;instr.det;stat.max", "right edge of the box")
    box_y1: float = column("pixel", "pos.cartesian.y;instr.det;stat.max", "lower edge of the box")
    outline_wkt: str = column("", "pos.outline;obs.field", "outline as WKT: east longitude and latitude, cut at 0/360")
    native_outline: str = column(
        "", "pos.outline;instr.det", "outline on the native image: slit bin, integration, from 1; parts separated by ;"
    )
    picture_outline: str = column(
        "",
        "pos.outline;instr.det",
        "outline on the 640x480 picture: x, y in px, y down; parts separated by ;",
        default="",
    )
    aurora_id: str = column(
        "", "meta.id.assoc", "identifier of the aurora: equal for sightings of one aurora in several swaths", default=""
    )
    sightings: int = column("", "meta.number", "number of sightings of that aurora", default=1)

    @property
    def perspective(self) -> Perspective:
        """Positions of spacecraft and Sun as the scan passed the centroid."""
        return Perspective(
            self.sub_spacecraft_lat_deg,
            self.sub_spacecraft_lon_deg,
            self.spacecraft_altitude_km,
            self.sub_solar_lat_deg,
            self.sub_solar_lon_deg,
        )

    @property
    def is_diffuse(self) -> bool:
        """Return whether it is all of the night in view, which no detector finds."""
        return self.morphology == DIFFUSE

    @property
    def has_signal(self) -> bool:
        """Return whether a pixel exceeds the background significantly; without, a detection is not called an aurora."""
        return NO_SIGNAL not in self.quality_flags.split()


def count_auroras(detections: Iterable[Aurora]) -> int:
    """Count the detections that are called an aurora."""
    return sum(aurora.has_signal for aurora in detections)


_KINDS = {"str": str, "int": int, "int | None": int, "float": float}


def list_columns(row: type[DataclassInstance]) -> tuple[Column, ...]:
    """List the columns of a table whose rows are dataclasses with fields made by `column` or `column_as`."""
    return tuple(
        Column(item.name, _KINDS[str(item.type)], item.metadata["unit"], item.metadata["ucd"], item.metadata["meaning"])
        for item in fields(row)
    )


COLUMNS = list_columns(Aurora)
