"""The pixels of one aurora, lifted to the shell that shines.

The light comes from some 130 km above the ground. Where the files give the place on the ground that the line of sight
meets, the aurora is up to hundreds of kilometres nearer to the spacecraft: 130 km times the tangent of the emission
angle. Places are those where the lines of sight cross the shell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mars_aurora.background.observed import Background
from mars_aurora.geometry import footprint
from mars_aurora.geometry.canvas import MARS_RADIUS_KM
from mars_aurora.geometry.footprint import Plane
from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation

EMISSION_ALTITUDE_KM = 130.0  # of the shell (Lillis et al. 2022)


@dataclass(frozen=True)
class Patch:
    """The N pixels of one aurora: light over background, and footprints on the emission shell.

    Attributes
    ----------
    rows : (N,) integration of each pixel
    excess_R, random_R, systematic_R : (N,)
    lat_deg, lon_deg : (N,)
    corner_lat_deg, corner_lon_deg : (N, 4), trimmed to the step of the scan where successive footprints overlap
    area_km2 : (N,) of each footprint
    """

    rows: NDArray[np.intp]
    excess_R: FloatArray
    random_R: FloatArray
    systematic_R: FloatArray
    lat_deg: Float64Array
    lon_deg: Float64Array
    corner_lat_deg: Float64Array
    corner_lon_deg: Float64Array
    area_km2: Float64Array

    @property
    def pull(self) -> Float64Array:
        """Weight of each pixel in the centroid: its light times its area; its area where there is no light."""
        light: Float64Array = np.clip(self.excess_R, 0, None) * self.area_km2
        return light if light.any() else self.area_km2

    @property
    def row(self) -> int:
        """The integration in which the scan passed the centroid."""
        return int(np.rint(np.average(self.rows, weights=self.pull)))

    def find_plane(self) -> Plane:
        """Lay the plane for maps of this aurora: it touches the sphere at the centroid."""
        return Plane(*footprint.mean_place(self.lat_deg, self.lon_deg, self.pull))


def cut_out(observation: Observation, local: Background, pixels: BoolArray) -> Patch:
    """Take an aurora's pixels (nI, nS) out of the grid, with what exceeds the background."""
    rows = np.nonzero(pixels)[0]
    spacecraft_km = _spacecraft_km(observation)[rows]
    lat, lon = footprint.lift(
        observation.latitude_deg[pixels], observation.longitude_deg[pixels], spacecraft_km, EMISSION_ALTITUDE_KM
    )
    corners = footprint.lift(*_trimmed_corners(observation, pixels), spacecraft_km, EMISSION_ALTITUDE_KM)
    random = observation.random_error_R[pixels]
    return Patch(
        rows=rows,
        excess_R=(observation.brightness_R - local.level_R)[pixels],
        random_R=np.where(np.isfinite(random), random, local.noise_R[pixels]),
        systematic_R=np.nan_to_num(observation.systematic_error_R[pixels]),
        lat_deg=lat,
        lon_deg=lon,
        corner_lat_deg=corners[0],
        corner_lon_deg=corners[1],
        area_km2=footprint.pixel_areas_km2(*corners),
    )


def _trimmed_corners(observation: Observation, pixels: BoolArray) -> tuple[Float64Array, Float64Array]:
    """Latitude and longitude (N, 4) of the corners on the surface, without the overlap along the scan."""
    rows, columns = np.nonzero(pixels)
    before, after = np.maximum(rows - 1, 0), np.minimum(rows + 1, pixels.shape[0] - 1)
    before = np.where(observation.tangent_altitude_km[before, columns] <= 0, before, rows)
    after = np.where(observation.tangent_altitude_km[after, columns] <= 0, after, rows)
    first, last = (
        footprint.unit_vectors(observation.latitude_deg[row, columns], observation.longitude_deg[row, columns])
        for row in (before, after)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        step = (last - first) / (after - before)[:, None]
    corners = footprint.unit_vectors(observation.corner_latitude_deg[pixels], observation.corner_longitude_deg[pixels])
    return footprint.places(footprint.trim(corners, step))


def _spacecraft_km(observation: Observation) -> Float64Array:
    """Place the spacecraft at each integration, from Mars's centre, body-fixed: (nI, 3)."""
    up = footprint.unit_vectors(observation.sub_spacecraft_latitude_deg, observation.sub_spacecraft_longitude_deg)
    place: Float64Array = up * (MARS_RADIUS_KM + observation.spacecraft_altitude_km)[:, None]
    return place
