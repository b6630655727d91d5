"""Small synthetic observations with known answers: rectangular footprints on the emitting shell.

Positions come from pyproj and from the intersection of rays with a sphere, not from the package.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from mars_aurora.aurora import Aurora
from mars_aurora.box import Box
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.measure.emission_shell import ShellPixels
from mars_aurora.measure.measure import measure
from mars_aurora.observation import Facts, Observation

RADIUS_KM, SHELL_KM = 3396.19, 130.0
GEOD = pyproj.Geod(a=1000 * RADIUS_KM, b=1000 * RADIUS_KM)
SPACING_PX = 10.0  # of native pixels on the canvas, far more than the 3 px by which boxes are grown
PATCH_R = 5.7  # of rectangles, on which alone the means of 3 x 3 pixels then exceed the limit of 2 to 2.5 R
FACTS = Facts(
    name="set/swath.fits",
    instrument="EMM/EMUS",
    level="l2b",
    start_utc="2022-03-31T21:21:07.000",
    end_utc="2022-03-31T21:37:07.000",
    orbit=191,
    mode="os2",
    swath=(1, 3),
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """An observation, its canvas, and the true footprints on the shell: centers (nI, nS) and corners (nI, nS, 4)."""

    observation: Observation
    canvas: Canvas
    lat_deg: Array
    lon_deg: Array
    corner_lat_deg: Array
    corner_lon_deg: Array

    def change(self, **fields: object) -> "Scene":
        """Replace fields of the observation, arrays by values of any shape that fits."""
        cast = {}
        for name, value in fields.items():
            old = getattr(self.observation, name)
            cast[name] = np.broadcast_to(value, old.shape).astype(old.dtype) if name != "facts" else value
        return replace(self, observation=replace(self.observation, **cast))

    def add(self, excess_R: object) -> "Scene":
        """Add brightness to the observation."""
        return self.change(brightness_R=self.observation.brightness_R + np.asarray(excess_R))

    def mask(self, rows: slice, columns: slice) -> NDArray[np.bool_]:
        """Select a rectangle of pixels."""
        selected = np.zeros(self.observation.shape, bool)
        selected[rows, columns] = True
        return selected

    def areas_km2(self, pixels: NDArray[np.bool_]) -> Array:
        """Areas of true footprints, from their geodesics."""
        corners = zip(self.corner_lon_deg[pixels], self.corner_lat_deg[pixels], strict=True)
        return np.array([geodesic_area_km2(lon, lat) for lon, lat in corners])

    def measure(self, *boxes: Box) -> list[Aurora]:
        return measure(self.observation, self.canvas, boxes)


def make_scene(
    center: tuple[float, float] = (20.0, 40.0),
    shape: tuple[int, int] = (40, 30),
    *,
    pitch_km: float = 50.0,
    widths_km: Array | float = 50.0,
    overlap: float = 0.0,
    heading_deg: float = 0.0,
    sub_spacecraft: tuple[float, float] = (0.0, 0.0),
    altitude_km: float = 20_000.0,
    sza_deg: float = 150.0,
) -> Scene:
    """Make a scene of 1 R whose pixels tile the shell around a point.

    Parameters
    ----------
    center : latitude and east longitude of the center
    shape : integrations, slit bins
    pitch_km, widths_km : step of the scan, width of each slit bin
    overlap : fraction of the pitch by which footprints are longer
    heading_deg : position angle of the scan
    sub_spacecraft : azimuth in deg and distance in km of the sub-spacecraft point from the center; 2 km more per row
    altitude_km : of the spacecraft at the first integration; 5 km more at each one
    sza_deg : at the center, the Sun being to its south-east, and 0.5 km further at each integration
    """
    rows = np.arange(shape[0])
    along_km = (rows - (shape[0] - 1) / 2) * pitch_km
    widths = np.broadcast_to(np.asarray(widths_km, np.float64), shape[1])
    across_km = np.cumsum(widths) - widths / 2 - widths.sum() / 2

    def place(length: float, width: float) -> tuple[Array, Array]:
        """Latitude and longitude of a point of each pixel, in half lengths and half widths from its center."""
        grid = np.broadcast_arrays((along_km + length * pitch_km / 2)[:, None], across_km + width * widths / 2)
        return from_plane(center, *_rotate(*grid, heading_deg))

    def place_corners(length: float) -> tuple[Array, Array]:
        corners = [place(*corner) for corner in ((-length, -1), (-length, 1), (length, 1), (length, -1))]
        lat_deg, lon_deg = np.moveaxis(corners, 1, 0)
        return np.moveaxis(lat_deg, 0, -1), np.moveaxis(lon_deg, 0, -1)

    below_spacecraft = travel(*center, sub_spacecraft[0], sub_spacecraft[1] + 2.0 * rows)
    sun = travel(*center, 135.0, RADIUS_KM * np.radians(sza_deg) + 0.5 * rows)
    center_deg, true_corners_deg = place(0, 0), place_corners(1)
    observation = _observe(center_deg, place_corners(1 + overlap), below_spacecraft, altitude_km + 5.0 * rows, sun)
    y, x = np.meshgrid(SPACING_PX * (rows + 1), SPACING_PX * (np.arange(shape[1]) + 1), indexing="ij")
    return Scene(observation, Canvas(x.astype(np.float32), y.astype(np.float32)), *center_deg, *true_corners_deg)


def _observe(
    center_deg: tuple[Array, Array],
    corners_deg: tuple[Array, Array],
    sub_spacecraft_deg: tuple[Array, Array],
    altitude_km: Array,
    sun_deg: tuple[Array, Array],
) -> Observation:
    """Observe points of the shell from a spacecraft, under a Sun; one of either for each integration."""
    shape = center_deg[0].shape
    spacecraft_km = vectors(*sub_spacecraft_deg) * (RADIUS_KM + altitude_km)[:, None]
    ground, tangent_altitude_km, emission_deg = _see(center_deg, spacecraft_km[:, None])
    corners, _, _ = _see(corners_deg, spacecraft_km[:, None, None])
    sun_lat, sun_lon = (values[:, None] for values in sun_deg)
    single = {
        "brightness_R": np.ones(shape),
        "random_error_R": np.ones(shape),
        "systematic_error_R": np.full(shape, np.nan),
        "latitude_deg": ground[0],
        "longitude_deg": ground[1],
        "corner_latitude_deg": corners[0],
        "corner_longitude_deg": corners[1],
        "sza_deg": np.degrees(separation_rad(*ground, sun_lat, sun_lon)),
        "emission_angle_deg": emission_deg,
        "local_time_h": (12 + (ground[1] - sun_lon) / 15) % 24,
        "tangent_altitude_km": tangent_altitude_km,
    }
    return Observation(
        facts=FACTS,
        time_utc=np.datetime64(FACTS.start_utc, "ms") + 6000 * np.arange(shape[0]),
        **{name: values.astype(np.float32) for name, values in single.items()},
        sub_spacecraft_latitude_deg=sub_spacecraft_deg[0],
        sub_spacecraft_longitude_deg=sub_spacecraft_deg[1],
        spacecraft_altitude_km=altitude_km,
        sub_solar_latitude_deg=sun_deg[0],
        sub_solar_longitude_deg=sun_deg[1],
        ra_deg=np.full(shape, np.nan),
        dec_deg=np.full(shape, np.nan),
        flagged=np.zeros(shape, bool),
        removed_R=np.zeros(shape, np.float32),
    )


def make_box(rows: slice, columns: slice, margin_px: float = 0.0) -> Box:
    """Make a box from the center of the first to that of the last pixel."""
    x0, x1 = SPACING_PX * (columns.start + 1), SPACING_PX * columns.stop
    y0, y1 = SPACING_PX * (rows.start + 1), SPACING_PX * rows.stop
    return Box("aurora", 0.75, x0 - margin_px, y0 - margin_px, x1 + margin_px, y1 + margin_px)


def make_shell_pixels(**values: object) -> ShellPixels:
    """Make pixels on the shell with these values; 0 for all others."""
    arrays = {name: np.asarray(value) for name, value in values.items() if name != "blur_km2"}
    size = max(array.size for array in arrays.values())
    filled = {}
    for name in (field.name for field in fields(ShellPixels)):
        shape = (size, 4) if name.startswith("corner") else (size,)
        filled[name] = np.broadcast_to(arrays.get(name, 0), shape) if name != "blur_km2" else values.get(name, 0.0)
    return ShellPixels(**filled)


def vectors(lat_deg: Array, lon_deg: Array) -> Array:
    """Unit vectors (..., 3)."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def degrees(points: Array) -> tuple[Array, Array]:
    """Latitude and east longitude of vectors."""
    lat = np.degrees(np.arcsin(points[..., 2] / np.linalg.norm(points, axis=-1)))
    return lat, np.degrees(np.arctan2(points[..., 1], points[..., 0])) % 360


