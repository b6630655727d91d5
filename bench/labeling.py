"""Upper limit of the average precision, from other boxes of the same auroras: python -m bench.labeling.

A detector's boxes are compared with boxes of the true excess over 2 R, on the test world *unlike*. Here two other kinds
of boxes are scored like a detector's: those of the same true excess over a lower or higher level, and those of the
measured brightness minus the true background, smoothed. Their scores show how close to 1 an average precision can be.
Printed first: the relative misfit between the background without aurora and the best smooth fit to it, on patches of
the size of an aurora.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np

from mars_aurora.background import observed
from mars_aurora.box import Box
from mars_aurora.geometry.canvas import unpack_geometry
from mars_aurora_model.dataset import TEST_WORLDS, preprocess
from mars_aurora_model.labels import Label, LabeledPicture
from mars_aurora_model.predictions import Predictions
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.swath import Swath
from mars_aurora_model.simulator.world import World
from mars_aurora_model.true_boxes import box_auroras, box_excess

PICTURES, EMPTY = 500, 80
PATCH = 12  # native pixels per side
LEVELS = (0.7, 0.85, 1.2, 1.4)  # times the brightness of the outline
SMOOTHING = 1.3  # native pixels, standard deviation

Excess = tuple[str, Array, World]  # name, brightness over background in R, world that defines the level of visibility


def main() -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        misfits = np.concatenate(list(pool.map(find_misfits, range(EMPTY), chunksize=4)))
        print_misfits(misfits)
        print_scores(pool)


def find_misfits(index: int) -> Array:
    """Compute solar zenith angle and relative misfit of the background, (K, 2), on patches without aurora."""
    world, seed = TEST_WORLDS["unlike"]
    simulated = observe(replace(world, no_aurora_fraction=1.0), seed, index)
    _, geometry = preprocess(simulated.plain_name, simulated.to_fits())
    observation = unpack_geometry(geometry)[0]
    usable = observed.usable_pixels(observation)
    fitted = observed.fit(observation, usable, np.zeros_like(usable))
    rows, columns = np.indices(usable.shape) // PATCH
    patch = (rows * usable.shape[1] + columns)[usable]
    pixels, fit_R, true_R, sza = (
        np.bincount(patch, values[usable])
        for values in (usable, fitted.level_R, simulated.swath.background_R, observation.sza_deg)
    )
    whole = pixels > PATCH**2 / 2
    return np.stack((sza[whole] / pixels[whole], fit_R[whole] / true_R[whole] - 1), axis=1)


def print_misfits(misfits: Array) -> None:
    for low, high in pairwise((110, 115, 120, 125, 135, 180)):
        inside = misfits[(misfits[:, 0] >= low) & (misfits[:, 0] < high), 1]
        print(f"SZA {low} to {high}: {len(inside)} patches, background misfit {np.sqrt(np.mean(inside**2)):.1%} (rms)")


def print_scores(pool: ProcessPoolExecutor) -> None:
    predictions: dict[str, list[list[Box]]] = {}
    pictures = []
    for labels, boxes_by_name in pool.map(make_boxes, range(PICTURES), chunksize=8):
        pictures.append(LabeledPicture("", "unlike", b"", tuple(labels)))
        for name, boxes in boxes_by_name.items():
            predictions.setdefault(name, []).append(boxes)
    for name, boxes_of_pictures in predictions.items():
        matches = Predictions(pictures, boxes_of_pictures).matches("aurora")
        precision, recall = matches.at(1e-6)
        print(f"{name:28} AP50 {matches.average_precision():.3f}  precision {precision:.3f}  recall {recall:.3f}")


def make_boxes(index: int) -> tuple[list[Label], dict[str, list[Box]]]:
    """Return the true labels of a picture, and its boxes by the name of the excess they are made from."""
    simulated = observe(*TEST_WORLDS["unlike"], index)
    _, geometry = preprocess(simulated.plain_name, simulated.to_fits())
    canvas = unpack_geometry(geometry)[1]
    swath, world = simulated.swath, simulated.world
    boxes = {
        name: [
            _to_box(label)
            for label in box_excess(excess_R, swath.background_R, level, canvas.index)
            if label.trained_on
        ]
        for name, excess_R, level in make_excesses(swath, world)
    }
    return list(box_auroras(swath, world, canvas)), boxes


def make_excesses(swath: Swath, world: World) -> Iterator[Excess]:
    good = np.isfinite(swath.brightness_R) & ~swath.flagged
    for factor in LEVELS:
        level = replace(world, outline_R=factor * world.outline_R, label_contrast=factor * world.label_contrast)
        yield f"true excess over {factor * world.outline_R:g} R", np.where(good, swath.excess_R, 0), level
    excess_R = np.where(good, swath.brightness_R - swath.background_R, 0)
    weight = cv2.GaussianBlur(good.astype(np.float64), (0, 0), SMOOTHING)
    smooth_R = cv2.GaussianBlur(excess_R, (0, 0), SMOOTHING) / np.maximum(weight, 0.1)
    yield "measured - true background", np.where(swath.on_slit, smooth_R, 0), world


def _to_box(label: Label) -> Box:
    snr = label.snr or 0.0
    return Box("aurora", snr / (1 + snr), *label.corners)


if __name__ == "__main__":
    main()
