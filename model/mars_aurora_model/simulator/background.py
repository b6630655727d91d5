"""Non-auroral background of Mars in O I 130.4 nm: dayglow, terminator, limb, corona, nightglow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mars_aurora_model.simulator import orbit
from mars_aurora_model.simulator.geometry import Geometry
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.world import World

# Medians of a MAVEN/IUVS apoapse orbit (2023) up to 107.5 deg; beyond, the sunlit column above the shadow decreases.
_SZA_DEG = (0, 25, 45, 65, 82.5, 92.5, 102.5, 107.5, 111, 114, 117, 121, 126, 132, 140, 180)
_DAY_R = (618, 611, 591, 479, 339, 257, 164, 129, 70, 33, 14, 4.5, 1.3, 0.4, 0.05, 0.001)
# Off the disk, by tangent altitude, relative to the edge of the disk.
_LIMB_KM = (0, 60, 130, 215, 325, 550, 850, 1300, 2500, 6000, 20_000)
_LIMB_RATIO = (1.0, 1.06, 1.09, 0.81, 0.55, 0.16, 0.06, 0.03, 0.012, 0.004, 0.001)


@dataclass(frozen=True)
class Bumps:
    """Smooth pattern on the sphere: sum of elongated Gaussian bumps.

    Attributes
    ----------
    centers : (K, 3) unit vectors
    axes : (K, 3) unit vectors along the bumps
    sizes_rad : (K, 2) standard deviations along and across
    amplitudes : (K,)
    """

    centers: Array
    axes: Array
    sizes_rad: Array
    amplitudes: Array

    def at(self, vectors: Array) -> Array:
        """Evaluate at unit vectors (N, 3) -> (N,)."""
        total = np.zeros(len(vectors))
        for center, axis, size, amplitude in zip(self.centers, self.axes, self.sizes_rad, self.amplitudes, strict=True):
            along, across = vectors @ axis / size[0], vectors @ np.cross(center, axis) / size[1]
            near = vectors @ center > 0
            total += amplitude * near * np.exp(-0.5 * (along**2 + across**2))
        return total


@dataclass(frozen=True)
class Background:
    """Background of one scene; every factor is drawn once, so that the swaths of a set are consistent."""

    day_scale: float
    limb_brightening: float
    terminator_shift_deg: float
    night_R: float
    structured: bool
    day_pattern: Bumps
    night_pattern: Bumps

    def brightness(self, geometry: Geometry) -> Array:
        """Return the noise-free background (nI, nS) in R, averaged over each pixel's center and corners."""
        samples = self._smooth(geometry.sza_deg, geometry.emission_deg, geometry.altitude_km).mean(1)
        vectors = orbit.unit(geometry.lat_deg[:, 0], geometry.lon_deg[:, 0]).reshape(-1, 3)
        shape = samples.shape
        depth = np.exp(-np.maximum(geometry.altitude_km[:, 0], 0) / 400)  # the corona is smooth
        day = samples * np.exp(self.day_pattern.at(vectors).reshape(shape) * depth)
        night = self.night_R * np.exp(self.night_pattern.at(vectors).reshape(shape) * depth)
        total: Array = day + night * np.where(geometry.on_disk, 1.0, 0.7)
        return total

    def _smooth(self, sza_deg: Array, emission_deg: Array, altitude_km: Array) -> Array:
        day = np.exp(np.interp(sza_deg - self.terminator_shift_deg, _SZA_DEG, np.log(_DAY_R))) * self.day_scale
        slant = 1 - np.cos(np.radians(emission_deg))
        disk = (1 - self.limb_brightening / 6) + (self.limb_brightening * 7 / 6) * slant**2
        off_disk = np.interp(altitude_km, _LIMB_KM, np.log(_LIMB_RATIO))
        return day * disk * np.exp(off_disk)


def draw_background(rng: np.random.Generator, world: World) -> Background:
    """Draw the background of one scene."""
    structured = bool(rng.random() < world.day_structure_fraction)
    amplitude = rng.uniform(*world.day_structure_amplitude)
    broad = draw_bumps(rng, 8, (0.4, 1.0), 0.06)
    if structured:
        filaments = _draw_chains(rng, amplitude)
        broad = Bumps(
            *(np.concatenate(pair) for pair in zip(vars(broad).values(), vars(filaments).values(), strict=True))
        )
    return Background(
        day_scale=rng.uniform(*world.day_scale),
        limb_brightening=rng.uniform(*world.limb_brightening),
        terminator_shift_deg=rng.uniform(*world.terminator_shift_deg),
        night_R=rng.uniform(*world.night_R),
        structured=structured,
        day_pattern=broad,
        night_pattern=draw_bumps(rng, 24, (0.15, 0.6), world.night_roughness),
    )


def draw_bumps(rng: np.random.Generator, count: int, size_rad: tuple[float, float], amplitude: float) -> Bumps:
    """Draw bumps distributed uniformly on the sphere."""
    centers = orbit.normalize(rng.normal(size=(count, 3)))
    axes = orbit.normalize(np.cross(centers, rng.normal(size=(count, 3))))
    sizes = rng.uniform(*size_rad, size=(count, 1)) * rng.uniform(0.5, 1, size=(count, 2))
    return Bumps(centers, axes, sizes, rng.normal(0, amplitude, count))


def _draw_chains(rng: np.random.Generator, amplitude: float) -> Bumps:
    """Draw irregular day-side structure: chains of patches and filaments of a few hundred kilometers."""
    centers, axes, sizes, amplitudes = [], [], [], []
    for _ in range(rng.integers(6, 16)):
        center = orbit.normalize(rng.normal(size=3))
        heading = orbit.normalize(np.cross(center, rng.normal(size=3)))
        size = rng.uniform(0.03, 0.12)
        sign = rng.choice([1.0, 1.0, -1.0])
        for _ in range(rng.integers(1, 7)):
            centers.append(center)
            axes.append(heading)
            sizes.append([size * rng.uniform(1, 2.5), size * rng.uniform(0.4, 1)])
            amplitudes.append(sign * amplitude * rng.uniform(0.4, 1))
            heading = orbit.normalize(heading + rng.normal(0, 0.35) * np.cross(center, heading))
            center = orbit.normalize(center + 1.8 * size * heading)
            heading = orbit.normalize(heading - center * (heading @ center))
    return Bumps(np.array(centers), np.array(axes), np.array(sizes), np.array(amplitudes))
