"""The 640x480 canvas: Mars in perspective as seen from the spacecraft, the limb at 170 px around (320, 230).

Each native pixel is projected from the spacecraft's position at its own integration, north up. So neither the motion of
the spacecraft nor a disk cut by the slit changes the scale, and no limb needs to be in the swath.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.box import Box
from mars_aurora.errors import InputError, Reason
from mars_aurora.geometry.index_map import map_pixels
from mars_aurora.geometry.line_of_sight import lines_of_sight
from mars_aurora.observation import Float64Array, FloatArray, Observation, from_npz, to_npz
from mars_aurora.perspective import Perspective
from mars_aurora.sphere import MARS_RADIUS_KM, local_axes, unit_vectors

Corners = tuple[float, float, float, float]

WIDTH, HEIGHT = 640, 480
CENTER_X, CENTER_Y = 320.0, 230.0
DISK_RADIUS = 170.0
MIN_DISK_PIXELS = 10  # fewer finite coordinates mean that no disk is in the swath (SPEDAS)


@dataclass(frozen=True)
class Canvas:
    """The map between native pixels and canvas pixels, both ways.

    Attributes
    ----------
    x, y : (nI, nS) float32
        Position on the canvas of each native pixel's center; NaN where unknown.
    """

    x: FloatArray
    y: FloatArray

    @cached_property
    def index(self) -> NDArray[np.int32]:
        """Flat native index (row-major) shown at each canvas pixel, (480, 640); -1 where unobserved.

        Where footprints overlap, the later integration (then the later slit bin) is on top.
        """
        return map_pixels(self.x, self.y, (HEIGHT, WIDTH))

    @property
    def disk_radii(self) -> FloatArray:
        """Distance of each native pixel from the center of the disk, in radii of the disk: (nI, nS)."""
        radii: FloatArray = np.hypot(self.x - CENTER_X, self.y - CENTER_Y) / DISK_RADIUS
        return radii


def fit(observation: Observation) -> Canvas:
    """Place every native pixel on the canvas.

    Raises
    ------
    InputError
        NO_DISK where fewer than 10 pixels on the disk have known coordinates and a known spacecraft position.
    """
    sight = lines_of_sight(observation)
    on_disk = np.isfinite(sight[..., 0]) & observation.on_disk
    if (n_disk := int(np.count_nonzero(on_disk))) < MIN_DISK_PIXELS:
        detail = f"{n_disk} pixels on the disk have known coordinates, at least {MIN_DISK_PIXELS} are needed"
        raise InputError(Reason.NO_DISK, observation.facts.name, detail)
    x, y = project(
        sight,
        observation.sub_spacecraft_latitude_deg,
        observation.sub_spacecraft_longitude_deg,
        observation.spacecraft_altitude_km,
    )
    return Canvas(x.astype(np.float32), y.astype(np.float32))


def project(
    sight: Float64Array, sub_lat_deg: Float64Array, sub_lon_deg: Float64Array, altitude_km: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Project lines of sight on the canvas in perspective.

    Parameters
    ----------
    sight : (n, m, 3) ndarray
        Directions from the spacecraft, body-fixed, of any length.
    sub_lat_deg, sub_lon_deg, altitude_km : (n,) ndarray
        The spacecraft, for each row of directions.

    Returns
    -------
    x, y : (n, m) float64, px; NaN for directions away from Mars
    """
    east, north, up = np.moveaxis(local_axes(sub_lat_deg, sub_lon_deg), -2, 0)
    rightward, upward, forward = np.moveaxis(sight @ np.stack((east, north, -up), axis=-1), -1, 0)
    distance_km = MARS_RADIUS_KM + altitude_km
    limb = MARS_RADIUS_KM / np.sqrt(distance_km**2 - MARS_RADIUS_KM**2)  # tangent of its angle from the center
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(forward > 0, DISK_RADIUS / (forward * limb[:, None]), np.nan)
    return CENTER_X + rightward * scale, CENTER_Y - upward * scale


def project_points(
    lat_deg: NDArray[Any], lon_deg: NDArray[Any], altitude_km: float, perspective: Perspective
) -> tuple[Float64Array, Float64Array]:
    """Project points (N,) at an altitude on the canvas, as seen from one position of the spacecraft.

    Returns x and y in px; NaN where Mars hides the point.
    """
    sub_lat, sub_lon, spacecraft_km, *_ = (np.array([value], np.float64) for value in astuple(perspective))
    up = unit_vectors(sub_lat, sub_lon)[0]
    distance_km = MARS_RADIUS_KM + spacecraft_km[0]
    point_km = unit_vectors(lat_deg, lon_deg) * (MARS_RADIUS_KM + altitude_km)
    (x,), (y,) = project((point_km - up * distance_km)[None], sub_lat, sub_lon, spacecraft_km)
    is_near = point_km @ up > MARS_RADIUS_KM**2 / distance_km  # nearer than the limb
    visible = is_near | (np.hypot(x - CENTER_X, y - CENTER_Y) > DISK_RADIUS)
    return np.where(visible, x, np.nan), np.where(visible, y, np.nan)


def pack_geometry(observation: Observation, canvas: Canvas) -> bytes:
    """Pack an observation and its canvas as an uncompressed npz; same input, same bytes."""
    return to_npz(observation, canvas_x=canvas.x, canvas_y=canvas.y)


def unpack_geometry(data: bytes) -> tuple[Observation, Canvas]:
    """Unpack the result of `pack_geometry`."""
    observation, arrays = from_npz(data)
    return observation, Canvas(arrays["canvas_x"], arrays["canvas_y"])


def to_canvas(values: NDArray[Any], canvas: Canvas, fill: float) -> NDArray[Any]:
    """Draw native values (nI, nS) on the canvas, (480, 640) of the same type; ``fill`` where unobserved."""
    padded = np.empty(values.size + 1, values.dtype)
    padded[:-1] = values.reshape(-1)
    padded[-1] = fill  # selected by -1
    return np.take(padded, canvas.index, mode="wrap")  # 0.6 of the time of an index


def pixels_in_box(canvas: Canvas, box: Box) -> NDArray[np.bool_]:
    """Select the native pixels whose center is in a box on the canvas, edges included: (nI, nS)."""
    inside_x = (canvas.x >= box.x0) & (canvas.x <= box.x1)
    return inside_x & (canvas.y >= box.y0) & (canvas.y <= box.y1)


def box_disk(observation: Observation, canvas: Canvas) -> Corners | None:
    """Box the observed part of the disk on the canvas; None if none of it is on the canvas."""
    shown = to_canvas(observation.on_disk & np.isfinite(observation.brightness_R), canvas, fill=False)
    return box_mask(shown) if shown.any() else None


def box_mask(mask: NDArray[np.bool_]) -> Corners:
    """Return the corners x0, y0, x1, y1 of a mask on the canvas with at least one pixel."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
