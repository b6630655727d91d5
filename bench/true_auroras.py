"""True auroras of a simulated swath: the catalogue's definitions, applied to the scene without noise and pixels.

The scene is sampled on an equal-area grid on the emitting shell, much finer than the pixels: excess along the line of
sight, background, and the native pixel that sees each point. The pieces of an aurora, its centroid, area and brightness
are then defined as in `mars_aurora.measure`, with the grid's points in place of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.background import observed
from mars_aurora.box import Box
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.geometry.canvas import HEIGHT, WIDTH, Canvas, project
from mars_aurora.geometry.plane import Plane
from mars_aurora.measure import pixels as segmentation
from mars_aurora.observation import BoolArray, Float64Array, Observation
from mars_aurora.sphere import MARS_RADIUS_KM, coordinates, mean_coordinates, unit_vectors
from mars_aurora_model.simulator.simulate import Simulated

CELL_KM = 24.0  # half a pixel
MIN_PIECE_KM2 = 20_000.0  # smaller pieces get no box
STRUCTURE_SIGMA = 0.15  # fractional residual of the background in the signal-to-noise ratio of a truth
_RADIUS_KM = 4700.0  # of the visible hemisphere in the equal-area plane
_MIN_COSINE = 0.2  # of the emission angle: the simulator's limit of the path through the shell
_ITERATIONS = 3


@dataclass(frozen=True)
class ShellScene:
    """A scene on the emitting shell, on a grid (n, n) of `CELL_KM`.

    Attributes
    ----------
    lat_deg, lon_deg : (n, n)
    excess_R, background_R : (n, n), without noise, along the line of sight
    pixel : (n, n) int, flat native index of the pixel that sees the point
    x, y : (n, n), position on the canvas
    emission_deg, sza_deg : (n, n)
    visible : (n, n) bool, seen by a usable pixel
    shape : of the native grid
    counts_per_R, fit_noise_R : of the simulated instrument
    """

    lat_deg: Float64Array
    lon_deg: Float64Array
    excess_R: Float64Array
    background_R: Float64Array
    pixel: NDArray[np.intp]
    x: Float64Array
    y: Float64Array
    emission_deg: Float64Array
    sza_deg: NDArray[Any]
    visible: BoolArray
    shape: tuple[int, int]
    counts_per_R: float
    fit_noise_R: float

    def in_box(self, box: Box) -> BoolArray:
        """Select the visible points in a box grown as the measurement grows it."""
        margin = segmentation.GROW_PX
        inside_x = (self.x >= box.x0 - margin) & (self.x <= box.x1 + margin)
        return self.visible & inside_x & (self.y >= box.y0 - margin) & (self.y <= box.y1 + margin)


@dataclass(frozen=True)
class Truth:
    """True properties of the aurora of a box."""

    lat_deg: float
    lon_deg: float
    area_km2: float
    mean_R: float
    peak_R: float
    background_R: float
    sza_deg: float
    emission_deg: float
    snr: float

    @property
    def integrated(self) -> float:
        return self.mean_R * self.area_km2


def sample_shell(simulated: Simulated, observation: Observation, canvas: Canvas) -> ShellScene:
    """Sample a simulated scene on the emitting shell."""
    spacecraft_km = simulated.swath.geometry.spacecraft_mars_km
    lat, lon, up = _grid(spacecraft_km[len(spacecraft_km) // 2])
    points_km = up * (MARS_RADIUS_KM + OXYGEN_1304.shell_km)
    pixel, x, y = _find_pixels(points_km, spacecraft_km, observation, canvas)
    sight = points_km - spacecraft_km[np.maximum(pixel, 0) // observation.shape[1]]
    cosine = -(up * sight).sum(-1) / np.linalg.norm(sight, axis=-1)
    excess = sum(
        (factor * aurora.at(up) for aurora, factor in zip(simulated.auroras, simulated.factors, strict=True)),
        start=np.zeros(lat.shape),
    )
    seen = np.maximum(pixel, 0)
    usable = observed.usable_pixels(observation).reshape(-1)[seen]
    return ShellScene(
        lat_deg=lat,
        lon_deg=lon,
        excess_R=excess / np.maximum(cosine, _MIN_COSINE),
        background_R=simulated.swath.background_R.reshape(-1)[seen],
        pixel=pixel,
        x=x,
        y=y,
        emission_deg=np.degrees(np.arccos(np.clip(cosine, -1, 1))),
        sza_deg=observation.sza_deg.reshape(-1)[seen],
        visible=(pixel >= 0) & usable & (cosine > 0),
        shape=observation.shape,
        counts_per_R=simulated.world.counts_per_R,
        fit_noise_R=simulated.world.fit_noise_R,
    )


def _grid(spacecraft_km: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Lay an equal-area grid about the sub-spacecraft point: latitude, longitude, and unit vectors (n, n, 3)."""
    plane = Plane(*mean_coordinates(*coordinates(spacecraft_km[None]), np.ones(1)))
    offsets = np.arange(-_RADIUS_KM, _RADIUS_KM, CELL_KM)
    x, y = np.meshgrid(offsets, offsets[::-1])
    lat, lon = plane.unproject(x, y)
    return lat, lon, unit_vectors(lat, lon)


