"""The 640x480 canvas: Mars as the spacecraft sees it, limb at 170 px round (320, 230).

Each native pixel is put where its own integration's spacecraft saw it (perspective, north up), so that
neither a moving spacecraft nor a disk cut by the slit changes the scale. No limb need be in view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.box import Box
from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Float64Array, FloatArray, Observation

WIDTH, HEIGHT = 640, 480
CENTRE_X, CENTRE_Y = 320.0, 230.0
DISK_RADIUS = 170.0
MARS_RADIUS_KM = 3396.19
MIN_DISK_PIXELS = 10  # fewer finite coordinates mean that no disk is in view (SPEDAS)
MIN_PAIRS = 50  # pixels with both place and look direction, for turning the one into the other

_STEP_PX = 0.7  # spacing of the samples within a native pixel, so that no canvas pixel is left out
_MAX_SAMPLES = 24
_JUMP = 6.0  # a step so many times the usual one is the scan starting anew, not a wide pixel


@dataclass(frozen=True)
class Canvas:
    """The map between native pixels and canvas pixels, both ways.

    Attributes
    ----------
    x, y : (nI, nS) float32, canvas position of each native pixel's centre; NaN where it has none
    """

    x: FloatArray
    y: FloatArray

    @cached_property
    def index(self) -> NDArray[np.int32]:
        """Flat native index (row-major) of what each canvas pixel shows, (480, 640); -1 unobserved.

        Where footprints overlap, the later integration (the later slit bin) is on top.
        """
        return _index_map(self.x, self.y)

    def to_arrays(self) -> dict[str, FloatArray]:
        """Give the arrays by the names under which `from_arrays` expects them."""
        return {"canvas_x": self.x, "canvas_y": self.y}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Canvas:
        """Build the canvas from what `to_arrays` gave; other names are ignored."""
        return Canvas(arrays["canvas_x"], arrays["canvas_y"])


def fit(observation: Observation) -> Canvas:
    """Place every native pixel on the canvas.

    Pixels without latitude and longitude are placed by their look direction, where the file gives it.

    Raises
    ------
    InputError
        NO_DISK where fewer than 10 pixels look at the disk with a known place and spacecraft.
    """
    looks = _looks_from_places(observation)
    on_disk = np.isfinite(looks[..., 0]) & (observation.tangent_altitude_km <= 0)
    if (n_disk := int(np.count_nonzero(on_disk))) < MIN_DISK_PIXELS:
        detail = f"{n_disk} pixels look at the disk with known coordinates, at least {MIN_DISK_PIXELS} are needed"
        raise InputError(Reason.NO_DISK, observation.facts.name, detail)
    return Canvas(*_project(_add_looks_from_sky(observation, looks), observation))


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


def _looks_from_places(observation: Observation) -> Float64Array:
    """Give the way from the spacecraft to each pixel's place, Mars-fixed: (nI, nS, 3) km, NaN unknown."""
    up = _unit_vectors(observation.sub_spacecraft_latitude_deg, observation.sub_spacecraft_longitude_deg)
    spacecraft_km = up * (MARS_RADIUS_KM + observation.spacecraft_altitude_km)[:, None]
    radius_km = MARS_RADIUS_KM + np.maximum(observation.tangent_altitude_km, 0)
    places = _unit_vectors(observation.latitude_deg, observation.longitude_deg)
    return places * radius_km[..., None] - spacecraft_km[:, None]


