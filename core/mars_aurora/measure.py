"""From a box on the canvas to an aurora on Mars: where it is, how large, how bright.

Pixels of the box are traced back to the instrument's own grid; nothing is measured on the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mars_aurora.canvas import Canvas
from mars_aurora.messages import Box
from mars_aurora.observation import Float64Array, FloatArray, Observation, from_npz

MARS_RADIUS_KM = 3396.19  # IAU 2015 equatorial radius, the sphere of the canvas too
_SIGNIFICANCE = 3.0


@dataclass(frozen=True)
class Aurora:
    """One detection, measured: the catalogue's columns in their order.

    Longitudes are east, 0 to 360. Brightnesses are over the local background.
    """

    name: str
    detection: int
    lat_deg: float
    lon_deg: float
    area_km2: float
    mean_brightness_R: float
    peak_brightness_R: float
    confidence: float


def measure(geometry_npz: bytes, boxes: list[Box]) -> list[Aurora]:
    """Measure the aurora boxes of one image; a box that holds no pixel of the disk is left out."""
    auroras = [box for box in boxes if box.label == "aurora"]
    if not auroras:
        return []
    observation, arrays = from_npz(geometry_npz)
    canvas = Canvas.from_arrays(arrays)
    measured: list[Aurora] = []
    for box in auroras:
        inside = _pixels_in_box(observation, canvas, box)
        if inside.any():
            measured.append(_measure_one(observation, inside, box, len(measured) + 1))
    return measured


def _pixels_in_box(observation: Observation, canvas: Canvas, box: Box) -> NDArray[np.bool_]:
    in_box = (canvas.x >= box.x0) & (canvas.x <= box.x1) & (canvas.y >= box.y0) & (canvas.y <= box.y1)
    on_disk = observation.tangent_altitude_km <= 0
    known = np.isfinite(observation.brightness_R) & np.isfinite(observation.corner_latitude_deg).all(-1)
    inside: NDArray[np.bool_] = in_box & on_disk & known & ~observation.flagged
    return inside


def _measure_one(observation: Observation, inside: NDArray[np.bool_], box: Box, number: int) -> Aurora:
    night = (observation.sza_deg > 110) & (observation.tangent_altitude_km <= 0)
    around = night & ~inside & np.isfinite(observation.brightness_R)
    background = float(np.median(observation.brightness_R[around])) if around.any() else 0.0
    excess = observation.brightness_R - background
    bright = inside & (excess > _SIGNIFICANCE * observation.random_error_R)
    pixels = bright if bright.any() else inside
    areas = pixel_areas_km2(observation.corner_latitude_deg[pixels], observation.corner_longitude_deg[pixels])
    light = excess[pixels]
    weights = np.clip(light, 0, None) if (light > 0).any() else np.ones_like(light)
    lat, lon = mean_direction(observation.latitude_deg[pixels], observation.longitude_deg[pixels], weights)
    return Aurora(
        name=observation.facts.name,
        detection=number,
        lat_deg=lat,
        lon_deg=lon,
        area_km2=float(areas.sum()),
        mean_brightness_R=float(np.average(light, weights=areas)),
        peak_brightness_R=float(light.max()),
        confidence=box.confidence,
    )


def unit_vectors(lat_deg: FloatArray, lon_deg: FloatArray) -> Float64Array:
    """Turn latitudes and longitudes (any shape) into unit vectors (shape, 3)."""
    lat, lon = np.radians(np.asarray(lat_deg, np.float64)), np.radians(np.asarray(lon_deg, np.float64))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def mean_direction(lat_deg: FloatArray, lon_deg: FloatArray, weights: FloatArray) -> tuple[float, float]:
    """Average places as vectors, which is safe at the poles and at 0/360; return (lat, east lon) in degrees."""
    x, y, z = (unit_vectors(lat_deg, lon_deg) * np.asarray(weights)[..., None]).reshape(-1, 3).sum(0)
    return float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)) % 360)


def pixel_areas_km2(corner_lat_deg: FloatArray, corner_lon_deg: FloatArray) -> Float64Array:
    """Area of each footprint from its four corners in order round it, (N, 4) -> (N,), on the sphere."""
    a, b, c, d = np.moveaxis(unit_vectors(corner_lat_deg, corner_lon_deg), -2, 0)
    area: Float64Array = np.linalg.norm(np.cross(c - a, d - b), axis=-1) / 2 * MARS_RADIUS_KM**2
    return area
