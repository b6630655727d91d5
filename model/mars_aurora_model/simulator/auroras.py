"""Auroras: where they appear, what shape they have, and how the spacecraft sees them.

Kinds and places after Lillis et al. (2022) and Chaffin et al. (2022): bright patches over strong crustal fields,
weak patches elsewhere, and sinuous ribbons thousands of kilometres long that set out from near midnight.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora_model.simulator import orbit
from mars_aurora_model.simulator.geometry import Geometry, intersect
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.world import MARS_RADIUS_KM, World

_GRID = 192  # cells along a side of an aurora's own map
_FINER = 4  # outlines are traced on a map finer by this
_CRUSTAL_BOXES = (  # latitude, east longitude, weight: the strong fields of the south
    ((-45, -35), (170, 180), 0.5),
    ((-70, -30), (150, 210), 0.35),
    ((-60, -20), (0, 30), 0.15),
)
_QUIET_BOX = ((5, 35), (250, 280))
_MAX_SLANT = 5.0  # a shell 20 km thick, seen edge on, with the pixel's own smearing


@dataclass(frozen=True)
class Aurora:
    """One aurora on a map of its own: azimuthal equidistant about its centre, x east and y north.

    Attributes
    ----------
    kind : "crustal", "patch" or "sinuous"
    centre : (3,) unit vector, body-fixed
    cell_km : size of the map's cells, on the surface
    excess_R : (N, N) brightness over background seen from straight above; row 0 is the southern edge
    region : (N, N) bool, inside the outline
    outline : (K, 2) lat, east lon in degrees; a simple polygon, not closed
    """

    kind: str
    centre: Array
    cell_km: float
    excess_R: NDArray[np.float32]
    region: NDArray[np.bool_]
    outline: Array

    def at(self, places: Array) -> Array:
        """Excess seen from above at unit vectors (..., 3) -> (...); zero off the map."""
        flat = places.reshape(-1, 3).astype(np.float32)
        east, north = (axis.astype(np.float32) for axis in _tangent_axes(self.centre))
        angle = np.arccos(np.clip(flat @ self.centre.astype(np.float32), -1, 1))
        scale = angle / np.maximum(np.sin(angle), 1e-6) * np.float32(MARS_RADIUS_KM / self.cell_km)
        middle = np.float32((_GRID - 1) / 2)
        column, row = flat @ east * scale + middle, flat @ north * scale + middle
        side = 4096  # OpenCV remaps at most 32,767 rows
        padded = np.full((2, -(-len(flat) // side) * side), -10, np.float32)
        padded[0, : len(flat)], padded[1, : len(flat)] = column, row
        found = cv2.remap(self.excess_R, padded[0].reshape(-1, side), padded[1].reshape(-1, side), cv2.INTER_LINEAR)
        return found.ravel()[: len(flat)].reshape(places.shape[:-1]).astype(np.float64)

    def cells(self) -> tuple[Array, Array]:
        """Places (N, N, 3) and areas (N, N) in km2 of the map's cells."""
        offsets = (np.arange(_GRID) - (_GRID - 1) / 2) * self.cell_km
        x, y = np.meshgrid(offsets, offsets)
        return _unproject(self.centre, x, y), self.cell_km**2 * np.sinc(np.hypot(x, y) / MARS_RADIUS_KM / np.pi)


def excess(aurora: Aurora, geometry: Geometry, altitude_km: float) -> Array:
    """Sum the excess along each line of sight through the emission shell, before smearing, (nI, nS)."""
    position, directions = geometry.spacecraft_mars_km, geometry.vec_mars[:, :, 0]
    shell = MARS_RADIUS_KM + altitude_km
    total = np.zeros(geometry.on_disk.shape)
    for far in (False, True):
        place, _, above = intersect(position, directions, shell, far=far)
        slope = np.abs(np.einsum("nik,nik->nk", place, directions))
        crossed = (above == 0) & ~(geometry.on_disk & far)
        light = aurora.at(np.moveaxis(place, 1, -1)) / np.maximum(slope, 1 / _MAX_SLANT)
        total += np.where(crossed, light, 0)
    return total


