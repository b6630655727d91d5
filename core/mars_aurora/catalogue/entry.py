"""The columns of the table of auroras: those of the catalogue and its own."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from mars_aurora.aurora import Aurora, column

_METADATA = {item.name: item.metadata for item in fields(Aurora)}


def _as(name: str) -> Any:  # noqa: ANN401 -- typed as dataclasses.field is
    """Describe a column as in the catalogue."""
    return field(metadata=_METADATA[name])


@dataclass(frozen=True)
class Entry:
    """One aurora, combined from its sightings; None and NaN are unknown."""

    aurora_id: str = column("", "meta.id;meta.main", "identifier: time and coordinates of its largest sighting")
    sightings: int = _as("sightings")
    names: str = column("", "meta.id.assoc", "its sightings as name#detection, separated by blanks")
    lat_deg: float = _as("lat_deg")
    lon_deg: float = _as("lon_deg")
    area_km2: float = _as("area_km2")
    mean_brightness_R: float = _as("mean_brightness_R")
    peak_brightness_R: float = _as("peak_brightness_R")
    confidence: float = _as("confidence")
    centroid_error_km: float = _as("centroid_error_km")
    area_error_km2: float = _as("area_error_km2")
    mean_random_error_R: float = _as("mean_random_error_R")
    mean_systematic_error_R: float = _as("mean_systematic_error_R")
    peak_random_error_R: float = _as("peak_random_error_R")
    peak_systematic_error_R: float = _as("peak_systematic_error_R")
    integrated_brightness_R_km2: float = _as("integrated_brightness_R_km2")
    integrated_random_error_R_km2: float = _as("integrated_random_error_R_km2")
    integrated_systematic_error_R_km2: float = _as("integrated_systematic_error_R_km2")
    background_R: float = _as("background_R")
    background_error_R: float = _as("background_error_R")
    snr: float = _as("snr")
    peak_lat_deg: float = _as("peak_lat_deg")
    peak_lon_deg: float = _as("peak_lon_deg")
    ground_lat_deg: float = _as("ground_lat_deg")
    ground_lon_deg: float = _as("ground_lon_deg")
    length_km: float = _as("length_km")
    width_km: float = _as("width_km")
    orientation_deg: float = _as("orientation_deg")
    elongation: float = _as("elongation")
    eccentricity: float = _as("eccentricity")
    morphology: str = _as("morphology")
    sza_deg: float = _as("sza_deg")
    emission_angle_deg: float = _as("emission_angle_deg")
    local_time_h: float = _as("local_time_h")
    first_utc: str = column("", "time.start", "time of the first sighting, UTC, ISO 8601")
    last_utc: str = column("", "time.end", "time of the last sighting")
    solar_longitude_deg: float = _as("solar_longitude_deg")
    mars_year: int | None = _as("mars_year")
    sub_spacecraft_lat_deg: float = _as("sub_spacecraft_lat_deg")
    sub_spacecraft_lon_deg: float = _as("sub_spacecraft_lon_deg")
    spacecraft_altitude_km: float = _as("spacecraft_altitude_km")
    sub_solar_lat_deg: float = _as("sub_solar_lat_deg")
    sub_solar_lon_deg: float = _as("sub_solar_lon_deg")
    pixels: int = _as("pixels")
    quality_flags: str = _as("quality_flags")
    instrument: str = _as("instrument")
    level: str = _as("level")
    emission: str = _as("emission")
    latitude_frame: str = _as("latitude_frame")
    orbit: int | None = _as("orbit")
    mode: str = _as("mode")
    outline_wkt: str = _as("outline_wkt")
