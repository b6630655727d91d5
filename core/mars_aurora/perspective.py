"""From where Mars is seen, and where the Sun is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Perspective:
    """Positions of spacecraft and Sun: latitudes, east longitudes, and the altitude of the spacecraft."""

    sub_spacecraft_lat_deg: float
    sub_spacecraft_lon_deg: float
    spacecraft_altitude_km: float
    sub_solar_lat_deg: float
    sub_solar_lon_deg: float