def draw_auroras(rng: np.random.Generator, world: World, sun: Array, spacecraft_km: Array) -> list[Aurora]:
    """Draw a scene's auroras on the night that faces the spacecraft; both vectors (3,) body-fixed."""
    if rng.random() < world.no_aurora_share:
        return []
    kinds, shares = zip(*world.kinds, strict=True)
    count = 1 + rng.choice(len(world.auroras_per_scene), p=world.auroras_per_scene)
    auroras = []
    for kind in rng.choice(kinds, size=count, p=shares):
        place = _draw_place(rng, str(kind), sun, spacecraft_km)
        if place is None and kind == "crustal":
            kind, place = "patch", _draw_place(rng, "patch", sun, spacecraft_km)  # noqa: PLW2901 -- the fields are in daylight
        if place is not None:
            auroras.append(_draw_aurora(rng, world, str(kind), place))
    return auroras


def mean_place(places: Array, weights: Array) -> tuple[float, float]:
    """Weighted vector mean of unit vectors (N, 3): latitude and east longitude in degrees."""
    x, y, z = weights @ places
    return float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)) % 360)


def _draw_place(rng: np.random.Generator, kind: str, sun: Array, spacecraft_km: Array) -> Array | None:
    """Pick a place in the visible night: more near the terminator, dusk over dawn, ribbons near midnight."""
    lat, lon = _candidates(rng, kind)
    places = orbit.unit(lat, lon)
    sza = np.degrees(np.arccos(places @ sun))
    hour = (12 + (lon - np.degrees(np.arctan2(sun[1], sun[0]))) / 15) % 24
    horizon = MARS_RADIUS_KM / np.linalg.norm(spacecraft_km)
    facing = places @ orbit.normalise(spacecraft_km) > horizon + 0.2  # not at the very edge
    quiet = (lat > _QUIET_BOX[0][0]) & (lat < _QUIET_BOX[0][1]) & (lon > _QUIET_BOX[1][0]) & (lon < _QUIET_BOX[1][1])
    weight = 0.35 + np.exp(-np.maximum(sza - 112, 0) / 22) + 0.5 * (hour > 18)
    if kind == "sinuous":
        weight = np.exp(-0.5 * (((hour + 12) % 24 - 12) / 2.5) ** 2)
    weight = weight * (sza > 111) * facing * ~quiet
    if weight.sum() < 1e-6:
        return None
    return places[rng.choice(len(places), p=weight / weight.sum())]


def _candidates(rng: np.random.Generator, kind: str) -> tuple[Array, Array]:
    if kind != "crustal":
        return np.degrees(np.arcsin(rng.uniform(-1, 1, 1500))), rng.uniform(0, 360, 1500)
    corners = np.array([[*lat, *lon] for lat, lon, _ in _CRUSTAL_BOXES])
    south, north, west, east = corners[rng.choice(len(corners), 600, p=[weight for *_, weight in _CRUSTAL_BOXES])].T
    return rng.uniform(south, north), rng.uniform(west, east)


def _draw_aurora(rng: np.random.Generator, world: World, kind: str, centre: Array) -> Aurora:
    if kind == "sinuous":
        length, width = rng.uniform(*world.sinuous_length_km), rng.uniform(*world.sinuous_width_km)
        cell = (length * 0.6 + 4 * width) * 2 / _GRID
        shape = _ribbon(rng, length / cell, width / cell)
        peak = _log_uniform(rng, world.sinuous_peak_R)
    else:
        sizes, peaks = (
            (world.crustal_size_km, world.crustal_peak_R)
            if kind == "crustal"
            else (world.patch_size_km, world.patch_peak_R)
        )
        size = _log_uniform(rng, sizes)
        cell = 8 * size / _GRID
        shape = _patch(rng, size / cell)
        peak = _log_uniform(rng, peaks)
    excess = (shape / shape.max() * max(peak, 1.2 * world.outline_R)).astype(np.float32)
    region, excess = _keep_main_part(excess, world.outline_R)
    return Aurora(kind, centre, cell, excess, region, _outline(region, centre, cell))


def _patch(rng: np.random.Generator, size: float) -> NDArray[np.float32]:
    """Shape an irregular blob of semi-major axis ``size`` cells, (N, N)."""
    middle = (_GRID - 1) / 2
    y, x = np.mgrid[:_GRID, :_GRID] - middle
    x = x + 0.45 * size * _texture(rng, 6)
    y = y + 0.45 * size * _texture(rng, 6)
    turn, flattening = rng.normal(0, 0.5), rng.uniform(0.35, 0.9)  # mostly east-west
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    radius2 = (along**2 + (across / flattening) ** 2) / size**2
    return (np.exp(-(radius2 ** rng.uniform(0.8, 1.6))) * np.exp(0.3 * _texture(rng, 12))).astype(np.float32)


