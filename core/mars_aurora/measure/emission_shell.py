"""The pixels of one aurora, projected to the emitting shell.

The emission comes from an altitude of some 130 km. Where a file gives the coordinates at which the line of sight
meets the surface, the aurora is nearer to the spacecraft by the altitude times the tangent of the emission angle, up
to hundreds of kilometers. Coordinates here are those where the lines of sight cross the shell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mars_aurora.background.observed import Background
from mars_aurora.geometry.footprint import midlines, pixel_areas_km2, trim
from mars_aurora.geometry.line_of_sight import cross_shell, spacecraft_km
from mars_aurora.geometry.plane import Plane
from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation
from mars_aurora.sphere import MARS_RADIUS_KM, coordinates, mean_coordinates, unit_vectors


@dataclass(frozen=True)
class ShellPixels:
    """The N pixels of one aurora: excess over the background, and footprints on the emitting shell.

    Attributes
    ----------
    rows : (N,) int, integration of each pixel
    excess_R, random_R, systematic_R : (N,), excess and the errors of the brightness
    lat_deg, lon_deg : (N,)
    corner_lat_deg, corner_lon_deg : (N, 4), trimmed to the step of the scan where successive footprints overlap
    area_km2 : (N,) of each footprint
    blur_km2 : float, variance of the smearing by the footprints as observed, mean of both directions
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
    blur_km2: float

    @property
    def weights(self) -> Float64Array:
        """Weight of each pixel in the centroid: its excess times its area; its area where no excess is positive."""
        signal: Float64Array = np.clip(self.excess_R, 0, None) * self.area_km2
        return signal if signal.any() else self.area_km2

    @property
    def area_fractions(self) -> Float64Array:
        """Fraction of each pixel in the area."""
        fractions: Float64Array = self.area_km2 / self.area_km2.sum()
        return fractions

    @property
    def pixel_km(self) -> float:
        """Size of a pixel: root of the median area of the trimmed footprints."""
        return float(np.sqrt(np.median(self.area_km2)))

    @property
    def row(self) -> int:
        """The integration in which the scan passed the centroid."""
        return int(np.rint(np.average(self.rows, weights=self.weights)))

    def find_plane(self) -> Plane:
        """Construct the plane tangent at the centroid."""
        return Plane(*mean_coordinates(self.lat_deg, self.lon_deg, self.weights))


def project_to_shell(observation: Observation, local: Background, pixels: BoolArray) -> ShellPixels:
    """Extract an aurora's pixels (nI, nS) with their excess over the background, on the shell of the emission."""
    rows = np.nonzero(pixels)[0]
    position_km, altitude_km = spacecraft_km(observation)[rows], observation.emission.shell_km
    lat, lon = cross_shell(
        observation.latitude_deg[pixels], observation.longitude_deg[pixels], position_km, altitude_km
    )
    footprints = unit_vectors(observation.corner_latitude_deg[pixels], observation.corner_longitude_deg[pixels])
    trimmed = coordinates(trim(footprints, _scan_steps(observation, pixels)))
    corners = cross_shell(*trimmed, position_km, altitude_km)
    whole = unit_vectors(*cross_shell(*coordinates(footprints), position_km, altitude_km))
    random = observation.random_error_R[pixels]
    return ShellPixels(
        rows=rows,
        excess_R=(observation.brightness_R - local.level_R)[pixels],
        random_R=np.where(np.isfinite(random), random, local.noise_R[pixels]),
        systematic_R=np.nan_to_num(observation.systematic_error_R[pixels]),
        lat_deg=lat,
        lon_deg=lon,
        corner_lat_deg=corners[0],
        corner_lon_deg=corners[1],
        area_km2=pixel_areas_km2(*corners),
        blur_km2=_blur_km2(whole),
    )


def _scan_steps(observation: Observation, pixels: BoolArray) -> Float64Array:
    """Compute the vector (N, 3) on the unit sphere from one integration's pixel to the next; NaN where unknown."""
    rows, columns = np.nonzero(pixels)
    before, after = np.maximum(rows - 1, 0), np.minimum(rows + 1, pixels.shape[0] - 1)
    before = np.where(observation.on_disk[before, columns], before, rows)
    after = np.where(observation.on_disk[after, columns], after, rows)
    first, last = (
        unit_vectors(observation.latitude_deg[row, columns], observation.longitude_deg[row, columns])
        for row in (before, after)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        step: Float64Array = (last - first) / (after - before)[:, None]
    return step


def _blur_km2(footprints: Float64Array) -> float:
    """Compute the variance of uniform footprints (N, 4, 3), a twelfth of the squared size, median over the pixels."""
    squared = sum((midline**2).sum(-1) for midline in midlines(footprints))
    return float(np.median(squared)) / 2 / 12 * MARS_RADIUS_KM**2
