"""Pulls of measured auroras about the simulated truth: python -m bench.measuring [--auroras N] [--seed S].

A pull is the difference between a measured value and the truth (`bench.true_auroras`), divided by the stated random
error. For a correct error model the pulls have a median of 0 and a robust width of 1; the goal is a median within 0.2
and a width of 0.8 to 1.25. The error model was fitted on seeds 6001 to 7003; the seed here is different.

Auroras are measured in boxes around the truth (padded, with a random error of each side) and in boxes of the network,
matched at an IoU of 0.3. Counted are auroras with a true signal-to-noise ratio of 8 or more, as in the scores of the
network, without the flags limb and terminator. The others are printed separately.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np

from bench.true_auroras import ShellScene, Truth, box_pieces, find_truth, label_pieces, sample_shell
from mars_aurora import readers
from mars_aurora.aurora import Aurora
from mars_aurora.box import Box
from mars_aurora.detect import yolo
from mars_aurora.detect.suppression import box_iou
from mars_aurora.errors import InputError
from mars_aurora.geometry import canvas as canvases
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.geometry.plane import Plane
from mars_aurora.measure.measure import measure
from mars_aurora.observation import Float64Array, Observation
from mars_aurora.picture import heatmap
from mars_aurora_model.simulator import orbit, scene
from mars_aurora_model.simulator.orbit import normalize
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

SEED = 8101
AURORAS = 300
MIN_SNR, MIN_IOU = 8.0, 0.3
PAD_PX, JITTER_PX = 3.0, 2.0
TWILIGHT_R = 2.0  # of the background
MAX_MEDIAN, WIDTHS = 0.2, (0.8, 1.25)
NIGHT = World(  # the night side faces the spacecraft, so that few auroras are at the limb
    no_aurora_fraction=0.0,
    swaths_per_set=(1,),
    modes=(("os2", 1.0, (110, 155)),),
    slit_cut_fraction=0.0,
    truncated_fraction=0.0,
)
MAX_OFF_CENTER_DEG = 40.0  # scenes whose auroras are all farther from the sub-spacecraft point are skipped
BATCH = 16


@dataclass(frozen=True)
class Pair:
    """A measured aurora, its truth, and whether its box overlaps another."""

    measured: Aurora
    truth: Truth
    crowded: bool

    @property
    def flags(self) -> set[str]:
        return set(self.measured.quality_flags.split())

    @property
    def at_limb(self) -> bool:
        return bool(self.flags & {"limb", "terminator"})

    @property
    def visible(self) -> bool:
        return self.truth.snr >= MIN_SNR


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--auroras", type=int, default=AURORAS)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    given, detected, times_s = collect(asked.auroras, Task(asked.seed))
    print(f"measuring takes {1000 * np.median(times_s):.1f} ms CPU a picture (median)")
    passed = [
        print_pairs(f"{name} boxes", counted(pairs)) for name, pairs in (("given", given), ("detected", detected))
    ]
    groups: dict[str, Callable[[Pair], bool]] = {
        "limb or terminator": lambda pair: pair.visible and pair.at_limb,
        "faint (signal to noise under 8)": lambda pair: not pair.visible and not pair.at_limb,
        "twilight (background over 2 R)": lambda pair: (
            pair.visible and not pair.at_limb and pair.truth.background_R > TWILIGHT_R
        ),
        "bright (mean over 8 R)": lambda pair: pair.visible and not pair.at_limb and pair.truth.mean_R > 8,
        "dim (mean under 4 R)": lambda pair: pair.visible and not pair.at_limb and pair.truth.mean_R < 4,
        "crowded (box overlaps another)": lambda pair: pair.visible and not pair.at_limb and pair.crowded,
    }
    for name, belongs in groups.items():
        print_pairs(f"given boxes, {name}", [pair for pair in given if belongs(pair)])
    sys.exit(0 if passed[0] else 1)


def collect(auroras: int, task: Task, processes: int | None = None) -> tuple[list[Pair], list[Pair], list[float]]:
    """Simulate and measure until so many auroras are counted: pairs in given and in detected boxes, CPU seconds."""
    given: list[Pair] = []
    detected: list[Pair] = []
    times_s: list[float] = []
    indices = (index for index in count() if task.is_central(index))
    context = multiprocessing.get_context("forkserver")  # a fork of a process with threads can deadlock
    with ProcessPoolExecutor(processes or os.cpu_count(), context, cv2.setNumThreads, (1,)) as pool:
        while len(counted(given)) < auroras:
            for own, found, spent_s in pool.map(task.measure_file, islice(indices, BATCH)):
                given += own
                detected += found
                times_s += spent_s
    return given, detected, times_s


def counted(pairs: Iterable[Pair]) -> list[Pair]:
    return [pair for pair in pairs if pair.visible and not pair.at_limb]


@dataclass(frozen=True)
class Task:
    """What is simulated, and whether the network's boxes are measured too."""

    seed: int
    world: World = NIGHT
    detect: bool = True

    def is_central(self, index: int) -> bool:
        """Whether any aurora of a scene is near the sub-spacecraft point."""
        shared = scene.draw_scene(self.world, self.seed, scene.locate(self.world, self.seed, index))
        et = np.array([orbit.to_et(shared.start)])
        up = normalize(orbit.frames(et).to_mars[0] @ shared.spacecraft_km(et)[0])
        return any(aurora.center @ up > np.cos(np.radians(MAX_OFF_CENTER_DEG)) for aurora in shared.auroras)

    def measure_file(self, index: int) -> tuple[list[Pair], list[Pair], list[float]]:
        """Simulate one file, read it, and measure its auroras in given and in detected boxes."""
        simulated = observe(self.world, self.seed, index)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / simulated.plain_name
            path.write_bytes(simulated.to_fits())
            try:
                observation = readers.read(path, path.name)
            except InputError:
                return [], [], []
        canvas = canvases.fit(observation)
        shell = sample_shell(simulated, observation, canvas)
        labels = label_pieces(shell)
        true_boxes = box_pieces(shell, labels)
        given = list(shake(true_boxes, np.random.default_rng((self.seed, index))))
        start = time.process_time()
        measured = measure(observation, canvas, given)
        spent_s = [time.process_time() - start] if given else []
        own = [
            Pair(aurora, truth, is_crowded(box, given))
            for aurora in measured
            for box in given
            if has_box(aurora, box) and (truth := find_truth(shell, labels, box, given)) is not None
        ]
        found = pair_detected(observation, canvas, shell, labels, true_boxes) if self.detect else ()
        return own, list(found), spent_s