def _add_looks_from_sky(observation: Observation, looks: Float64Array) -> Float64Array:
    """Fill in directions known only on the sky (right ascension, declination).

    The turn from the sky to Mars is found on the pixels that have both. Mars spins under the sky as
    the sub-solar longitude tells, so one turn serves the whole swath.
    """
    known = np.isfinite(looks[..., 0])
    on_sky = np.isfinite(observation.ra_deg + observation.dec_deg + observation.sub_solar_longitude_deg[:, None])
    both, missing = known & on_sky, on_sky & ~known
    if not missing.any() or np.count_nonzero(both) < MIN_PAIRS:
        return looks
    sky = _unit_vectors(observation.dec_deg, observation.ra_deg)
    spin = _spins(observation.sub_solar_longitude_deg)
    still = (looks @ spin)[both]  # as if Mars did not spin
    still /= np.linalg.norm(still, axis=-1, keepdims=True)
    u, _, vt = np.linalg.svd(still.T @ sky[both])  # Wahba's problem
    turn = u @ np.diag((1.0, 1.0, np.linalg.det(u @ vt))) @ vt
    filled = looks.copy()
    filled[missing] = (sky @ turn.T @ spin.swapaxes(1, 2))[missing]
    return filled


def _spins(longitude_deg: Float64Array) -> Float64Array:
    """Give the turns about the pole by each longitude: (nI, 3, 3)."""
    angle = np.radians(longitude_deg)
    spin = np.zeros((angle.size, 3, 3))
    spin[:, 0, 0] = spin[:, 1, 1] = np.cos(angle)
    spin[:, 1, 0], spin[:, 0, 1] = np.sin(angle), -np.sin(angle)
    spin[:, 2, 2] = 1
    return spin


def _project(looks: Float64Array, observation: Observation) -> tuple[FloatArray, FloatArray]:
    """Project directions (of any length) on the canvas in perspective, each integration from where it was: x, y."""
    up = _unit_vectors(observation.sub_spacecraft_latitude_deg, observation.sub_spacecraft_longitude_deg)
    longitude = np.radians(observation.sub_spacecraft_longitude_deg)
    east = np.stack((-np.sin(longitude), np.cos(longitude), np.zeros_like(longitude)), axis=-1)
    axes = np.stack((east, np.cross(up, east), -up), axis=-1)  # (nI, 3, 3): east, north, down
    rightward, upward, forward = np.moveaxis(looks @ axes, -1, 0)
    distance_km = MARS_RADIUS_KM + observation.spacecraft_altitude_km
    limb = MARS_RADIUS_KM / np.sqrt(distance_km**2 - MARS_RADIUS_KM**2)  # tangent of its angle from the centre
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(forward > 0, DISK_RADIUS / (forward * limb[:, None]), np.nan)
    return (CENTRE_X + rightward * scale).astype(np.float32), (CENTRE_Y - upward * scale).astype(np.float32)


def _index_map(x: FloatArray, y: FloatArray) -> NDArray[np.int32]:
    """Find which native pixel each canvas pixel shows, by samples drawn all over the native pixels."""
    index = np.full((HEIGHT + 2, WIDTH + 2), -1, np.int32)  # the border takes what lies beside the canvas
    native = np.arange(x.size, dtype=np.int32).reshape(x.shape)
    for patch in _patches(x, y):
        down, across = _samples(x[patch], y[patch], axis=0), _samples(x[patch], y[patch], axis=1)
        column = _cells(_densify(x[patch], down, across), WIDTH)
        row = _cells(_densify(y[patch], down, across), HEIGHT)
        flat = (row * (WIDTH + 2) + column).astype(np.intp)
        index.reshape(-1)[flat] = np.repeat(np.repeat(native[patch], across, axis=1), down, axis=0)
    return np.ascontiguousarray(index[1:-1, 1:-1])


def _cells(position: FloatArray, size: int) -> FloatArray:
    """Turn positions into whole rows (or columns) of the bordered map; what is beside it or unknown gives 0."""
    cell: FloatArray = np.rint(position) + 1
    cell[~((cell > 0) & (cell <= size))] = 0
    return cell


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


def _densify(grid: FloatArray, down: int, across: int) -> FloatArray:
    """Sample positions evenly within each native pixel, ``down`` times ``across``."""
    size = ((grid.shape[1] + 2) * across, (grid.shape[0] + 2) * down)
    dense = np.asarray(cv2.resize(_extrapolate(grid), size, interpolation=cv2.INTER_LINEAR), np.float32)
    return dense[down:-down, across:-across]


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