def travel(lat_deg: float, lon_deg: float, azimuth_deg: float, distance_km: Array | float) -> tuple[Array, Array]:
    """Go along geodesics from a point; latitude and east longitude."""
    distance = np.atleast_1d(np.asarray(distance_km, np.float64))
    lon, lat, _ = GEOD.fwd(
        *(np.full_like(distance, value) for value in (lon_deg, lat_deg, azimuth_deg)), 1000 * distance
    )
    return np.asarray(lat), np.asarray(lon) % 360


def separation_rad(lat_deg: object, lon_deg: object, other_lat_deg: object, other_lon_deg: object) -> Array:
    """Angle between points at the center of Mars, from the geodesic."""
    lat, lon, other_lat, other_lon = (
        np.array(values, np.float64) for values in np.broadcast_arrays(lat_deg, lon_deg, other_lat_deg, other_lon_deg)
    )
    return np.asarray(GEOD.inv(lon, lat, other_lon, other_lat)[2]) / 1000 / RADIUS_KM


def distance_km(lat_deg: object, lon_deg: object, other_lat_deg: object, other_lon_deg: object) -> Array:
    """Length of the geodesic between points."""
    return separation_rad(lat_deg, lon_deg, other_lat_deg, other_lon_deg) * RADIUS_KM


