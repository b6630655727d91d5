"""How well auroras are measured, against simulated truth: python -m bench.measuring [--files N].

Truth is what the swath sees without noise: each aurora's pixels of 2 R and more, put where their lines of sight
cross the emission shell, each counted with the area that it adds to the scan. Auroras that touch are one. Those are
counted as clear that have 12 pixels of 5 R and 3 sigma, and half of all, in the dark: the night as published (SZA over
110 deg, emission angle under 75 deg) where twilight is under 10 R. The others are printed apart.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora import readers
from mars_aurora.aurora import Aurora
from mars_aurora.box import Box
from mars_aurora.detect import threshold
from mars_aurora.geometry import canvas, footprint
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.geometry.footprint import Plane
from mars_aurora.measure import measure
from mars_aurora.measure.emission_shell import EMISSION_ALTITUDE_KM
from mars_aurora.observation import Observation
from mars_aurora_model.simulator.geometry import Geometry, intersect
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.simulator.world import MARS_RADIUS_KM, World

SEED = 77
FILES = 600
MIN_OVERLAP = 0.4
PAD_PX, JITTER_PX = 3.0, 2.0
MIN_PIXELS = 12
NIGHT_SZA_DEG, MAX_EMISSION_DEG, DARK_R = 110.0, 75.0, 10.0


@dataclass(frozen=True)
class Truth:
    """One aurora as a swath sees it: its pixels (nI, nS), and its figures."""

    pixels: NDArray[np.bool_]
    kind: str
    lat_deg: float
    lon_deg: float
    area_km2: float
    mean_R: float
    peak_R: float
    clear: bool


@dataclass(frozen=True)
class Case:
    observation: Observation
    view: Canvas
    truths: list[Truth]


def cases(files: int, seed: int = SEED, world: World | None = None) -> Iterator[Case]:
    """Simulate files and read them back by the product's own reader."""
    with tempfile.TemporaryDirectory() as folder:
        for index in range(files):
            simulated = observe(world or World(no_aurora_share=0), seed, index)
            if not len(simulated.aurora_R):
                continue
            path = Path(folder) / simulated.name.removesuffix(".gz")
            path.write_bytes(simulated.to_fits())
            observation = readers.read(path, simulated.name)
            path.unlink()
            yield Case(observation, canvas.fit(observation), list(_truths(simulated)))


def _truths(simulated: Simulated) -> Iterator[Truth]:
    geometry = simulated.swath.geometry
    shell = MARS_RADIUS_KM + EMISSION_ALTITUDE_KM
    sight = geometry.vec_mars[:, :, 0]
    places, range_km, _ = intersect(geometry.spacecraft_mars_km, sight, shell)
    places = np.moveaxis(places, 1, -1)
    on_ground = np.moveaxis(sight, 1, -1)
    cos_emission = np.abs((places * on_ground).sum(-1))
    _, ground_km, _ = intersect(geometry.spacecraft_mars_km, sight, MARS_RADIUS_KM)
    area = geometry.cell_km2 * _slope(on_ground, geometry, ground_km) / cos_emission * (range_km / ground_km) ** 2
    area *= (MARS_RADIUS_KM / shell) ** 2
    excess = simulated.aurora_R.sum(0)
    noise = np.sqrt(simulated.swath.background_R / simulated.world.counts_per_R) / 3  # of a 3 x 3 mean
    night = (geometry.sza_deg[:, 0] > NIGHT_SZA_DEG) & (geometry.emission_deg[:, 0] < MAX_EMISSION_DEG)
    dark = night & (simulated.swath.background_R < DARK_R)
    clear = dark & (excess >= np.maximum(5, 3 * noise))
    shines = (simulated.labels > 0) & geometry.on_disk & np.isfinite(simulated.swath.random_error_R)
    count, pieces = cv2.connectedComponents(shines.astype(np.uint8), connectivity=8)
    for number in range(1, count):
        pixels = pieces == number
        kinds = {simulated.truth["auroras"][label - 1]["kind"] for label in np.unique(simulated.labels[pixels])}
        weight = (area * excess)[pixels]
        lat, lon = footprint.places((places[pixels] * weight[:, None]).sum(0))
        yield Truth(
            pixels,
            kinds.pop() if len(kinds) == 1 else "several",
            float(lat),
            float(lon),
            float(area[pixels].sum()),
            float(weight.sum() / area[pixels].sum()),
            float(excess[pixels].max()),
            bool((pixels & clear).sum() >= MIN_PIXELS and (pixels & dark).sum() >= pixels.sum() / 2),
        )


def _slope(sight: Array, geometry: Geometry, ground_km: Array) -> Array:
    """Cosine of the emission angle on the ground, with which `cell_km2` was divided."""
    spacecraft = geometry.spacecraft_mars_km
    ground = spacecraft[:, None] + ground_km[..., None] * sight
    ground /= np.linalg.norm(ground, axis=-1, keepdims=True)
    return np.maximum(-(ground * sight).sum(-1), 0.02)


