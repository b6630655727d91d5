"""Solar longitude from astropy's built-in ephemeris of Mars and the IAU pole, and the Mars year from it."""

import numpy as np
from astropy.coordinates import get_body_barycentric_posvel
from astropy.time import Time

FIRST_YEAR = Time("1955-04-11T00:00:00", scale="tdb")
SIDEREAL_YEAR_DAYS = 686.98


def solar_longitude_deg(utc: str) -> float:
    """Angle of the Sun from the vernal equinox, as seen from Mars, along its orbit."""
    time = Time(utc)
    (mars, mars_velocity), (sun, sun_velocity) = (
        get_body_barycentric_posvel(body, time, ephemeris="builtin") for body in ("mars", "sun")
    )
    to_sun = (sun - mars).xyz.to_value("km")
    normal = np.cross(to_sun, (sun_velocity - mars_velocity).xyz.to_value("km/s"))
    normal /= np.linalg.norm(normal)
    centuries = (time.tdb.jd - 2451545) / 36525
    ra, dec = np.radians([317.68143 - 0.1061 * centuries, 52.88650 - 0.0609 * centuries])
    pole = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    equinox = np.cross(pole, normal)  # where the Sun crosses the equator northward
    return float(np.degrees(np.arctan2(to_sun @ np.cross(normal, equinox), to_sun @ equinox)) % 360)


def mars_year(utc: str) -> int:
    """Count the equinoxes since the first year."""
    years = (Time(utc).tdb - FIRST_YEAR).to_value("day") / SIDEREAL_YEAR_DAYS
    return 1 + round(years - solar_longitude_deg(utc) / 360)