def shake(boxes: Iterable[Box], rng: np.random.Generator) -> Iterator[Box]:
    """Pad boxes, with a random error of each side."""
    for box in boxes:
        left, top, right, bottom = rng.normal(PAD_PX, JITTER_PX, 4)
        yield replace(box, x0=box.x0 - left, y0=box.y0 - top, x1=box.x1 + right, y1=box.y1 + bottom)


def has_box(aurora: Aurora, box: Box) -> bool:
    return (aurora.box_x0, aurora.box_y0, aurora.box_x1, aurora.box_y1) == (box.x0, box.y0, box.x1, box.y1)


def is_crowded(box: Box, boxes: Iterable[Box]) -> bool:
    return any(overlap_iou(box, other) > 0 for other in boxes if other is not box)


def overlap_iou(one: Box, other: Box) -> float:
    a, b = (np.array([[box.x0, box.y0, box.x1, box.y1]], np.float32) for box in (one, other))
    return float(box_iou(a, b)[0, 0])


def pair_detected(
    observation: Observation, canvas: Canvas, shell: ShellScene, labels: np.ndarray, true_boxes: Sequence[Box]
) -> Iterator[Pair]:
    """Measure in the network's boxes; pair each true box with the aurora of the best box."""
    boxes = yolo.load().detect(heatmap.draw(observation, canvas))
    measured = measure(observation, canvas, boxes)
    for box in true_boxes:
        own = [Box("aurora", 1.0, found.box_x0, found.box_y0, found.box_x1, found.box_y1) for found in measured]
        overlaps = [overlap_iou(box, other) for other in own]
        truth = find_truth(shell, labels, box, true_boxes)
        if truth is not None and max(overlaps, default=0.0) >= MIN_IOU:
            yield Pair(measured[int(np.argmax(overlaps))], truth, is_crowded(box, true_boxes))


def find_pulls(pairs: Sequence[Pair]) -> dict[str, tuple[Float64Array, Float64Array]]:
    """Compute by quantity the pulls, and the errors relative to the truth (of the centroid in km)."""
    pulls: dict[str, tuple[Float64Array, Float64Array]] = {}
    for name, value, error, true in (
        ("area", "area_km2", "area_error_km2", "area_km2"),
        ("mean", "mean_brightness_R", "mean_random_error_R", "mean_R"),
        ("peak", "peak_brightness_R", "peak_random_error_R", "peak_R"),
        ("integrated", "integrated_brightness_R_km2", "integrated_random_error_R_km2", "integrated"),
        ("background", "background_R", "background_error_R", "background_R"),
    ):
        truth = np.array([getattr(pair.truth, true) for pair in pairs])
        off = np.array([getattr(pair.measured, value) for pair in pairs]) - truth
        pulls[name] = off / np.array([getattr(pair.measured, error) for pair in pairs]), off / truth
    error_km = np.array([pair.measured.centroid_error_km for pair in pairs])
    for name, off_km in zip(("centroid east", "centroid north"), find_offsets_km(pairs), strict=True):
        pulls[name] = off_km / error_km, off_km
    return pulls


def find_offsets_km(pairs: Sequence[Pair]) -> tuple[Float64Array, Float64Array]:
    """Compute the offsets of the measured centroids to the east and to the north of the true ones."""
    offsets = [
        Plane(pair.truth.lat_deg, pair.truth.lon_deg).project(
            np.array(pair.measured.lat_deg), np.array(pair.measured.lon_deg)
        )
        for pair in pairs
    ]
    east, north = np.array(offsets, np.float64).reshape(-1, 2).T
    return east, north


def summarize(values: Float64Array) -> tuple[float, float]:
    """Compute the median, and half the range of the central 68 %."""
    low, median, high = np.percentile(values, [15.87, 50, 84.13])
    return float(median), float(high - low) / 2


def print_pairs(name: str, pairs: Sequence[Pair]) -> bool:
    """Print the pulls of a group; return whether all meet the goal."""
    print(f"\n{name}: {len(pairs)} auroras")
    if not pairs:
        return False
    passed = True
    for quantity, (pulls, errors) in find_pulls(pairs).items():
        (median, width), (bias, scatter) = summarize(pulls), summarize(errors)
        meets = abs(median) <= MAX_MEDIAN and WIDTHS[0] <= width <= WIDTHS[1]
        passed &= meets
        real = f"{bias:+6.1f} +- {scatter:5.1f} km" if "centroid" in quantity else f"{bias:+6.1%} +- {scatter:5.1%}"
        print(f"  {quantity:15} pull {median:+.2f} +- {width:.2f} {'' if meets else '*':1}  real error {real}")
    return passed


if __name__ == "__main__":
    main()