def _find_pixels(
    points_km: Float64Array, spacecraft_km: Float64Array, observation: Observation, canvas: Canvas
) -> tuple[NDArray[np.intp], Float64Array, Float64Array]:
    """Find the native pixel that sees each point (n, n, 3), -1 for none, and the point's position on the canvas.

    A point is projected from where the spacecraft was when it was seen, which is found by iteration.
    """
    lat, lon = coordinates(spacecraft_km)
    altitude_km = np.linalg.norm(spacecraft_km, axis=1) - MARS_RADIUS_KM
    row = np.full(points_km.shape[:2], len(spacecraft_km) // 2)
    for _ in range(_ITERATIONS):
        at = row.reshape(-1)
        sight = points_km.reshape(-1, 1, 3) - spacecraft_km[at][:, None]
        x, y = (values.reshape(row.shape) for values in project(sight, lat[at], lon[at], altitude_km[at]))
        column, line = np.rint(x), np.rint(y)
        inside = (column >= 0) & (column < WIDTH) & (line >= 0) & (line < HEIGHT)
        pixel = np.full(row.shape, -1)
        pixel[inside] = canvas.index[line[inside].astype(int), column[inside].astype(int)]
        row = np.where(pixel >= 0, pixel // observation.shape[1], row)
    return pixel, x, y


def label_pieces(scene: ShellScene) -> NDArray[np.int32]:
    """Label the connected pieces of visible aurora, 1 ...; 0 elsewhere: (n, n)."""
    structure_R = segmentation.SIGMAS * observed.STRUCTURE * scene.background_R
    bright = scene.visible & (scene.excess_R >= np.maximum(OXYGEN_1304.visible_R, structure_R))
    return np.asarray(cv2.connectedComponents(bright.astype(np.uint8), connectivity=8)[1], np.int32)


def box_pieces(scene: ShellScene, labels: NDArray[np.int32]) -> list[Box]:
    """Box every piece of at least `MIN_PIECE_KM2` on the canvas."""
    boxes = []
    for label in range(1, labels.max() + 1):
        piece = labels == label
        if piece.sum() * CELL_KM**2 >= MIN_PIECE_KM2:
            x, y = scene.x[piece], scene.y[piece]
            boxes.append(Box("aurora", 1.0, float(x.min()), float(y.min()), float(x.max()), float(y.max())))
    return boxes


def find_truth(scene: ShellScene, labels: NDArray[np.int32], box: Box, boxes: Sequence[Box]) -> Truth | None:
    """Find the true aurora of a box among ``boxes``; None where there is none."""
    region = scene.in_box(box)
    searched = region & OXYGEN_1304.search_area(scene.sza_deg)
    region = searched if searched.any() else region
    others = np.zeros_like(region)
    for other in boxes:
        if other.area < box.area:
            others |= scene.in_box(other)
    kept = segmentation.fill_holes(segmentation.select_pieces((labels > 0) & scene.visible, region, others)) & region
    return _summarize(scene, kept) if kept.any() else None


def _summarize(scene: ShellScene, kept: BoolArray) -> Truth:
    excess_R, background_R = scene.excess_R[kept], float(scene.background_R[kept].mean())
    lat, lon = mean_coordinates(scene.lat_deg[kept], scene.lon_deg[kept], np.maximum(excess_R, 0))
    mean_R, count = float(excess_R.mean()), len(np.unique(scene.pixel[kept]))
    noise_R = np.sqrt(((background_R + mean_R) / scene.counts_per_R + scene.fit_noise_R**2) / count)
    return Truth(
        lat_deg=lat,
        lon_deg=lon,
        area_km2=float(kept.sum()) * CELL_KM**2,
        mean_R=mean_R,
        peak_R=_find_peak(scene, kept),
        background_R=background_R,
        sza_deg=float(scene.sza_deg[kept].mean()),
        emission_deg=float(scene.emission_deg[kept].mean()),
        snr=mean_R / float(np.hypot(noise_R, STRUCTURE_SIGMA * background_R)),
    )


def _find_peak(scene: ShellScene, kept: BoolArray) -> float:
    """Find the highest mean over 3 x 3 native pixels about those that see the aurora."""
    size = scene.shape[0] * scene.shape[1]
    seen = scene.pixel[scene.visible]
    count = np.bincount(seen, minlength=size).reshape(scene.shape).astype(np.float64)
    total = np.bincount(seen, scene.excess_R[scene.visible], minlength=size).reshape(scene.shape)
    filled = count > 0
    mean = np.divide(total, count, out=np.zeros_like(total), where=filled)
    side = (segmentation.SMOOTH_PX, segmentation.SMOOTH_PX)
    sums, counts = (
        np.asarray(cv2.boxFilter(values, -1, side, normalize=False, borderType=cv2.BORDER_CONSTANT))
        for values in (mean, filled.astype(np.float64))
    )
    about = np.unique(scene.pixel[kept])
    return float((sums.reshape(-1)[about] / np.maximum(counts.reshape(-1)[about], 1)).max())
