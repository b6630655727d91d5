"""What cleaning removes and what it keeps, on simulated night images: python -m bench.cleaning [FILES].

In the default world and in `UNLIKE`, in which nothing was tuned. The light of an artefact is the difference between a
file with it and the same file without it, on the night side of the disk. Alarms are images with an aurora by the
published criterion.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from mars_aurora import clean, read
from mars_aurora.cleaning.overlap import overlaps
from mars_aurora.detect import threshold
from mars_aurora.emission import NIGHT_SZA_DEG
from mars_aurora.errors import InputError
from mars_aurora.geometry import canvas as canvases
from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.simulator.world import ARTEFACTS, Artefacts, World
from mars_aurora_model.simulator.worlds import UNLIKE, with_artefact

SEED, FILES = 31_000, 40
MIN_NIGHT_PIXELS = 300
NIGHT = (("os2", 1.0, (80, 155)),)  # modes: the night side is in view
PEAKS_R = (5, 20, 80)
OPTICS_BINS = 0.7
SHELL_KM = 200.0  # auroras are seen at the limb, not above
WORLDS = {"default": World(), "unlike": UNLIKE}
NAMES: tuple[Artefacts, ...] = ("none", *ARTEFACTS)
ADDING_LIGHT = {"particles", "hot_pixels", "hot_bins", "slit_bands", "particle_background", "stray_light"}  # at night


@dataclass(frozen=True)
class Case:
    """A file as it was read, and what it was made from."""

    simulated: Simulated
    raw: Observation
    night: BoolArray


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    for name, world in WORLDS.items():
        print(f"\nWorld {name!r}, {files} files")
        plain = {case.simulated.name: case for case in make_cases(world, "none", files)}
        print_costs(list(plain.values()))
        print_ribbons(list(plain.values()))
        print("artefact | light left | false alarms without and with cleaning")
        for artefact in NAMES:
            print_artefact(artefact, plain, make_cases(world, artefact, files))
        auroras = list(make_cases(replace(world, no_aurora_fraction=0.0), "none", files))
        print(
            f"images with auroras found: {describe_alarms([case for case in auroras if is_bright(case)])}", flush=True
        )


def make_cases(world: World, artefact: Artefacts, files: int) -> Iterator[Case]:
    """Simulate empty night images, or such with auroras where the world has only those."""
    empty = world.no_aurora_fraction > 0
    world = replace(
        with_artefact(world, artefact), swaths_per_set=(1,), modes=NIGHT, no_aurora_fraction=1.0 if empty else 0.0
    )
    with tempfile.TemporaryDirectory() as folder:
        for index in range(files):
            simulated = observe(world, SEED, index)
            path = Path(folder) / simulated.plain_name
            path.write_bytes(simulated.to_fits())
            try:
                raw = read(path)
            except InputError:
                continue
            night = raw.on_disk & (raw.sza_deg > NIGHT_SZA_DEG) & np.isfinite(raw.random_error_R)
            if np.count_nonzero(night) >= MIN_NIGHT_PIXELS:
                yield Case(simulated, raw, night)


def is_bright(case: Case) -> bool:
    return bool(np.count_nonzero((case.simulated.swath.excess_R > 2) & case.night) >= threshold.MIN_PIXELS)


def print_costs(cases: list[Case]) -> None:
    changes, costs = [], []
    for case in cases:
        cleaned = clean(case.raw)
        costs.append(min(1000 * time_clean(case.raw) for _ in range(3)))  # the machine may be busy
        before, after = (mean(image, case.night) for image in (case.raw.brightness_R, cleaned.brightness_R))
        changes.append(100 * (after / before - 1))
    shape = np.median([case.raw.shape for case in cases], axis=0)
    print(
        f"{len(cases)} clean nights | mean changed by {np.mean(changes):.3f} %, at most {np.abs(changes).max():.3f} %"
    )
    print(f"CPU time per file | median {np.median(costs):.1f} ms, 95 % under {np.percentile(costs, 95):.1f} ms")
    print(f"median shape | {shape[0]:.0f} x {shape[1]:.0f}")


def time_clean(observation: Observation) -> float:
    """Return the CPU time of cleaning an observation, s."""
    start = time.process_time()
    clean(observation)
    return time.process_time() - start


def print_ribbons(cases: list[Case]) -> None:
    print("ribbon one pixel wide | " + " | ".join(f"light kept at {peak_R} R" for peak_R in PEAKS_R))
    for name in ("middle, along the slit", "edge, along the slit", "along the scan"):
        kept = np.array([[keep_ribbon(case, name, peak_R) for peak_R in PEAKS_R] for case in cases[::4]])
        print(f"{name} | " + " | ".join(f"{values.mean():.4f}, at least {values.min():.3f}" for values in kept.T))


def keep_ribbon(case: Case, name: str, peak_R: float) -> float:
    """Return the fraction of its light that cleaning leaves of a ribbon."""
    raw, world = case.raw, case.simulated.world
    overlap = float(np.median(overlaps(raw)))
    rows, bins = (np.flatnonzero(case.night.sum(axis) > 10) for axis in (1, 0))
    line = np.zeros(raw.shape)
    if name == "along the scan":
        line[rows, bins[len(bins) // 2]] = 1
    else:
        line[rows[len(rows) // 2 if name.startswith("middle") else 1]] = 1
    across, along = 1 / np.sqrt(12) / (1 - overlap), OPTICS_BINS * raw.shape[1] / 128
    ribbon = np.asarray(cv2.GaussianBlur(line, (0, 0), sigmaX=along, sigmaY=across), np.float64)
    ribbon *= (raw.tangent_altitude_km < SHELL_KM) * peak_R / ribbon.max()
    counts = np.random.default_rng(SEED).poisson((case.simulated.swath.background_R + ribbon) * world.counts_per_R)
    brightness, error = counts / world.counts_per_R, np.sqrt(np.maximum(counts, 1)) / world.counts_per_R
    brightness[np.isnan(raw.brightness_R)] = np.nan
    cleaned = clean(replace(raw, brightness_R=brightness.astype(np.float32), random_error_R=error.astype(np.float32)))
    seen = (ribbon > 0.2 * peak_R) & case.night & np.isfinite(brightness)
    return 1 - float(cleaned.removed_R[seen].sum() / ribbon[seen].sum())


def print_artefact(artefact: str, plain: dict[str, Case], cases: Iterator[Case]) -> None:
    added, left, made = [], [], []
    for case in cases:
        made.append(case)
        base = plain[case.simulated.name]
        added.append(light(case.raw.brightness_R - base.raw.brightness_R, case.night))
        left.append(light(clean(case.raw).brightness_R - base.raw.brightness_R, case.night))
    fraction = f"{sum(left) / sum(added):.2f}" if artefact in ADDING_LIGHT else "-"
    print(f"{artefact} | {fraction} | {describe_alarms(made)}", flush=True)


def describe_alarms(cases: list[Case]) -> str:
    raw, cleaned = (
        np.mean([is_alarm(observation(case)) for case in cases])
        for observation in (lambda case: case.raw, lambda case: clean(case.raw))
    )
    return f"{raw:.3f}, {cleaned:.3f} of {len(cases)}"


def is_alarm(observation: Observation) -> bool:
    return any(box.label == "aurora" for box in threshold.find(observation, canvases.fit(observation)))


def mean(image: FloatArray, where: BoolArray) -> float:
    return float(np.nanmean(image[where]))


def light(image: Float64Array | FloatArray, where: BoolArray) -> float:
    return float(np.nansum(image[where], dtype=np.float64))


if __name__ == "__main__":
    main()
