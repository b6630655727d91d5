"""The 640x480 canvas: Mars as the spacecraft sees it, limb at 170 px round (320, 230).

Each native pixel is put where its own integration's spacecraft saw it (perspective, north up), so that
neither a moving spacecraft nor a disk cut by the slit changes the scale. No limb need be in view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.errors import InputError, Reason
from mars_aurora.messages import Box
from mars_aurora.observation import Float64Array, FloatArray, Observation

WIDTH, HEIGHT = 640, 480
CENTRE_X, CENTRE_Y = 320.0, 230.0
DISK_RADIUS = 170.0
MARS_RADIUS_KM = 3396.19
MIN_DISK_PIXELS = 10  # fewer finite coordinates mean that no disk is in view (SPEDAS)
MIN_PAIRS = 50  # pixels with both place and look direction, for turning the one into the other

_STEP_PX = 0.6  # spacing of the samples within a native pixel, so that no canvas pixel is left out
_MAX_SAMPLES = 24
_JUMP = 6.0  # a step so many times the usual one is the scan starting anew, not a wide pixel


@dataclass(frozen=True)
class Canvas:
    """The map between native pixels and canvas pixels, both ways.

    Attributes
    ----------
    x, y : (nI, nS) float32, canvas position of each native pixel's centre; NaN where it has none
    index : (480, 640) int32, flat native index (row-major) of what each canvas pixel shows; -1 unobserved
    """

    x: FloatArray
    y: FloatArray
    index: NDArray[np.int32]

    def to_arrays(self) -> dict[str, NDArray[np.float32] | NDArray[np.int32]]:
        """Give the arrays by the names under which `from_arrays` expects them."""
        return {"canvas_x": self.x, "canvas_y": self.y, "canvas_index": self.index}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Canvas:
        """Build the canvas from what `to_arrays` gave; other names are ignored."""
        return Canvas(arrays["canvas_x"], arrays["canvas_y"], arrays["canvas_index"])


def fit(observation: Observation) -> Canvas:
    """Place every native pixel on the canvas.

    Pixels without latitude and longitude are placed by their look direction, where the file gives it.
    Where footprints overlap, the later integration (the later slit bin) is on top.

    Raises
    ------
    InputError
        NO_DISK where fewer than 10 pixels look at the disk with a known place and spacecraft.
    """
    frames = _spacecraft_frames(observation)
    looks = _looks_from_places(observation)
    on_disk = np.isfinite(looks[..., 0]) & (observation.tangent_altitude_km <= 0)
    if (n_disk := int(on_disk.sum())) < MIN_DISK_PIXELS:
        detail = f"{n_disk} pixels look at the disk with known coordinates, at least {MIN_DISK_PIXELS} are needed"
        raise InputError(Reason.NO_DISK, observation.facts.name, detail)
    looks = _add_looks_from_sky(observation, looks)
    x, y = _project(looks, frames, observation.spacecraft_altitude_km)
    return Canvas(x, y, _index_map(x, y))


def to_canvas(values: NDArray[Any], canvas: Canvas, fill: float) -> NDArray[Any]:
    """Draw native values (nI, nS) on the canvas, (480, 640) of the same type; ``fill`` where unobserved."""
    padded = np.empty(values.size + 1, values.dtype)
    padded[:-1] = values.reshape(-1)
    padded[-1] = fill  # what index -1 picks
    return padded[canvas.index]


def pixels_in_box(canvas: Canvas, box: Box) -> NDArray[np.bool_]:
    """Tell which native pixels have their centre in a box on the canvas, edges included: (nI, nS)."""
    inside_x = (canvas.x >= box.x0) & (canvas.x <= box.x1)
    return inside_x & (canvas.y >= box.y0) & (canvas.y <= box.y1)


def _unit_vectors(latitude_deg: NDArray[Any], longitude_deg: NDArray[Any]) -> Float64Array:
    """Turn latitudes and longitudes (or declinations and right ascensions) into unit vectors (..., 3)."""
    latitude = np.radians(latitude_deg, dtype=np.float64)
    longitude = np.radians(longitude_deg, dtype=np.float64)
    level = np.cos(latitude)
    return np.stack((level * np.cos(longitude), level * np.sin(longitude), np.sin(latitude)), axis=-1)


def _spacecraft_frames(observation: Observation) -> Float64Array:
    """Give each integration's axes east, north and down as seen from the spacecraft: (nI, 3, 3)."""
    up = _unit_vectors(observation.sub_spacecraft_latitude_deg, observation.sub_spacecraft_longitude_deg)
    longitude = np.radians(observation.sub_spacecraft_longitude_deg)
    east = np.stack((-np.sin(longitude), np.cos(longitude), np.zeros_like(longitude)), axis=-1)
    return np.stack((east, np.cross(up, east), -up), axis=1)