def geodesic_area_km2(lon_deg: Array, lat_deg: Array) -> float:
    """Area of a polygon of geodesics."""
    return abs(GEOD.polygon_area_perimeter(lon_deg, lat_deg)[0]) / 1e6


def area_in_degrees_km2(geometry: shapely.Geometry) -> float:
    """Area of polygons in longitude and latitude, by the cylindrical equal-area projection."""
    fine = shapely.segmentize(geometry, 0.2)
    return float(
        shapely.transform(
            fine, lambda xy: RADIUS_KM * np.stack([np.radians(xy[:, 0]), np.sin(np.radians(xy[:, 1]))], axis=1)
        ).area
    )


def to_plane(center: tuple[float, float], lat_deg: object, lon_deg: object) -> tuple[Array, Array]:
    """Project to the equal-area plane of pyproj about a point: x to the east, y to the north, km."""
    x, y = _laea(center)(np.asarray(lon_deg, np.float64), np.asarray(lat_deg, np.float64))
    return np.asarray(x) / 1000, np.asarray(y) / 1000


def from_plane(center: tuple[float, float], x_km: Array, y_km: Array) -> tuple[Array, Array]:
    lon, lat = _laea(center)(1000 * x_km, 1000 * y_km, inverse=True)
    return np.asarray(lat), np.asarray(lon) % 360


def _laea(center: tuple[float, float]) -> pyproj.Proj:
    return pyproj.Proj(proj="laea", lat_0=center[0], lon_0=center[1], R=1000 * RADIUS_KM)


def _rotate(along: Array, across: Array, heading_deg: float) -> tuple[Array, Array]:
    """Turn the axes of the scan to east and north."""
    heading = np.radians(heading_deg)
    east = along * np.sin(heading) + across * np.cos(heading)
    return east, along * np.cos(heading) - across * np.sin(heading)


def _see(shell_deg: tuple[Array, Array], spacecraft_km: Array) -> tuple[tuple[Array, Array], Array, Array]:
    """Follow rays from the spacecraft through points of the shell to the surface.

    Returns latitude and longitude of the surface or tangent points, tangent altitude in km, emission angle in deg.
    """
    rays = vectors(*shell_deg) * (RADIUS_KM + SHELL_KM) - spacecraft_km
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    reach = -(spacecraft_km * rays).sum(-1)
    closest_squared = (spacecraft_km**2).sum(-1) - reach**2
    reach = reach - np.sqrt(np.maximum(RADIUS_KM**2 - closest_squared, 0))
    ends = spacecraft_km + reach[..., None] * rays
    cosine = -(ends * rays).sum(-1) / np.linalg.norm(ends, axis=-1)
    emission_deg = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return degrees(ends), np.sqrt(closest_squared) - RADIUS_KM, emission_deg
