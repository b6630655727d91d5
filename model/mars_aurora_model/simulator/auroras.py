"""Auroras: position, shape, and excess along the lines of sight.

Kinds and positions after Lillis et al. (2022) and Chaffin et al. (2022): bright patches over strong crustal fields,
weak patches elsewhere, and sinuous ribbons thousands of kilometers long near midnight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator import orbit, shapes
from mars_aurora_model.simulator.geometry import Geometry
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.shapes import GRID
from mars_aurora_model.simulator.world import MARS_RADIUS_KM, World

_OVERSAMPLING = 4  # of the map on which outlines are traced
_CRUSTAL_BOXES = (  # latitude, east longitude, weight: strong crustal fields in the south
    ((-45, -35), (170, 180), 0.5),
    ((-70, -30), (150, 210), 0.35),
    ((-60, -20), (0, 30), 0.15),
)
_QUIET_BOX = ((5, 35), (250, 280))
_MAX_SLANT = 5.0  # a shell 20 km thick seen edge-on, smeared by the pixel size


@dataclass(frozen=True)
class Aurora:
    """One aurora on its own map: azimuthal equidistant projection about its center, x east and y north.

    Attributes
    ----------
    kind : "crustal", "patch" or "sinuous"
    center : (3,) unit vector, body-fixed
    cell_km : size of a map cell on the surface
    excess_R : (N, N) excess over the background at normal incidence; row 0 is the southern edge
    region : (N, N) bool, cells inside the outline
    outline : (K, 2) lat, east lon in degrees; a simple polygon, not closed
    """

    kind: str
    center: Array
    cell_km: float
    excess_R: NDArray[np.float32]
    region: NDArray[np.bool_]
    outline: Array

    def at(self, vectors: Array) -> Array:
        """Interpolate the excess at normal incidence at unit vectors (..., 3) -> (...); 0 off the map."""
        flat = vectors.reshape(-1, 3).astype(np.float32)
        east, north = (axis.astype(np.float32) for axis in _tangent_axes(self.center))
        angle = np.arccos(np.clip(flat @ self.center.astype(np.float32), -1, 1))
        scale = angle / np.maximum(np.sin(angle), 1e-6) * np.float32(MARS_RADIUS_KM / self.cell_km)
        middle = np.float32((GRID - 1) / 2)
        column, row = flat @ east * scale + middle, flat @ north * scale + middle
        side = 4096  # OpenCV remaps at most 32,767 rows
        padded = np.full((2, -(-len(flat) // side) * side), -10, np.float32)
        padded[0, : len(flat)], padded[1, : len(flat)] = column, row
        found = cv2.remap(self.excess_R, padded[0].reshape(-1, side), padded[1].reshape(-1, side), cv2.INTER_LINEAR)
        return found.ravel()[: len(flat)].reshape(vectors.shape[:-1]).astype(np.float64)

    def cells(self) -> tuple[Array, Array]:
        """Return unit vectors (N, N, 3) and areas (N, N) in km2 of the map cells."""
        offsets = (np.arange(GRID) - (GRID - 1) / 2) * self.cell_km
        x, y = np.meshgrid(offsets, offsets)
        return _unproject(self.center, x, y), self.cell_km**2 * np.sinc(np.hypot(x, y) / MARS_RADIUS_KM / np.pi)


class Emitter(Protocol):
    """An emission of the shell, by its brightness at normal incidence at unit vectors (..., 3) -> (...)."""

    def at(self, vectors: Array) -> Array: ...


def excess(aurora: Emitter, geometry: Geometry, altitude_km: float) -> Array:
    """Sum the excess along each line of sight through the emission shell, before smearing; (nI, nS)."""
    position, directions = geometry.spacecraft_mars_km, geometry.vec_mars[:, :, 0]
    total = np.zeros(geometry.on_disk.shape)
    for far in (False, True):
        shell = geometry.figure.meet(position, directions, altitude_km, far=far)
        slope = np.abs(np.einsum("nik,nik->nk", shell.normal, directions))
        crossed = (shell.altitude_km == 0) & ~(geometry.on_disk & far)
        excess_R = aurora.at(np.moveaxis(shell.place, 1, -1)) / np.maximum(slope, 1 / _MAX_SLANT)
        total += np.where(crossed, excess_R, 0)
    return total


def draw_auroras(rng: np.random.Generator, world: World, sun: Array, spacecraft_km: Array) -> list[Aurora]:
    """Draw the auroras of a scene on the visible night side; ``sun`` and ``spacecraft_km`` are (3,), body-fixed."""
    if rng.random() < world.no_aurora_fraction:
        return []
    kinds, fractions = zip(*world.kinds, strict=True)
    count = 1 + rng.choice(len(world.auroras_per_scene), p=world.auroras_per_scene)
    auroras = []
    for kind in rng.choice(kinds, size=count, p=fractions):
        center = _draw_center(rng, world, str(kind), sun, spacecraft_km)
        if center is None and kind == "crustal":
            kind, center = "patch", _draw_center(rng, world, "patch", sun, spacecraft_km)  # noqa: PLW2901 -- fields in daylight
        if center is not None:
            auroras.append(_draw_aurora(rng, world, str(kind), center))
    return auroras


def mean_coordinates(vectors: Array, weights: Array) -> tuple[float, float]:
    """Return latitude and east longitude in degrees of the weighted mean of unit vectors (N, 3)."""
    x, y, z = weights @ vectors
    return float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)) % 360)


def _draw_center(rng: np.random.Generator, world: World, kind: str, sun: Array, spacecraft_km: Array) -> Array | None:
    """Draw a unit vector on the visible night side, or None where the kind has none.

    Ribbons are concentrated near midnight, other kinds near the terminator and on the dusk side.
    """
    lat, lon = _candidates(rng, kind)
    vectors = orbit.unit(lat, lon)
    sza = np.degrees(np.arccos(vectors @ sun))
    hour = (12 + (lon - np.degrees(np.arctan2(sun[1], sun[0]))) / 15) % 24
    horizon = MARS_RADIUS_KM / np.linalg.norm(spacecraft_km)
    facing = vectors @ orbit.normalize(spacecraft_km) > horizon + 0.2  # excludes the limb
    quiet = (lat > _QUIET_BOX[0][0]) & (lat < _QUIET_BOX[0][1]) & (lon > _QUIET_BOX[1][0]) & (lon < _QUIET_BOX[1][1])
    weight = 0.35 + np.exp(-np.maximum(sza - 112, 0) / 22) + 0.5 * (hour > 18)
    if kind == "sinuous":
        weight = np.exp(-0.5 * (((hour + 12) % 24 - 12) / 2.5) ** 2)
    low, high = world.aurora_sza_deg
    weight = weight * (sza > low) * (sza < high) * facing * ~quiet
    if weight.sum() < 1e-6:
        return None
    chosen: Array = vectors[rng.choice(len(vectors), p=weight / weight.sum())]
    return chosen


def _candidates(rng: np.random.Generator, kind: str) -> tuple[Array, Array]:
    """Draw latitudes and longitudes at which a kind may occur."""
    if kind != "crustal":
        return np.degrees(np.arcsin(rng.uniform(-1, 1, 1500))), rng.uniform(0, 360, 1500)
    corners = np.array([[*lat, *lon] for lat, lon, _ in _CRUSTAL_BOXES])
    south, north, west, east = corners[rng.choice(len(corners), 600, p=[weight for *_, weight in _CRUSTAL_BOXES])].T
    return rng.uniform(south, north), rng.uniform(west, east)


def _draw_aurora(rng: np.random.Generator, world: World, kind: str, center: Array) -> Aurora:
    if kind == "sinuous":
        length, width = rng.uniform(*world.sinuous_length_km), rng.uniform(*world.sinuous_width_km)
        cell = (length * 0.6 + 4 * width) * 2 / GRID
        shape = shapes.draw_ribbon(rng, length / cell, width / cell)
        peak = _log_uniform(rng, world.sinuous_peak_R)
    else:
        sizes, peaks = (
            (world.crustal_size_km, world.crustal_peak_R)
            if kind == "crustal"
            else (world.patch_size_km, world.patch_peak_R)
        )
        size = _log_uniform(rng, sizes)
        cell = 8 * size / GRID
        shape = shapes.draw_patch(rng, size / cell)
        peak = _log_uniform(rng, peaks)
    excess = (shape / shape.max() * max(peak, 1.2 * world.outline_R)).astype(np.float32)
    region, excess = shapes.keep_main_part(excess, world.outline_R)
    return Aurora(kind, center, cell, excess, region, _outline(region, center, cell))


def _outline(region: NDArray[np.bool_], center: Array, cell_km: float) -> Array:
    """Trace the outer edge of the region as latitude and longitude, (K, 2)."""
    fine = cv2.resize(region.astype(np.float32), None, fx=_OVERSAMPLING, fy=_OVERSAMPLING)
    # smoothed so that corners do not touch; the level corrects for contours that run inside their pixels
    smooth = (cv2.GaussianBlur(fine, (0, 0), 0.6 * _OVERSAMPLING) > 0.42).astype(np.uint8)
    contours, _ = cv2.findContours(smooth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    edge = cv2.approxPolyDP(max(contours, key=cv2.contourArea), 1.5, closed=True)[:, 0]
    x, y = ((edge + 0.5) / _OVERSAMPLING - GRID / 2).T * cell_km
    vectors = _unproject(center, x, y)
    lat = np.degrees(np.arcsin(np.clip(vectors[:, 2], -1, 1)))
    return np.stack([lat, np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) % 360], axis=1)


def _tangent_axes(center: Array) -> tuple[Array, Array]:
    """Return the east and north unit vectors at ``center``."""
    east = orbit.normalize(np.cross([0.0, 0.0, 1.0], center))
    return east, np.cross(center, east)


def _unproject(center: Array, x_km: Array, y_km: Array) -> Array:
    """Invert the azimuthal equidistant projection about ``center``: km (...) -> unit vectors (..., 3)."""
    east, north = _tangent_axes(center)
    angle = np.hypot(x_km, y_km) / MARS_RADIUS_KM
    spread = np.sinc(angle / np.pi) / MARS_RADIUS_KM
    return np.cos(angle)[..., None] * center + (spread * x_km)[..., None] * east + (spread * y_km)[..., None] * north


def _log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(bounds))))