def _looks_from_places(observation: Observation) -> Float64Array:
    """Give the direction from the spacecraft to each pixel's place, Mars-fixed: (nI, nS, 3), NaN unknown."""
    up = _unit_vectors(observation.sub_spacecraft_latitude_deg, observation.sub_spacecraft_longitude_deg)
    spacecraft_km = up * (MARS_RADIUS_KM + observation.spacecraft_altitude_km)[:, None]
    radius_km = MARS_RADIUS_KM + np.maximum(observation.tangent_altitude_km, 0)
    place_km = _unit_vectors(observation.latitude_deg, observation.longitude_deg) * radius_km[..., None]
    look = place_km - spacecraft_km[:, None]
    unit: Float64Array = look / np.linalg.norm(look, axis=-1, keepdims=True)
    return unit


def _add_looks_from_sky(observation: Observation, looks: Float64Array) -> Float64Array:
    """Fill in directions known only on the sky (right ascension, declination).

    The turn from the sky to Mars is found on the pixels that have both. Mars spins under the sky as
    the sub-solar longitude tells, so one turn serves the whole swath.
    """
    sky = _unit_vectors(observation.dec_deg, observation.ra_deg)
    known = np.isfinite(looks[..., 0])
    on_sky = np.isfinite(sky[..., 0]) & np.isfinite(observation.sub_solar_longitude_deg)[:, None]
    both, missing = known & on_sky, on_sky & ~known
    if not missing.any() or both.sum() < MIN_PAIRS:
        return looks
    spin = _spins(observation.sub_solar_longitude_deg)
    still = np.einsum("iba,isb->isa", spin, looks)  # as if Mars did not spin
    u, _, vt = np.linalg.svd(still[both].T @ sky[both])  # Wahba's problem
    turn = u @ np.diag((1.0, 1.0, np.linalg.det(u @ vt))) @ vt
    filled = looks.copy()
    filled[missing] = np.einsum("iab,isb->isa", spin, sky @ turn.T)[missing]
    return filled


def _spins(longitude_deg: Float64Array) -> Float64Array:
    """Give the turns about the pole by each longitude: (nI, 3, 3)."""
    angle = np.radians(longitude_deg)
    spin = np.zeros((angle.size, 3, 3))
    spin[:, 0, 0] = spin[:, 1, 1] = np.cos(angle)
    spin[:, 1, 0], spin[:, 0, 1] = np.sin(angle), -np.sin(angle)
    spin[:, 2, 2] = 1
    return spin


def _project(looks: Float64Array, frames: Float64Array, altitude_km: Float64Array) -> tuple[FloatArray, FloatArray]:
    """Project directions on the canvas in perspective: x, y (nI, nS)."""
    east, north, down = np.moveaxis(np.einsum("iab,isb->isa", frames, looks), -1, 0)
    distance = MARS_RADIUS_KM + altitude_km
    limb = MARS_RADIUS_KM / np.sqrt(distance**2 - MARS_RADIUS_KM**2)  # tangent of the limb's angle
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(down > 0, DISK_RADIUS / (down * limb[:, None]), np.nan)
    return (CENTRE_X + east * scale).astype(np.float32), (CENTRE_Y - north * scale).astype(np.float32)


