"""Fractions of pictures kept and dropped by the object count: python -m bench.counting [--files N] [--processes N].

Files are simulated, cleaned and drawn as the pipeline does it. The constants of the count were chosen on training
worlds (`draw_world`); the worlds here are the published configuration, and *unlike*, which no training world resembles,
each with and without auroras, and with what resembles them.

An aurora has the signal-to-noise ratio (SNR) of a matched filter that knows its shape and the background: over the
pixels of the picture where it is visible, weighted by excess over variance. The variance is that of photons and of the
line fit; the structure of the background, 15 %, is added, or not ("photons"). Beside the count, a matched filter that
knows the true background but neither shape nor position: the largest SNR of Gaussians of three widths.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mars_aurora import readers
from mars_aurora.classify import count
from mars_aurora.cleaning.cleaning import clean
from mars_aurora.errors import InputError
from mars_aurora.geometry import canvas as canvases
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.observation import BoolArray, Observation
from mars_aurora.picture import heatmap
from mars_aurora.picture.picture import Picture
from mars_aurora_model.painting import whiten
from mars_aurora_model.simulator import truth
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.worlds import NEGATIVE_WORLDS, TWILIGHT, UNLIKE
from mars_aurora_model.true_boxes import STRUCTURE

SEED = 60_404
FILES = 300
MIN_OBJECTS = 2
MIN_PIXELS = 12
MIN_SNR = 8.0
FILTER_WIDTHS = (1.5, 3.0, 6.0)  # native pixels, standard deviation
FILTER_SNR = 5.0  # from which the matched filter keeps a picture
TWILIGHT_DEG = (106.0, 112.0)


@dataclass(frozen=True)
class Case:
    """One picture.

    Attributes
    ----------
    kept, kept_without_text, kept_without_sza : whether the count keeps it, as it is, without counts per rayleigh, and
        without SZA too
    cpu_ms : of the count
    found_snr : of the matched filter that knows the background
    night_pixels : native pixels of the disk beyond SZA 110 deg
    snr, photon_snr : of the aurora with the highest, with the structure of the background and without
    twilight_pixels : where an aurora in twilight is brighter than the background
    """

    kept: bool
    kept_without_text: bool
    kept_without_sza: bool
    cpu_ms: float
    found_snr: float
    night_pixels: int
    snr: float
    photon_snr: float
    twilight_pixels: int


Change = Callable[[Picture, int], Picture]


def make_case(index: int, world: World, seed: int, change: Change | None = None, *, raw: bool = False) -> Case | None:
    """Simulate a file and count the objects in its picture; None where too little of Mars is in view."""
    cv2.setNumThreads(1)
    simulated = observe(world, seed, index)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / simulated.plain_name
        path.write_bytes(simulated.to_fits())
        try:
            observation = readers.read(path, simulated.name)
            observation = observation if raw else clean(observation)
            canvas = canvases.fit(observation)
        except InputError:
            return None
    picture = heatmap.draw(observation, canvas)
    picture = change(picture, index) if change else picture
    start = time.process_time()
    kept = _is_kept(picture)
    cpu_ms = 1000 * (time.process_time() - start)
    shown = find_shown(observation, canvas)
    snr = [find_snr(excess_R, simulated, shown) for excess_R in simulated.aurora_R]
    return Case(
        kept,
        _is_kept(replace(picture, counts_per_R=None)),
        _is_kept(replace(picture, counts_per_R=None, sza_coefficients=None)),
        cpu_ms,
        filter_snr(observation, simulated, shown & observation.on_disk),
        int(np.count_nonzero(shown & observation.on_disk & (observation.sza_deg > 110))),
        max((with_structure for with_structure, _ in snr), default=0.0),
        max((photons for _, photons in snr), default=0.0),
        _count_in_twilight(observation, simulated, shown & observation.on_disk),
    )


def _is_kept(picture: Picture) -> bool:
    return count.find(picture).count >= MIN_OBJECTS


def find_shown(observation: Observation, canvas: Canvas) -> BoolArray:
    """Select the native pixels that are in the picture and have a brightness: (nI, nS)."""
    shown = np.zeros(observation.brightness_R.size, bool)
    shown[canvas.index[canvas.index >= 0]] = True
    return shown.reshape(observation.shape) & np.isfinite(observation.brightness_R)


def find_snr(excess_R: Array, simulated: Simulated, shown: BoolArray) -> tuple[float, float]:
    """Return the expected SNR of an aurora in a matched filter, with the structure of the background and without."""
    swath, world = simulated.swath, simulated.world
    seen = shown & (excess_R >= truth.visible_from(swath.background_R, world))
    excess, background = excess_R[seen], swath.background_R[seen]
    weight = excess / ((background + excess) / world.counts_per_R + world.fit_noise_R**2)
    signal, structure = float((weight * excess).sum()), STRUCTURE * float((weight * background).sum())
    return signal / max(np.hypot(np.sqrt(signal), structure), 1e-9), float(np.sqrt(signal))


def filter_snr(observation: Observation, simulated: Simulated, used: BoolArray) -> float:
    """Return the largest SNR of Gaussians of several widths in the brightness over the true background."""
    swath, world = simulated.swath, simulated.world
    background = np.where(used, swath.background_R, 0)
    excess = np.where(used, observation.brightness_R - background, 0)
    variance = np.where(used, background / world.counts_per_R + world.fit_noise_R**2, 0)
    largest = 0.0
    for width in FILTER_WIDTHS:
        signal, structure = (cv2.GaussianBlur(values, (0, 0), width) for values in (excess, STRUCTURE * background))
        noise2 = cv2.GaussianBlur(variance, (0, 0), width / np.sqrt(2)) / (4 * np.pi * width**2)
        snr = signal[used] / np.sqrt(noise2[used] + structure[used] ** 2)
        largest = max(largest, float(snr.max(initial=0)))
    return largest


def _count_in_twilight(observation: Observation, simulated: Simulated, used: BoolArray) -> int:
    low, high = TWILIGHT_DEG
    twilight = used & (observation.sza_deg > low) & (observation.sza_deg < high)
    bright = [twilight & (excess >= np.maximum(simulated.swath.background_R, 2)) for excess in simulated.aurora_R]
    return max((int(np.count_nonzero(pixels)) for pixels in bright), default=0)


def whiten_picture(picture: Picture, index: int) -> Picture:
    return replace(picture, levels=whiten(np.random.default_rng((SEED, index)), picture.levels)[0])


def print_fraction(label: str, chosen: Iterable[bool]) -> None:
    answers = list(chosen)
    fraction = f"{sum(answers) / len(answers):7.3f}" if answers else "      -"
    print(f"  {label:66s} {sum(answers):4d} of {len(answers):4d} {fraction}", flush=True)


def print_auroras(cases: list[Case]) -> None:
    for label, chosen in (
        ("SNR 8 and more", [case for case in cases if case.snr >= MIN_SNR]),
        ("SNR 8 and more, photons", [case for case in cases if case.photon_snr >= MIN_SNR]),
        ("SNR 5 to 8", [case for case in cases if 5 <= case.snr < MIN_SNR]),
    ):
        print_fraction(f"kept, auroras of {label}", (case.kept for case in chosen))
        print_fraction("  by the matched filter", (case.found_snr >= FILTER_SNR for case in chosen))
        print_fraction("  by the count without counts per rayleigh", (case.kept_without_text for case in chosen))
        print_fraction("  by the count without SZA either", (case.kept_without_sza for case in chosen))


def print_empty(cases: list[Case]) -> None:
    night = [case for case in cases if case.night_pixels >= MIN_PIXELS]
    print_fraction("dropped, pictures without aurora with night", (not case.kept for case in night))
    print_fraction("  by the matched filter", (case.found_snr < FILTER_SNR for case in night))
    print_fraction("  by the count without counts per rayleigh", (not case.kept_without_text for case in night))
    print_fraction("  by the count without SZA either", (not case.kept_without_sza for case in night))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=FILES, help="of each kind")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.processes) as pool:

        def make(world: World, seed: int, change: Change | None = None, *, raw: bool = False) -> list[Case]:
            job = partial(make_case, world=world, seed=seed, change=change, raw=raw)
            return [case for case in pool.map(job, range(arguments.files), chunksize=8) if case is not None]

        spent = []
        for number, (name, world) in enumerate({"published configuration": World(), "unlike": UNLIKE}.items()):
            print(f"{name}, {world.counts_per_R} counts/R")
            print_auroras(make(replace(world, no_aurora_fraction=0.0), SEED + 10 * number))
            empty = make(replace(world, no_aurora_fraction=1.0), SEED + 10 * number + 1)
            print_empty(empty)
            spent += [case.cpu_ms for case in empty]
            artefacts = replace(world, no_aurora_fraction=1.0, artefacts="usual", artefact_fraction=1.0)
            for raw in (False, True):
                cases = make(artefacts, SEED + 10 * number + 2, raw=raw)
                label = f"dropped, the same with artefacts in each, {'not cleaned' if raw else 'cleaned'}"
                print_fraction(label, (not case.kept for case in cases if case.night_pixels >= MIN_PIXELS))
        print("twilight")
        twilight = make(TWILIGHT, SEED + 30)
        bright = (case.kept for case in twilight if case.twilight_pixels >= MIN_PIXELS)
        print_fraction("kept, auroras at SZA 106 to 112 brighter than the background", bright)
        print("pictures without aurora that resemble one")
        for number, (name, world) in enumerate(NEGATIVE_WORLDS.items()):
            change = whiten_picture if name == "white_areas" else None
            print_fraction(f"dropped, {name}", (not case.kept for case in make(world, SEED + 40 + number, change)))
        print(f"CPU of the count: {statistics.median(spent):.1f} ms a picture")


if __name__ == "__main__":
    main()