def _ribbon(rng: np.random.Generator, length: float, width: float) -> NDArray[np.float32]:
    """Shape a sinuous band, sizes in cells, (N, N)."""
    s = np.linspace(-0.5, 0.5, 200)
    waves, phases = rng.uniform(0.6, 3.0, 3), rng.uniform(0, 2 * np.pi, 3)
    sway = sum(0.09 / wave * np.sin(2 * np.pi * wave * s + phase) for wave, phase in zip(waves, phases, strict=True))
    turn = rng.uniform(0, 2 * np.pi)
    bow = rng.normal(0, 0.25) * (s**2 - 0.08)
    x, y = s * length, (sway + bow) * length
    path = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=1)
    picture = np.full((_GRID, _GRID), 255, np.uint8)
    fixed = np.round((path + (_GRID - 1) / 2) * 16).astype(np.int32)
    cv2.polylines(picture, [fixed], isClosed=False, color=0, thickness=1, shift=4)
    distance = cv2.distanceTransform(picture, cv2.DIST_L2, 5)
    band = np.exp(-0.5 * (distance / (width * np.exp(0.25 * _texture(rng, 5)))) ** 2)
    return (band * np.exp(0.35 * _texture(rng, 5))).astype(np.float32)


def _texture(rng: np.random.Generator, knots: int) -> Array:
    """Smooth noise of unit variance, or nearly, over the map, (N, N)."""
    coarse = rng.normal(size=(knots, knots)).astype(np.float32)
    fine = rng.normal(size=(3 * knots, 3 * knots)).astype(np.float32)
    grown = [cv2.resize(noise, (_GRID, _GRID), interpolation=cv2.INTER_CUBIC) for noise in (coarse, fine)]
    return grown[0] + 0.35 * grown[1]


def _open(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)


def _keep_main_part(excess: NDArray[np.float32], outline_R: float) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Find the main region over the outline's brightness; dim whatever lies outside it below that.

    The faintest aurora may reach that brightness in a cell or two alone: it is made brighter until three by three do.
    """
    while not (bright := _open((excess >= outline_R).astype(np.uint8))).any():
        excess = excess * np.float32(1.1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=4)
    main = (labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])).astype(np.uint8)
    edges, _ = cv2.findContours(main, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    region = cv2.drawContours(main, edges, -1, 1, cv2.FILLED).astype(bool)  # a hole belongs to the area
    return region, np.where(region, excess, np.minimum(excess, 0.9 * outline_R)).astype(np.float32)


def _outline(region: NDArray[np.bool_], centre: Array, cell_km: float) -> Array:
    """Trace the region's outer edge as latitude and longitude, (K, 2)."""
    fine = cv2.resize(region.astype(np.float32), None, fx=_FINER, fy=_FINER)
    # smoothed, so that no corners touch; the level makes up for an edge that runs inside its pixels
    smooth = (cv2.GaussianBlur(fine, (0, 0), 0.6 * _FINER) > 0.42).astype(np.uint8)
    contours, _ = cv2.findContours(smooth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    edge = cv2.approxPolyDP(max(contours, key=cv2.contourArea), 1.5, closed=True)[:, 0]
    x, y = ((edge + 0.5) / _FINER - _GRID / 2).T * cell_km
    places = _unproject(centre, x, y)
    lat = np.degrees(np.arcsin(np.clip(places[:, 2], -1, 1)))
    return np.stack([lat, np.degrees(np.arctan2(places[:, 1], places[:, 0])) % 360], axis=1)


def _tangent_axes(centre: Array) -> tuple[Array, Array]:
    east = orbit.normalise(np.cross([0.0, 0.0, 1.0], centre))
    return east, np.cross(centre, east)


def _unproject(centre: Array, x_km: Array, y_km: Array) -> Array:
    east, north = _tangent_axes(centre)
    angle = np.hypot(x_km, y_km) / MARS_RADIUS_KM
    spread = np.sinc(angle / np.pi) / MARS_RADIUS_KM
    return np.cos(angle)[..., None] * centre + (spread * x_km)[..., None] * east + (spread * y_km)[..., None] * north


def _log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(bounds))))
