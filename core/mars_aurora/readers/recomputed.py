"""Angles recomputed from the coordinates of a file, for each definition that its latitudes may have.

A sample of pixels on the disk is enough: a definition is common to the whole file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation
from mars_aurora.readers.ellipsoid import find_points, to_planetocentric, to_planetographic
from mars_aurora.sphere import MARS_RADIUS_KM, unit_vectors

Placed = tuple[Float64Array, list[Float64Array]]
Variants = dict[str, list[Float64Array]]  # values recomputed with each definition of a latitude, by frame

PLANETOGRAPHIC, PLANETOCENTRIC, SPHERE = "planetographic", "planetocentric", "sphere"
MIN_PIXELS = 10
FACING_DEG = 75.0  # emission angle of the pixels that are compared; off the disk IUVS holds 89.999995
_FRAMES: dict[str, Callable[[NDArray[Any]], Float64Array]] = {  # latitude of the file to planetographic
    PLANETOGRAPHIC: lambda latitude_deg: np.asarray(latitude_deg, np.float64),
    PLANETOCENTRIC: to_planetographic,
}
_ROWS_SAMPLED, _PIXELS_SAMPLED = 12, 400


@dataclass(frozen=True)
class Sample:
    """Pixels (N,) of an observation, with the spacecraft and the Sun at their integrations.

    ``place`` are their indices in the observation, integrations and slit bins. Pairs are latitude and longitude in
    degrees, as in the file.
    """

    place: tuple[NDArray[np.intp], NDArray[np.intp]]
    pixel: tuple[FloatArray, FloatArray]
    sub_solar: tuple[Float64Array, Float64Array]
    sub_spacecraft: tuple[Float64Array, Float64Array]
    altitude_km: Float64Array

    @cached_property
    def sza_deg(self) -> Variants:
        """Angle between the normal of the ellipsoid and the Sun, by frame of the latitudes.

        The sub-solar point is either where the Sun is in the zenith, or where the line from the center to the Sun
        crosses the surface, as in IUVS files.
        """
        sun_latitude, sun_longitude = self.sub_solar
        variants: Variants = {}
        for frame, planetographic in _FRAMES.items():
            normal = unit_vectors(planetographic(self.pixel[0]), self.pixel[1])
            zenith = planetographic(sun_latitude)
            suns = (unit_vectors(latitude, sun_longitude) for latitude in (zenith, to_planetocentric(zenith)))
            variants[frame] = [angle_deg(normal, sun) for sun in suns]
        return variants

    @cached_property
    def emission_angle_deg(self) -> Variants:
        """Angle between the normal and the spacecraft, by frame of the latitudes, and on a sphere."""
        variants: Variants = {}
        for frame, (points, spacecraft) in self.places.items():
            latitude, longitude = self.pixel
            up = unit_vectors(_FRAMES.get(frame, np.asarray)(latitude), longitude)
            variants[frame] = [angle_deg(up, position - points) for position in spacecraft]
        return variants

    @cached_property
    def places(self) -> dict[str, Placed]:
        """Points of the pixels and positions of the spacecraft, (N, 3) in km, by frame, and on a sphere.

        The planetocentric latitude of the spacecraft is either that of the point below it or its own.
        """
        (latitude, longitude), (below, below_longitude), height = self.pixel, self.sub_spacecraft, self.altitude_km
        own = find_points(to_planetographic(below), below_longitude)
        radius_km = np.linalg.norm(own, axis=-1)
        placed = {
            frame: (
                find_points(planetographic(latitude), longitude),
                [find_points(planetographic(below), below_longitude, height)],
            )
            for frame, planetographic in _FRAMES.items()
        }
        placed[PLANETOCENTRIC][1].append(own * (1 + height / radius_km)[:, None])
        return placed | {SPHERE: place_on_sphere(self)}


def draw_sample(observation: Observation) -> Sample:
    """Select pixels of the disk with emission angles below 75 deg, stated or recomputed, over the whole scan."""
    suitable = observation.on_disk & np.isfinite(observation.latitude_deg + observation.longitude_deg)
    filled = np.flatnonzero(suitable.any(axis=1))
    chosen = np.zeros(len(suitable), bool)
    chosen[filled[np.linspace(0, filled.size - 1, min(_ROWS_SAMPLED, filled.size)).astype(int)]] = True
    places = np.flatnonzero(suitable & chosen[:, None])
    suitable[:] = False
    suitable.flat[places[:: max(1, len(places) // _PIXELS_SAMPLED)]] = True
    stated, recomputed = observation.emission_angle_deg[suitable], find_emission_angle(observation, suitable)
    suitable[suitable] = (stated < FACING_DEG) | (recomputed < FACING_DEG)
    return _gather(observation, suitable)


def find_emission_angle(observation: Observation, selected: BoolArray) -> Float64Array:
    """Compute the emission angles on a sphere, (N,), of selected pixels (nI, nS), within 0.5 deg of the ellipsoid's."""
    points, (spacecraft,) = place_on_sphere(_gather(observation, selected))
    return angle_deg(points, spacecraft - points)


def _gather(observation: Observation, selected: BoolArray) -> Sample:
    rows, columns = np.nonzero(selected)
    return Sample(
        place=(rows, columns),
        pixel=(observation.latitude_deg[rows, columns], observation.longitude_deg[rows, columns]),
        sub_solar=(observation.sub_solar_latitude_deg[rows], observation.sub_solar_longitude_deg[rows]),
        sub_spacecraft=(observation.sub_spacecraft_latitude_deg[rows], observation.sub_spacecraft_longitude_deg[rows]),
        altitude_km=observation.spacecraft_altitude_km[rows],
    )


def place_on_sphere(sample: Sample) -> Placed:
    """Compute the points of the pixels and the position of the spacecraft, as `Sample.places`, on a sphere."""
    spacecraft = unit_vectors(*sample.sub_spacecraft) * (MARS_RADIUS_KM + sample.altitude_km)[:, None]
    return unit_vectors(*sample.pixel) * MARS_RADIUS_KM, [spacecraft]


def angle_deg(one: NDArray[Any], other: NDArray[Any]) -> Float64Array:
    """Compute the angle between vectors (N, 3) of any length: (N,)."""
    (a, b, c), (d, e, f) = one.T, other.T  # by components: for few vectors a quarter of the time of `numpy.cross`
    sine = np.sqrt((b * f - c * e) ** 2 + (c * d - a * f) ** 2 + (a * e - b * d) ** 2)
    angle: Float64Array = np.degrees(np.arctan2(sine, a * d + b * e + c * f))
    return angle


def median_difference(stated: NDArray[Any], values: NDArray[Any], period: float = 360.0) -> float:
    """Return the median absolute difference of cyclic values; infinite with under `MIN_PIXELS` known ones."""
    known = find_differences(stated, values, period)
    known = np.sort(known[np.isfinite(known)])  # for few values a seventh of the time of `numpy.median`
    return float(known[[(known.size - 1) // 2, known.size // 2]].mean()) if known.size >= MIN_PIXELS else float("inf")


def find_differences(stated: NDArray[Any], values: NDArray[Any], period: float) -> Float64Array:
    """Return the absolute differences of cyclic values."""
    difference: Float64Array = np.abs((stated - values + period / 2) % period - period / 2)
    return difference
