"""Ephemerides: Mars time, reference frames, positions of Mars, the Sun and the spacecraft.

Mars time after Allison & McEwen (2000); pole and prime meridian after the IAU 2015 report.
Frames: J2000; MARS (body-fixed, z to the north pole); MSO (x to the Sun, z to the orbital north).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator.world import MARS_RADIUS_KM

Array = NDArray[np.float64]

AU_KM = 149_597_870.7
MARS_GM = 42_828.37  # km3/s2
PERIAPSIS_KM, APOAPSIS_KM = 19_970.0, 42_650.0  # altitudes
INCLINATION_DEG = 25.0
_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_TDB_MINUS_UTC_S = 69.184
_ECLIPTIC_DEG = 23.43928
_MARS_YEAR_DAYS = 686.9726
_FIRST_ORBIT = datetime(2021, 1, 21, tzinfo=UTC)  # extrapolated from published file names
_YEAR_1 = datetime(1955, 4, 11, tzinfo=UTC)  # Mars year 1 begins (Clancy et al. 2000)
_SEMI_MAJOR_KM = MARS_RADIUS_KM + (PERIAPSIS_KM + APOAPSIS_KM) / 2
_ECCENTRICITY = (APOAPSIS_KM - PERIAPSIS_KM) / 2 / _SEMI_MAJOR_KM


def unit(lat_deg: float | Array, lon_deg: float | Array) -> Array:
    """Convert latitudes and longitudes (or declinations and right ascensions) to unit vectors, (..., 3)."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def normalize(vectors: Array) -> Array:
    """Scale (..., 3) vectors to length 1."""
    scaled: Array = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled


_POLE = unit(52.88650, 317.68143)
_ORBIT_NORMAL = np.array(
    [
        [1, 0, 0],
        [0, np.cos(np.radians(_ECLIPTIC_DEG)), -np.sin(np.radians(_ECLIPTIC_DEG))],
        [0, np.sin(np.radians(_ECLIPTIC_DEG)), np.cos(np.radians(_ECLIPTIC_DEG))],
    ]
) @ unit(90 - 1.850, 49.558 - 90)
_EQUINOX = normalize(np.cross(_POLE, _ORBIT_NORMAL))  # direction of the Sun at Ls 0
_INERTIAL = np.stack([_EQUINOX, np.cross(_POLE, _EQUINOX), _POLE])  # Mars equator of date, not rotating


def to_et(utc: datetime) -> float:
    """Convert a UTC date to seconds past J2000 (TDB)."""
    return (utc - _J2000).total_seconds() + _TDB_MINUS_UTC_S


def to_utc(et: float) -> datetime:
    """Convert seconds past J2000 (TDB) to a UTC date, to the millisecond."""
    return _J2000 + timedelta(milliseconds=round((et - _TDB_MINUS_UTC_S) * 1000))


def stamp(utc: datetime) -> str:
    """Format a date as in the files: ``2022-03-31T21:21:07.000``."""
    return utc.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


def orbit_number(utc: datetime) -> int:
    """Return the orbit number used in file names."""
    return int((utc - _FIRST_ORBIT).total_seconds() / period_s())


def solar_longitude_deg(et: Array) -> Array:
    """Return the areocentric solar longitude Ls, 0 to 360."""
    days = et / 86_400
    anomaly = np.radians(19.3871 + 0.52402073 * days)
    center = 10.691 * np.sin(anomaly) + 0.623 * np.sin(2 * anomaly) + 0.050 * np.sin(3 * anomaly)
    ls_deg: Array = (270.3871 + 0.524038496 * days + center + 0.005 * np.sin(4 * anomaly)) % 360
    return ls_deg


def mars_year(utc: datetime, ls_deg: float) -> int:
    """Return the Mars year, counted from 11 April 1955 (Ls 0 of year 1)."""
    days = (utc - _YEAR_1).total_seconds() / 86_400
    return round(days / _MARS_YEAR_DAYS - ls_deg / 360) + 1


@dataclass(frozen=True)
class Frames:
    """Reference frames at n times; the rows of each matrix are the axes of the frame in J2000.

    Attributes
    ----------
    to_mars, to_mso : (n, 3, 3)
    sun : (n, 3), unit vectors Mars to Sun in J2000
    sun_distance_km : (n,)
    """

    to_mars: Array
    to_mso: Array
    sun: Array
    sun_distance_km: Array


def frames(et: Array) -> Frames:
    """Compute the reference frames and the direction of the Sun at times ``et`` (n,)."""
    ls = np.radians(solar_longitude_deg(et))[:, None]
    sun = np.cos(ls) * _EQUINOX + np.sin(ls) * np.cross(_ORBIT_NORMAL, _EQUINOX)
    node = normalize(np.array([-_POLE[1], _POLE[0], 0.0]))
    turn = np.radians((176.630 + 350.89198226 * et / 86_400) % 360)[:, None]
    x = np.cos(turn) * node + np.sin(turn) * np.cross(_POLE, node)
    pole, normal = np.broadcast_to(_POLE, x.shape), np.broadcast_to(_ORBIT_NORMAL, x.shape)
    to_mars = np.stack([x, np.cross(pole, x), pole], axis=1)
    to_mso = np.stack([sun, np.cross(normal, sun), normal], axis=1)
    distance = 1.52368 * (1 - 0.0934**2) / (1 + 0.0934 * np.cos(ls[:, 0] - np.radians(250.99)))
    return Frames(to_mars, to_mso, sun, distance * AU_KM)


def period_s() -> float:
    """Return the orbital period of the spacecraft, 54.5 hours."""
    return float(2 * np.pi * np.sqrt(_SEMI_MAJOR_KM**3 / MARS_GM))


def position_km(node_deg: float | Array, periapsis_deg: float | Array, mean_anomaly: float | Array) -> Array:
    """Return the position of the spacecraft from the center of Mars, J2000, (..., 3).

    Arguments broadcast; the mean anomaly is in radians.
    """
    eccentric = np.asarray(mean_anomaly, np.float64)
    for _ in range(12):  # fixed-point iteration; converges to a meter for an eccentricity of 0.33
        eccentric = mean_anomaly + _ECCENTRICITY * np.sin(eccentric)
    x = _SEMI_MAJOR_KM * (np.cos(eccentric) - _ECCENTRICITY)
    y = _SEMI_MAJOR_KM * np.sqrt(1 - _ECCENTRICITY**2) * np.sin(eccentric)
    argument, node, tilt = np.radians(periapsis_deg), np.radians(node_deg), np.radians(INCLINATION_DEG)
    along = x * np.cos(argument) - y * np.sin(argument)
    up = x * np.sin(argument) + y * np.cos(argument)
    in_equator = np.stack(
        [
            along * np.cos(node) - up * np.cos(tilt) * np.sin(node),
            along * np.sin(node) + up * np.cos(tilt) * np.cos(node),
            up * np.sin(tilt),
        ],
        axis=-1,
    )
    return in_equator @ _INERTIAL
