"""Observation geometry: pixel centers and corners on Mars, or their tangent points off the disk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator import orbit
from mars_aurora_model.simulator.figure import Figure, dot
from mars_aurora_model.simulator.orbit import Array, Frames

EDGE_EMISSION_DEG = 90.0


@dataclass(frozen=True)
class Pointing:
    """Scan of one swath; angles in degrees.

    Attributes
    ----------
    scan_deg : (nI,), angle of the slit from the center of Mars, across the slit
    slit_deg : (nS,), angle of each bin's center from the center of Mars, along the slit
    bin_deg, width_deg : size of a bin along and across the slit
    roll_deg : position angle of the slit from the projected north of Mars
    """

    scan_deg: Array
    slit_deg: Array
    bin_deg: float
    width_deg: float
    roll_deg: float

    @property
    def step_deg(self) -> float:
        return float(np.abs(np.diff(self.scan_deg)).mean())


@dataclass(frozen=True)
class Geometry:
    """Geometry per pixel and per integration, as in the FITS tables; samples are center, LL, LR, UR, UL.

    Attributes
    ----------
    et : (nI,) s past J2000
    frames : Frames
    spacecraft_km : (nI, 3) from the center of Mars, J2000
    vec_j2000, vec_mars, vec_mso : (nI, 3, 5, nS) unit vectors of the lines of sight
    lat_deg, lon_deg, sza_deg, emission_deg, phase_deg, local_time_h, altitude_km : (nI, 5, nS)
        at the surface, or at the tangent point off the disk; longitude east, 0 to 360
    ra_deg, dec_deg : (nI, 5, nS)
    distance_km : (nI, 5, nS) from the spacecraft
    cell_km2 : (nI, nS) surface area of a bin by a scan step; NaN off the disk
    figure : Figure, the shape of Mars and the frame of its latitudes
    """

    et: Array
    frames: Frames
    spacecraft_km: Array
    vec_j2000: Array
    vec_mars: Array
    vec_mso: Array
    lat_deg: Array
    lon_deg: Array
    sza_deg: Array
    emission_deg: Array
    phase_deg: Array
    local_time_h: Array
    altitude_km: Array
    ra_deg: Array
    dec_deg: Array
    distance_km: Array
    cell_km2: Array
    figure: Figure

    @property
    def spacecraft_mars_km(self) -> Array:
        """(nI, 3): position of the spacecraft in the body-fixed frame."""
        position: Array = np.einsum("nij,nj->ni", self.frames.to_mars, self.spacecraft_km)
        return position

    @property
    def sun_mars(self) -> Array:
        """(nI, 3): direction of the Sun in the body-fixed frame."""
        direction: Array = np.einsum("nij,nj->ni", self.frames.to_mars, self.frames.sun)
        return direction

    @property
    def on_disk(self) -> NDArray[np.bool_]:
        """(nI, nS): pixels whose center is on the disk."""
        mask: NDArray[np.bool_] = self.altitude_km[:, 0] == 0
        return mask


def trace(et: Array, spacecraft_km: Array, pointing: Pointing, figure: Figure) -> Geometry:
    """Trace the lines of sight of a swath to Mars; ``et`` (nI,), ``spacecraft_km`` (nI, 3) in J2000."""
    frames = orbit.frames(et)
    axes = _slit_axes(spacecraft_km, frames.to_mars[:, 2], pointing.roll_deg)
    local = _sample_directions(pointing)
    shape = (len(et), 3, 5, len(pointing.slit_deg))
    flat = local.reshape(len(et), 3, -1)
    vec_j2000 = (axes @ flat).reshape(shape)
    vec_mars = (frames.to_mars @ axes @ flat).reshape(shape)
    vec_mso = (frames.to_mso @ axes @ flat).reshape(shape)
    position = np.einsum("nij,nj->ni", frames.to_mars, spacecraft_km)
    sun = np.einsum("nij,nj->ni", frames.to_mars, frames.sun)
    surface = figure.meet(position, vec_mars)
    distance, altitude = surface.distance_km, surface.altitude_km
    lon = _longitude_deg(surface.place)
    sun_lon = np.degrees(np.arctan2(sun[:, 1], sun[:, 0]))[:, None, None]
    cos_emission = -dot(vec_mars, surface.normal)
    on_disk = altitude == 0
    cell = np.radians(pointing.bin_deg) * np.radians(pointing.step_deg) * distance[:, 0] ** 2
    return Geometry(
        et=et,
        frames=frames,
        spacecraft_km=spacecraft_km,
        vec_j2000=vec_j2000,
        vec_mars=vec_mars,
        vec_mso=vec_mso,
        lat_deg=np.degrees(np.arcsin(np.clip(surface.place[:, 2], -1, 1))),
        lon_deg=lon,
        sza_deg=_angle_deg(np.einsum("nipk,ni->npk", surface.normal, sun)),
        emission_deg=np.where(on_disk, _angle_deg(cos_emission), EDGE_EMISSION_DEG),
        phase_deg=_angle_deg(-np.einsum("nipk,ni->npk", vec_mars, sun)),
        local_time_h=(12 + (lon - sun_lon) / 15) % 24,
        altitude_km=altitude,
        ra_deg=_longitude_deg(vec_j2000),
        dec_deg=np.degrees(np.arcsin(np.clip(vec_j2000[:, 2], -1, 1))),
        distance_km=distance,
        cell_km2=np.where(on_disk[:, 0], cell / np.maximum(cos_emission[:, 0], 0.02), np.nan),
        figure=figure,
    )


def _slit_axes(spacecraft_km: Array, pole: Array, roll_deg: float) -> Array:
    """Return column vectors along the slit, across it, and toward the center of Mars, (nI, 3, 3)."""
    ahead = -orbit.normalize(spacecraft_km)
    east = orbit.normalize(np.cross(ahead, pole))
    north = np.cross(east, ahead)
    roll = np.radians(roll_deg)
    along = np.cos(roll) * north + np.sin(roll) * east
    return np.stack([along, np.cross(ahead, along), ahead], axis=2)


def _sample_directions(pointing: Pointing) -> Array:
    """Return lines of sight in the axes of the slit, (nI, 3, 5, nS): center, LL, LR, UR, UL."""
    half_bin, half_width = pointing.bin_deg / 2, pointing.width_deg / 2
    along = np.radians(pointing.slit_deg + half_bin * np.array([0, -1, 1, 1, -1])[:, None])
    across = np.radians(pointing.scan_deg[:, None] + half_width * np.array([0, -1, -1, 1, 1]))
    n, cos_along = len(pointing.scan_deg), np.cos(along)
    return np.stack(
        [
            np.broadcast_to(np.sin(along), (n, *along.shape)),
            np.sin(across)[..., None] * cos_along,
            np.cos(across)[..., None] * cos_along,
        ],
        axis=1,
    )


def _angle_deg(cosine: Array) -> Array:
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def _longitude_deg(vectors: Array) -> Array:
    return np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) % 360
