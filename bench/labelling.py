"""How well the box of an aurora is defined at all, on the unlike test world: python -m bench.labelling.

A detector's boxes are held against those of the true light over 2 R. Here such boxes compete as if they were a
detector's: of the same true light over a somewhat lower or higher level, and of what was measured, less the true
background, smoothed. What they score tells how near to 1 an average precision can come. Before that: how far the sky
without aurora differs from the best smooth fit to it, on patches of the size of an aurora.
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
from mars_aurora.geometry.canvas import Canvas
from mars_aurora.observation import from_npz
from mars_aurora_model.dataset import TEST_WORLDS, box_light, label_auroras, preprocess
from mars_aurora_model.labels import Label, Picture
from mars_aurora_model.predictions import Answered
from mars_aurora_model.simulator.emus_writer import Swath
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

PICTURES, EMPTY = 500, 80
PATCH = 12  # native pixels a side
LEVELS = (0.7, 0.85, 1.2, 1.4)  # of the outline's brightness
SMOOTHING = 1.3  # native pixels, standard deviation

Light = tuple[str, Array, World]  # what it is called, how bright it is, and in which world it can be seen


def main() -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        misfits = np.concatenate(list(pool.map(find_misfits, range(EMPTY), chunksize=4)))
        print_misfits(misfits)
        print_scores(pool)


def find_misfits(index: int) -> Array:
    """Give solar zenith angle and relative misfit of the background, (K, 2), on patches without aurora."""
    world, seed = TEST_WORLDS["unlike"]
    simulated = observe(replace(world, no_aurora_share=1.0), seed, index)
    _, geometry = preprocess(simulated.name.removesuffix(".gz"), simulated.to_fits())
    observation = from_npz(geometry)[0]
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
        print(f"sza {low} to {high}: {len(inside)} patches, background misfit {np.sqrt(np.mean(inside**2)):.1%} (rms)")


def print_scores(pool: ProcessPoolExecutor) -> None:
    answers: dict[str, list[list[Box]]] = {}
    pictures = []
    for true, boxes in pool.map(compete, range(PICTURES), chunksize=8):
        pictures.append(Picture("", "unlike", b"", tuple(true)))
        for name, found in boxes.items():
            answers.setdefault(name, []).append(found)
    for name, found in answers.items():
        matches = Answered(pictures, found).matches("aurora")
        precision, recall = matches.at(1e-6)
        print(f"{name:28} AP50 {matches.average_precision():.3f}  precision {precision:.3f}  recall {recall:.3f}")


def compete(index: int) -> tuple[list[Label], dict[str, list[Box]]]:
    """Give the true labels of a picture, and the boxes of every other way to see the same light."""
    simulated = observe(*TEST_WORLDS["unlike"], index)
    _, geometry = preprocess(simulated.name.removesuffix(".gz"), simulated.to_fits())
    canvas = Canvas.from_arrays(from_npz(geometry)[1])
    swath, world = simulated.swath, simulated.world
    boxes = {
        name: [_to_box(label) for label in box_light(light_R, swath.background_R, seer, canvas.index) if label.learnt]
        for name, light_R, seer in lights(swath, world)
    }
    return list(label_auroras(swath, world, canvas)), boxes


def lights(swath: Swath, world: World) -> Iterator[Light]:
    good = np.isfinite(swath.brightness_R) & ~swath.flagged
    for factor in LEVELS:
        seer = replace(world, outline_R=factor * world.outline_R, label_contrast=factor * world.label_contrast)
        yield f"true light over {factor * world.outline_R:g} R", np.where(good, swath.excess_R, 0), seer
    excess_R = np.where(good, swath.brightness_R - swath.background_R, 0)
    weight = cv2.GaussianBlur(good.astype(np.float64), (0, 0), SMOOTHING)
    smooth_R = cv2.GaussianBlur(excess_R, (0, 0), SMOOTHING) / np.maximum(weight, 0.1)
    yield "measured less true background", np.where(swath.on_slit, smooth_R, 0), world


def _to_box(label: Label) -> Box:
    snr = label.snr or 0.0
    return Box("aurora", snr / (1 + snr), *label.corners)


if __name__ == "__main__":
    main()