def _index_map(x: FloatArray, y: FloatArray) -> NDArray[np.int32]:
    """Find which native pixel each canvas pixel shows, by samples drawn all over the native pixels."""
    index = np.full((HEIGHT, WIDTH), -1, np.int32)
    native = np.arange(x.size, dtype=np.int32).reshape(x.shape)
    for rows, columns in _patches(x, y):
        patch = (rows, columns)
        dense_x, dense_y, dense = _densify(x[patch], y[patch], native[patch])
        with np.errstate(invalid="ignore"):
            column, row = np.rint(dense_x), np.rint(dense_y)
            inside = (column >= 0) & (column < WIDTH) & (row >= 0) & (row < HEIGHT)
        flat = (row[inside] * WIDTH + column[inside]).astype(np.int32)
        index.reshape(-1)[flat] = dense[inside]
    return index


def _patches(x: FloatArray, y: FloatArray) -> Iterator[tuple[slice, slice]]:
    """Cut the native grid into runs of integrations and slit bins that hang together."""
    placed = np.isfinite(x)
    columns = np.flatnonzero(placed.any(axis=0))
    rows = np.flatnonzero(placed.any(axis=1))
    column_slice = slice(int(columns[0]), int(columns[-1]) + 1)
    with np.errstate(invalid="ignore"):
        step = np.nanmax(np.hypot(np.diff(x[rows], axis=0), np.diff(y[rows], axis=0)), axis=1, initial=0.0)
    usual = float(np.median(step)) if step.size else 0.0
    cuts = np.flatnonzero((step > _JUMP * usual + 1) | (np.diff(rows) > 1)) + 1
    for run in np.split(rows, cuts):
        yield slice(int(run[0]), int(run[-1]) + 1), column_slice


def _densify(x: FloatArray, y: FloatArray, native: NDArray[np.int32]) -> tuple[FloatArray, FloatArray, NDArray[Any]]:
    """Sample positions evenly within each native pixel, with the native index of each sample."""
    n_rows, n_columns = x.shape
    down, across = _samples(x, y, axis=0), _samples(x, y, axis=1)
    size = ((n_columns + 2) * across, (n_rows + 2) * down)
    inner = (slice(down, -down), slice(across, -across))
    dense_x, dense_y = (cv2.resize(_extrapolate(grid), size, interpolation=cv2.INTER_LINEAR)[inner] for grid in (x, y))
    dense = cv2.resize(native, (n_columns * across, n_rows * down), interpolation=cv2.INTER_NEAREST)
    return dense_x.astype(np.float32, copy=False), dense_y.astype(np.float32, copy=False), dense


def _samples(x: FloatArray, y: FloatArray, axis: int) -> int:
    """Count the samples a native pixel needs along an axis for the widest to be filled."""
    if x.shape[axis] < 2:
        return 1
    step = np.hypot(np.diff(x, axis=axis), np.diff(y, axis=axis))
    step = step[np.isfinite(step)]
    widest = float(step.max()) if step.size else 0.0
    return int(np.clip(np.ceil(widest / _STEP_PX), 1, _MAX_SAMPLES))


def _extrapolate(grid: FloatArray) -> FloatArray:
    """Add a border of one pixel by going straight on: (n + 2, m + 2)."""
    padded = np.pad(grid, 1, mode="edge")
    if grid.shape[0] > 1:
        padded[0], padded[-1] = 2 * padded[1] - padded[2], 2 * padded[-2] - padded[-3]
    if grid.shape[1] > 1:
        padded[:, 0], padded[:, -1] = 2 * padded[:, 1] - padded[:, 2], 2 * padded[:, -2] - padded[:, -3]
    return padded
