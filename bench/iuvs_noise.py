"""Noise, slit bins and dayglow of real IUVS files, and the simulator's heavy-tailed noise: python -m bench.iuvs_noise.

The noise is that of differences between a pixel and the mean of its neighbors along the scan, in units of the stated
random errors. Real files are read from a folder, by default ../shared/data/iuvs; all are of the day side.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from mars_aurora import readers
from mars_aurora.errors import InputError
from mars_aurora.observation import Float64Array, FloatArray, Observation
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.worlds import with_artefact

REAL = Path(__file__).parents[2] / "shared" / "data" / "iuvs"
SZA_DEG = ((20, 30), (40, 50), (60, 70), (80, 85), (90, 95), (100, 105), (105, 110))
SEED, SWATHS, BRIGHT_R = 78, 12, 50.0
SIGMAS = (3, 4, 5)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REAL
    print("pixels | noise over random error | of which beyond 3, 4, 5 random errors")
    files = list(_read_all(folder))
    if not files:
        print(f"no real files in {folder}")
    else:
        print_noise("IUVS", np.concatenate([find_pulls(file.brightness_R, file.random_error_R) for file in files]))
    for name in ("none", "heavy_tails"):
        pulls = []
        for index in range(SWATHS):
            swath = observe(with_artefact(World(no_aurora_fraction=1.0), name), SEED, index).swath
            bright_R = np.where(swath.background_R > BRIGHT_R, swath.brightness_R, np.nan)
            pulls.append(find_pulls(bright_R, swath.random_error_R))
        print_noise(f"simulated, {name}", np.concatenate(pulls))
    if files:
        print_day_side(files)


def _read_all(folder: Path) -> list[Observation]:
    files = []
    for path in sorted(folder.glob("*fuv*.fits.gz")):
        try:
            files.append(readers.read(path, path.name))
        except InputError as error:
            print(f"{path.name[-36:]} | {error.reason}")
    return files


def find_pulls(brightness_R: FloatArray | Float64Array, error_R: FloatArray | Float64Array) -> Float64Array:
    """Return differences from the neighbors along the scan over their error, less the median of each bin."""
    difference = brightness_R[1:-1] - (brightness_R[:-2] + brightness_R[2:]) / 2
    pulls = difference / np.sqrt(error_R[1:-1] ** 2 + (error_R[:-2] ** 2 + error_R[2:] ** 2) / 4)
    known = pulls[:, np.isfinite(pulls).any(0)]
    centered = np.asarray(known - np.nanmedian(known, axis=0), np.float64)
    return centered[np.isfinite(centered)]


def print_noise(label: str, pulls: Float64Array) -> None:
    beyond = ", ".join(f"{np.mean(np.abs(pulls) > sigmas):.3%}" for sigmas in SIGMAS)
    print(f"{label} | {pulls.size} | {pulls.std():.2f} | {beyond}")


def print_day_side(files: list[Observation]) -> None:
    """Print the median brightness by SZA, and how far slit bins are from a parabola along the slit."""
    sza, brightness = (
        np.concatenate([getattr(file, name)[file.on_disk] for file in files]) for name in ("sza_deg", "brightness_R")
    )
    for low, high in SZA_DEG:
        chosen = (sza > low) & (sza < high) & np.isfinite(brightness)
        print(f"SZA {low} to {high} | {chosen.sum()} pixels | {np.median(brightness[chosen]):.0f} R")
    spreads = []
    for file in files:
        chosen = file.on_disk & (file.sza_deg < 70) & (file.emission_angle_deg < 60)
        bins = np.flatnonzero(chosen.sum(0) > 15)
        if len(bins) >= 8:
            level = np.array([np.median(file.brightness_R[chosen[:, k], k]) for k in bins])
            spreads.append(np.std(level / np.polyval(np.polyfit(bins, level, 2), bins)))
    print("slit bins about a parabola |", ", ".join(f"{spread:.0%}" for spread in spreads))


if __name__ == "__main__":
    main()
