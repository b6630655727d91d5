"""How well auroras are measured, against simulated truth: python -m bench.measuring [--files N].

Truth is what the swath sees without noise: each aurora's pixels of 2 R and more, put where their lines of sight
cross the emission shell, each counted with the area that it adds to the scan.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mars_aurora import canvas, footprint, measure, products
from mars_aurora.aurora import Aurora
from mars_aurora.canvas import Canvas
from mars_aurora.footprint import Plane
from mars_aurora.messages import Box
from mars_aurora.observation import Observation
from mars_aurora.patch import EMISSION_ALTITUDE_KM
from mars_aurora_model.simulate import Simulated, observe
from mars_aurora_model.view import intersect
from mars_aurora_model.world import MARS_RADIUS_KM, World
from numpy.typing import NDArray

SEED = 77
FILES = 260
PAD_PX, JITTER_PX = 3.0, 2.0
MIN_PIXELS = 12  # of 5 R and more: what a detector is asked to find


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
            observation = products.read(path, simulated.name)
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
    area = geometry.cell_km2 * _slope(places, on_ground, geometry, ground_km) / cos_emission * (range_km / ground_km) ** 2
    area *= (MARS_RADIUS_KM / shell) ** 2
    for number, truth in enumerate(simulated.truth["auroras"], 1):
        pixels = (simulated.labels == number) & geometry.on_disk & np.isfinite(simulated.swath.random_error_R)
        excess = simulated.aurora_R[number - 1]
        if (pixels & (excess >= 5)).sum() < MIN_PIXELS:
            continue
        weight = (area * excess)[pixels]
        lat, lon = footprint.places((places[pixels] * weight[:, None]).sum(0))
        yield Truth(
            pixels,
            truth["kind"],
            float(lat),
            float(lon),
            float(area[pixels].sum()),
            float(weight.sum() / area[pixels].sum()),
            float(excess[pixels].max()),
        )


def _slope(places, sight, geometry, ground_km):
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


def run(files: int) -> tuple[list[tuple[Aurora, Truth]], list[float]]:
    rng = np.random.default_rng(SEED)
    pairs: list[tuple[Aurora, Truth]] = []
    times = []
    for case in cases(files):
        if not case.truths:
            continue
        boxes = true_boxes(case, rng)
        start = time.process_time()
        measured = measure.measure_observation(case.observation, case.view, boxes)
        times.append(time.process_time() - start)
        for aurora in measured:
            for box, truth in zip(boxes, case.truths, strict=True):
                if (aurora.box_x0, aurora.box_y0) == (box.x0, box.y0):
                    pairs.append((aurora, truth))
    return pairs, times


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=FILES)
    pairs, times = run(parser.parse_args().files)
    centroid = np.array([distance_km(aurora, truth) for aurora, truth in pairs])
    area = np.array([aurora.area_km2 / truth.area_km2 - 1 for aurora, truth in pairs])
    mean = np.array([aurora.mean_brightness_R / truth.mean_R - 1 for aurora, truth in pairs])
    peak = np.array([aurora.peak_brightness_R / truth.peak_R - 1 for aurora, truth in pairs])
    print(f"{len(pairs)} auroras; measuring takes {1000 * np.median(times):.1f} ms CPU an image (median)")
    print(f"centroid error    median {np.median(centroid):6.1f} km   95 % {np.percentile(centroid, 95):6.1f} km")
    for name, values in (("area", area), ("mean brightness", mean), ("peak brightness", peak)):
        print(f"{name:17} median |error| {100 * np.median(abs(values)):5.1f} %   bias {100 * np.median(values):+5.1f} %")


if __name__ == "__main__":
    main()
