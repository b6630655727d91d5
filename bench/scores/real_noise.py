"""Noise of real spectra: residuals of MAVEN/IUVS files, in units of their stated errors, on a simulated night.

The files are of the day side, so only their noise is used. From each file the integrations are taken all of whose bins
are on the disk, at emission angles below 75 degrees. A smooth fit, a polynomial of degree 10 along the scan and 1 along
the slit, is subtracted, and the residual is divided by the stated random error. What is left is a block of some 150
integrations by 10 bins with the scatter, the tails, and the offsets of the bins of the real instrument.

The grid of a simulated swath is tiled with such blocks, ten bins wide: each is drawn at random, starts at a random
integration, is continued along the scan by its mirror image, and is mirrored along the slit at random. The tiled
residual, times the random error expected from photon noise and line fit, is added to the noise-free brightness; the
stated error is that of the measured counts, as in simulated files. So the noise is 1.1 to 1.3 times the stated one.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.polynomial.legendre import legvander2d
from numpy.typing import NDArray

from mars_aurora import readers
from mars_aurora.errors import InputError
from mars_aurora.observation import Float64Array, Observation
from mars_aurora_model.simulator.simulate import Simulated
from mars_aurora_model.simulator.world import World

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "iuvs"
_MAX_EMISSION_DEG = 75.0
_MIN_INTEGRATIONS = 60
_DEGREES = (10, 1)  # along scan and slit: no correlation is left along the scan


@functools.cache
def read_residuals(folder: Path = FOLDER) -> tuple[Float64Array, ...]:
    """Return the blocks of normalized residuals, (n, 10) each, of the far-ultraviolet files of a folder."""
    blocks = []
    for path in sorted(folder.glob("*fuv*.fits.gz")):
        try:
            observation = readers.read(path, path.name)
        except InputError:
            continue  # too short
        block = find_residual(observation)
        if len(block) >= _MIN_INTEGRATIONS:
            blocks.append(block)
    return tuple(blocks)


def find_residual(observation: Observation) -> Float64Array:
    """Return brightness minus a smooth fit, over the stated error, of integrations wholly on the disk: (n, nS)."""
    usable = observation.on_disk & np.isfinite(observation.brightness_R) & (observation.random_error_R > 0)
    whole = (usable & (observation.emission_angle_deg < _MAX_EMISSION_DEG)).all(1)
    error_R = observation.random_error_R[whole].astype(np.float64)
    scaled = observation.brightness_R[whole] / error_R
    if len(scaled) < _MIN_INTEGRATIONS:
        return np.zeros((0, scaled.shape[1]))
    along_scan, along_slit = np.meshgrid(*(np.linspace(-1, 1, size) for size in scaled.shape), indexing="ij")
    design = legvander2d(along_scan, along_slit, _DEGREES).reshape(scaled.size, -1) / error_R.reshape(-1, 1)
    fit = np.linalg.lstsq(design, scaled.reshape(-1))[0]
    residual: Float64Array = scaled - (design @ fit).reshape(scaled.shape)
    return residual


def tile(blocks: tuple[Float64Array, ...], shape: tuple[int, int], rng: np.random.Generator) -> Float64Array:
    """Tile a grid (nI, nS) with blocks (n, m), mirrored along the scan, and at random along the slit."""
    strips: list[Float64Array] = []
    while sum(strip.shape[1] for strip in strips) < shape[1]:
        block = blocks[rng.integers(len(blocks))]
        step = (np.arange(shape[0]) + rng.integers(2 * len(block))) % (2 * len(block))
        strips.append(block[np.minimum(step, 2 * len(block) - 1 - step), :: rng.choice([-1, 1])])
    return np.hstack(strips)[:, : shape[1]]


def replace_noise(simulated: Simulated, blocks: tuple[Float64Array, ...], rng: np.random.Generator) -> Simulated:
    """Replace the noise of a simulated file by that of real files; what is NaN remains so."""
    swath, world = simulated.swath, simulated.world
    true_R = swath.background_R + swath.excess_R
    noise = tile(blocks, (true_R.shape[0], true_R.shape[1]), rng)
    measured_R = true_R + noise * _random_error_R(true_R * world.counts_per_R, world)
    brightness_R = np.where(np.isnan(swath.brightness_R), np.nan, measured_R)
    error_R = _random_error_R(np.maximum(measured_R * world.counts_per_R, 1), world)
    measured = replace(
        swath,
        brightness_R=brightness_R,
        random_error_R=np.where(swath.on_slit, error_R, np.nan),
        systematic_error_R=np.abs(brightness_R) * world.systematic_error,
    )
    return replace(simulated, swath=measured)


def _random_error_R(counts: NDArray[np.float64], world: World) -> Float64Array:
    error_R: Float64Array = np.hypot(np.sqrt(counts) / world.counts_per_R, world.fit_noise_R)
    return error_R
