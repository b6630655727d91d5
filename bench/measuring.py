"""Errors of measured auroras compared with the simulated truth: python -m bench.measuring [--files N].

`bench.true_auroras` defines the truth, and which auroras are clear; the others are printed separately.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.true_auroras import Truth, find_truths
from mars_aurora import readers
from mars_aurora.aurora import Aurora
from mars_aurora.box import Box
from mars_aurora.detect import threshold
from mars_aurora.geometry import canvas
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.geometry.plane import Plane
from mars_aurora.measure.measure import measure
from mars_aurora.observation import Observation
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

SEED = 77
FILES = 600
MIN_OVERLAP = 0.4
PAD_PX, JITTER_PX = 3.0, 2.0

Pair = tuple[Aurora, Truth]


@dataclass(frozen=True)
class Case:
    observation: Observation
    canvas: Canvas
    truths: list[Truth]


def make_cases(files: int, seed: int = SEED, world: World | None = None) -> Iterator[Case]:
    """Simulate files and read them with the reader of the pipeline."""
    with tempfile.TemporaryDirectory() as folder:
        for index in range(files):
            simulated = observe(world or World(no_aurora_fraction=0), seed, index)
            if not len(simulated.aurora_R):
                continue
            path = Path(folder) / simulated.name.removesuffix(".gz")
            path.write_bytes(simulated.to_fits())
            observation = readers.read(path, simulated.name)
            path.unlink()
            yield Case(observation, canvas.fit(observation), list(find_truths(simulated)))


def true_boxes(case: Case, rng: np.random.Generator) -> list[Box]:
    """Boxes around the true pixels on the canvas, padded and with a random error of each side."""
    boxes = []
    for truth in case.truths:
        x, y = case.canvas.x[truth.pixels], case.canvas.y[truth.pixels]
        corners = np.array([x.min(), y.min(), x.max(), y.max()], np.float64)
        corners += np.array([-PAD_PX, -PAD_PX, PAD_PX, PAD_PX])
        boxes.append(Box("aurora", 1.0, *(corners + rng.normal(0, JITTER_PX, 4)).tolist()))
    return boxes


def detected_boxes(case: Case, rng: np.random.Generator) -> list[Box]:  # noqa: ARG001 -- signature of Tally.make_boxes
    """Boxes that the published criterion finds."""
    return [box for box in threshold.find(case.observation, case.canvas) if box.label == "aurora"]


def distance_km(aurora: Aurora, truth: Truth) -> float:
    plane = Plane(truth.lat_deg, truth.lon_deg)
    return float(plane.distance_km(np.array(aurora.lat_deg), np.array(aurora.lon_deg)))


@dataclass
class Tally:
    """Measured auroras paired with the truth, and CPU times, for one source of boxes."""

    make_boxes: Callable[[Case, np.random.Generator], list[Box]]
    pairs: list[Pair] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)

    def add(self, case: Case, rng: np.random.Generator) -> None:
        """Measure one case; pair each truth with the entry of largest overlap, if that is at least 0.4."""
        boxes = self.make_boxes(case, rng)
        if not boxes or not case.truths:
            return
        start = time.process_time()
        measured = measure(case.observation, case.canvas, boxes)
        self.times_s.append(time.process_time() - start)
        for truth in case.truths:
            overlaps = [(_overlap(case, truth, aurora), aurora) for aurora in measured]
            best = max(overlaps, key=lambda item: item[0], default=None)
            if best is not None and best[0] >= MIN_OVERLAP:
                self.pairs.append((best[1], truth))


def _overlap(case: Case, truth: Truth, aurora: Aurora) -> float:
    """Intersection over union of a measured box and the box of the true pixels."""
    x, y = case.canvas.x[truth.pixels], case.canvas.y[truth.pixels]
    width = min(x.max(), aurora.box_x1) - max(x.min(), aurora.box_x0)
    height = min(y.max(), aurora.box_y1) - max(y.min(), aurora.box_y0)
    both = max(width, 0) * max(height, 0)
    own = (x.max() - x.min()) * (y.max() - y.min())
    return float(both / (own + (aurora.box_x1 - aurora.box_x0) * (aurora.box_y1 - aurora.box_y0) - both))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=FILES)
    rng = np.random.default_rng(SEED)
    tallies = {"true boxes": Tally(true_boxes), "boxes of the published criterion": Tally(detected_boxes)}
    for case in make_cases(parser.parse_args().files):
        for tally in tallies.values():
            tally.add(case, rng)
    for name, tally in tallies.items():
        print(f"{name}: measuring takes {1000 * np.median(tally.times_s):.1f} ms CPU an image (median)")
        _print("clear", [pair for pair in tally.pairs if pair[1].clear])
        _print("twilight, limb or faint", [pair for pair in tally.pairs if not pair[1].clear])


def _print(group: str, pairs: list[Pair]) -> None:
    centroid = np.array([distance_km(aurora, truth) for aurora, truth in pairs])
    print(f"  {group}: {len(pairs)} auroras")
    print(f"    centroid         median {np.median(centroid):5.1f} km   95 % {np.percentile(centroid, 95):6.1f} km")
    of_centroid = np.median([off / aurora.centroid_error_km for off, (aurora, _) in zip(centroid, pairs, strict=True)])
    of_area = np.median([abs(aurora.area_km2 - truth.area_km2) / aurora.area_error_km2 for aurora, truth in pairs])
    print(f"    actual / stated error, medians: centroid {of_centroid:.2f}, area {of_area:.2f}")
    for name, ratios in (
        ("area", [aurora.area_km2 / truth.area_km2 for aurora, truth in pairs]),
        ("mean brightness", [aurora.mean_brightness_R / truth.mean_R for aurora, truth in pairs]),
        ("peak brightness", [aurora.peak_brightness_R / truth.peak_R for aurora, truth in pairs]),
    ):
        percent = 100 * (np.array(ratios) - 1)
        print(f"    {name:16} median |error| {np.median(np.abs(percent)):5.1f} %   bias {np.median(percent):+5.1f} %")


if __name__ == "__main__":
    main()
