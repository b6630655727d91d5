"""Auroras of a simulated swath with their true properties, for comparison with measured ones (`bench.measuring`).

The truth is what the swath observes without noise: the pixels of an aurora with 2 R or more, projected along their
lines of sight onto the emission shell, each weighted with the area it adds to the scan. Touching auroras are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora.emission import OXYGEN_1304
from mars_aurora.observation import BoolArray
from mars_aurora.sphere import coordinates
from mars_aurora_model.simulator.geometry import Geometry, intersect
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.simulate import Simulated
from mars_aurora_model.simulator.world import MARS_RADIUS_KM

MIN_PIXELS = 12
NIGHT_SZA_DEG, MAX_EMISSION_DEG, DARK_R = 110.0, 75.0, 10.0
MIN_COSINE = 0.02  # as in the simulator's cell_km2
SHELL_KM = MARS_RADIUS_KM + OXYGEN_1304.shell_km


@dataclass(frozen=True)
class Truth:
    """One aurora as a swath observes it: its pixels (nI, nS) and its true properties."""

    pixels: NDArray[np.bool_]
    kind: str
    lat_deg: float
    lon_deg: float
    area_km2: float
    mean_R: float
    peak_R: float
    clear: bool


def find_truths(simulated: Simulated) -> Iterator[Truth]:
    """Yield the auroras of a simulated swath.

    An aurora is clear if it has 12 pixels with 5 R and 3 sigma at night, and at least half of its pixels are at night.
    """
    points, areas = project_on_shell(simulated.swath.geometry)
    excess = simulated.aurora_R.sum(0)
    noise = np.sqrt(simulated.swath.background_R / simulated.world.counts_per_R) / 3  # of a mean of 3 x 3 pixels
    night = find_night(simulated)
    clear = night & (excess >= np.maximum(5, 3 * noise))
    for pixels in separate(simulated):
        kinds = {simulated.truth["auroras"][label - 1]["kind"] for label in np.unique(simulated.labels[pixels])}
        weight = (areas * excess)[pixels]
        lat, lon = coordinates((points[pixels] * weight[:, None]).sum(0))
        yield Truth(
            pixels,
            kinds.pop() if len(kinds) == 1 else "several",
            float(lat),
            float(lon),
            float(areas[pixels].sum()),
            float(weight.sum() / areas[pixels].sum()),
            float(excess[pixels].max()),
            bool((pixels & clear).sum() >= MIN_PIXELS and (pixels & night).sum() >= pixels.sum() / 2),
        )


def separate(simulated: Simulated) -> Iterator[BoolArray]:
    """Yield the pixels (nI, nS) of each group of touching auroras."""
    visible = (simulated.labels > 0) & simulated.swath.geometry.on_disk & np.isfinite(simulated.swath.random_error_R)
    count, pieces = cv2.connectedComponents(visible.astype(np.uint8), connectivity=8)
    for number in range(1, count):
        yield pieces == number


def find_night(simulated: Simulated) -> BoolArray:
    """Select the published night (SZA over 110 deg, emission angle under 75 deg) with a background under 10 R."""
    geometry = simulated.swath.geometry
    night = (geometry.sza_deg[:, 0] > NIGHT_SZA_DEG) & (geometry.emission_deg[:, 0] < MAX_EMISSION_DEG)
    return night & (simulated.swath.background_R < DARK_R)


def project_on_shell(geometry: Geometry) -> tuple[Array, Array]:
    """Project pixels onto the emission shell: unit vectors (nI, nS, 3), areas (nI, nS) in km2 scaled to the surface."""
    sight = geometry.vec_mars[:, :, 0]
    points, range_km, _ = intersect(geometry.spacecraft_mars_km, sight, SHELL_KM)
    points, directions = np.moveaxis(points, 1, -1), np.moveaxis(sight, 1, -1)
    _, ground_km, _ = intersect(geometry.spacecraft_mars_km, sight, MARS_RADIUS_KM)
    cos_emission = np.abs((points * directions).sum(-1))
    areas = geometry.cell_km2 * cos_emission_on_ground(directions, geometry, ground_km) / cos_emission
    areas *= (range_km / ground_km) ** 2
    return points, areas * (MARS_RADIUS_KM / SHELL_KM) ** 2


def cos_emission_on_ground(directions: Array, geometry: Geometry, ground_km: Array) -> Array:
    """Compute the cosine of the emission angle on the surface, by which `cell_km2` was divided."""
    ground = geometry.spacecraft_mars_km[:, None] + ground_km[..., None] * directions
    ground /= np.linalg.norm(ground, axis=-1, keepdims=True)
    cosine: Array = np.maximum(-(ground * directions).sum(-1), MIN_COSINE)
    return cosine