def true_boxes(case: Case, rng: np.random.Generator) -> list[Box]:
    """Boxes round the true pixels on the canvas, padded and shaken."""
    boxes = []
    for truth in case.truths:
        x, y = case.view.x[truth.pixels], case.view.y[truth.pixels]
        shake = rng.normal(0, JITTER_PX, 4)
        boxes.append(
            Box(
                "aurora",
                1.0,
                float(x.min()) - PAD_PX + shake[0],
                float(y.min()) - PAD_PX + shake[1],
                float(x.max()) + PAD_PX + shake[2],
                float(y.max()) + PAD_PX + shake[3],
            )
        )
    return boxes


def distance_km(aurora: Aurora, truth: Truth) -> float:
    plane = Plane(truth.lat_deg, truth.lon_deg)
    return float(footprint.distance_km(np.array(aurora.lat_deg), np.array(aurora.lon_deg), plane))


def detected_boxes(case: Case, rng: np.random.Generator) -> list[Box]:  # noqa: ARG001 -- no chance in it
    """Boxes that the published criterion finds."""
    return [box for box in threshold.find(case.observation, case.view) if box.label == "aurora"]


@dataclass
class Tally:
    """What came of one way to make boxes."""

    make_boxes: Callable[[Case, np.random.Generator], list[Box]]
    pairs: list[tuple[Aurora, Truth]] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)

    def add(self, case: Case, rng: np.random.Generator) -> None:
        """Measure one case; pair each truth with the entry whose box fits best, if they overlap enough."""
        boxes = self.make_boxes(case, rng)
        if not boxes or not case.truths:
            return
        start = time.process_time()
        measured = measure.measure_observation(case.observation, case.view, boxes)
        self.times_s.append(time.process_time() - start)
        for truth in case.truths:
            fits = [(_overlap(case, truth, aurora), aurora) for aurora in measured]
            best = max(fits, key=lambda fit: fit[0], default=None)
            if best is not None and best[0] >= MIN_OVERLAP:
                self.pairs.append((best[1], truth))


def _overlap(case: Case, truth: Truth, aurora: Aurora) -> float:
    """Intersection over union of a box with the one round the true pixels."""
    x, y = case.view.x[truth.pixels], case.view.y[truth.pixels]
    wide = min(x.max(), aurora.box_x1) - max(x.min(), aurora.box_x0)
    high = min(y.max(), aurora.box_y1) - max(y.min(), aurora.box_y0)
    both = max(wide, 0) * max(high, 0)
    own = (x.max() - x.min()) * (y.max() - y.min())
    return float(both / (own + (aurora.box_x1 - aurora.box_x0) * (aurora.box_y1 - aurora.box_y0) - both))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=FILES)
    rng = np.random.default_rng(SEED)
    tallies = {"boxes of the truth": Tally(true_boxes), "boxes of the published criterion": Tally(detected_boxes)}
    for case in cases(parser.parse_args().files):
        for tally in tallies.values():
            tally.add(case, rng)
    for name, tally in tallies.items():
        print(f"{name}: measuring takes {1000 * np.median(tally.times_s):.1f} ms CPU an image (median)")
        _print("clear", [pair for pair in tally.pairs if pair[1].clear])
        _print("twilight, limb or faint", [pair for pair in tally.pairs if not pair[1].clear])


def _print(group: str, pairs: list[tuple[Aurora, Truth]]) -> None:
    centroid = np.array([distance_km(aurora, truth) for aurora, truth in pairs])
    print(f"  {group}: {len(pairs)} auroras")
    print(f"    centroid         median {np.median(centroid):5.1f} km   95 % {np.percentile(centroid, 95):6.1f} km")
    of_centroid = np.median([off / aurora.centroid_error_km for off, (aurora, _) in zip(centroid, pairs, strict=True)])
    of_area = np.median([abs(aurora.area_km2 - truth.area_km2) / aurora.area_error_km2 for aurora, truth in pairs])
    print(f"    real over stated error, medians: centroid {of_centroid:.2f}, area {of_area:.2f}")
    for name, values in (
        ("area", [aurora.area_km2 / truth.area_km2 for aurora, truth in pairs]),
        ("mean brightness", [aurora.mean_brightness_R / truth.mean_R for aurora, truth in pairs]),
        ("peak brightness", [aurora.peak_brightness_R / truth.peak_R for aurora, truth in pairs]),
    ):
        off = 100 * (np.array(values) - 1)
        print(f"    {name:16} median |error| {np.median(np.abs(off)):5.1f} %   bias {np.median(off):+5.1f} %")


if __name__ == "__main__":
    main()
