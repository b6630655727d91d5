"""Make the labeled sets: simulated observations processed by the preprocess step of the pipeline.

``python -m mars_aurora_model.dataset build/dataset`` makes sets for training, validation, calibration and threshold
selection from one distribution of configurations, test sets from that distribution and from another, and hard negatives
without aurora. Some training pictures are painted as in the paper. The same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mars_aurora.geometry.canvas import unpack_geometry
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.messages import PreprocessRequest
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.preprocess import preprocess as run_step
from mars_aurora_model.contact_sheet import draw_contact_sheet
from mars_aurora_model.labels import LabeledPicture, write_set
from mars_aurora_model.painting import paint_picture, whiten_picture
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.worlds import (
    FURTHER_ARTEFACTS,
    HARD_ARTEFACTS,
    HARDEST_ARTEFACTS,
    NEGATIVE_WORLDS,
    UNLIKE,
    draw_artefact_world,
    draw_mixed_world,
    draw_sliver_world,
    draw_terminator_world,
    draw_world,
)
from mars_aurora_model.true_boxes import box_auroras, box_mars

_BLOCK = 16  # training pictures per world

TEST_WORLDS = {  # group: (world, seed)
    "unlike": (UNLIKE, 900_000),
    "like": (World(), 910_000),
    "unlike_unseen": (UNLIKE, 940_000),  # held out: nothing may be chosen by its scores
    **{name: (world, 920_000 + number) for number, (name, world) in enumerate(NEGATIVE_WORLDS.items())},
}
TEST_SETS = {  # of those with auroras, group: (name of the set, number of observations)
    "unlike": ("test", 500),
    "like": ("test_like", 300),
    "unlike_unseen": ("test_unseen", 2000),
}

# for the second network; the first must not be trained on them
RESCORING_SETS = ("rescoring", "hard_rescoring", "further_rescoring", "terminator_rescoring")
RESCORING_CALIBRATION, RESCORING_SELECTION = "rescoring_calibration", "rescoring_selection"

Maker = Callable[[int], LabeledPicture | None]  # makes the picture of an observation's number
Draw = Callable[[np.random.Generator], World]


def preprocess(name: str, fits: bytes) -> tuple[bytes, bytes]:
    """Return the PNG and the geometry that the pipeline makes of a file; raises KeyError if it rejects the file."""
    keys = RunKeys("dataset")
    with tempfile.TemporaryDirectory() as folder:
        storage = FolderStorage(Path(folder))
        storage.put(name, fits)
        run_step(PreprocessRequest("dataset", "", name, name), storage, storage)
        return storage.get(keys.image(name)), storage.get(keys.geometry(name))


def simulate_picture(index: int, world: World, seed: int, group: str) -> LabeledPicture | None:
    """Simulate and preprocess one picture; None if the pipeline rejects the file for lack of a disk."""
    simulated = observe(world, seed, index)
    try:
        png, geometry = preprocess(simulated.plain_name, simulated.to_fits())
    except KeyError:
        return None
    observation, canvas = unpack_geometry(geometry)
    if observation.shape != simulated.labels.shape:
        raise ValueError(f"{simulated.name} has shape {simulated.labels.shape} but was read as {observation.shape}")
    shown = np.isfinite(observation.brightness_R) & ~observation.flagged
    swath = simulated.swath
    labels = (*box_mars(swath.geometry.on_disk & shown, canvas), *box_auroras(swath, world, canvas))
    return LabeledPicture(f"{group}-{index:05d}", group, png, labels)


def read_real_pictures(folder: Path) -> Iterator[LabeledPicture]:
    """Preprocess real swaths, which have no labels; files that the pipeline rejects are left out."""
    for path in sorted(folder.glob("*.fits*")):
        try:
            png, _ = preprocess(path.name, path.read_bytes())
        except KeyError:
            continue
        yield LabeledPicture(path.name, "real", png, ())


def training_picture(index: int, seed: int, draw: Draw) -> LabeledPicture | None:
    """Make a training picture in the world of its block; every sixth is painted as in the paper, or saturated."""
    block = index // _BLOCK
    world = draw(np.random.default_rng((seed, 11, block)))
    rng = np.random.default_rng((seed, 12, index))
    if index % 6:
        return simulate_picture(index, world, seed + block, "simulated")
    empty = replace(world, no_aurora_fraction=1.0, diffuse_fraction=0.0, artefacts="none")
    plain = simulate_picture(index, empty, seed + block, "painted")
    if plain is None:
        return None
    if index % 18 == 0:
        return replace(whiten_picture(plain, rng), group="white")
    return paint_picture(plain, rng, world)


def whitened_picture(index: int, world: World, seed: int, group: str) -> LabeledPicture | None:
    """Make a picture with large saturated areas."""
    plain = simulate_picture(index, world, seed, group)
    return None if plain is None else whiten_picture(plain, np.random.default_rng((seed, 13, index)))


def draw_half_empty_world(rng: np.random.Generator) -> World:
    """Draw a training world of the resolution of the instrument, half of whose swaths have no aurora."""
    return replace(draw_world(rng, coarse_fraction=0.0), no_aurora_fraction=0.5)


def plan_sets(scale: float) -> dict[str, tuple[Maker, int]]:
    """Return by set name the function that makes its pictures and the number of observations.

    ``scale`` 1 is the full size.
    """
    partly_coarse = partial(draw_world, coarse_fraction=1 / 6)
    training: dict[str, tuple[int, int, Draw]] = {  # seed, number of observations, distribution of worlds
        "train": (1_000, 16_000, partly_coarse),
        "further": (400_000, 8_000, partly_coarse),
        "slivers": (500_000, 2_000, draw_sliver_world),
        "artefacts": (700_000, 8_000, draw_artefact_world),
        "hard_artefacts": (800_000, 6_000, partial(draw_artefact_world, kinds=HARD_ARTEFACTS)),
        "rescoring": (850_000, 9_600, draw_mixed_world),
        "hard_rescoring": (880_000, 6_000, partial(draw_artefact_world, kinds=HARDEST_ARTEFACTS)),
        "further_rescoring": (890_000, 12_000, partial(draw_artefact_world, kinds=FURTHER_ARTEFACTS)),
        "terminator_rescoring": (895_000, 8_000, draw_terminator_world),
        RESCORING_CALIBRATION: (870_000, 2_400, draw_mixed_world),
        RESCORING_SELECTION: (875_000, 2_000, draw_mixed_world),
        "validation": (200_000, 200, partly_coarse),
        "calibration": (600_000, 2_400, draw_half_empty_world),
        "selection": (300_000, 800, draw_half_empty_world),
    }
    plan: dict[str, tuple[Maker, int]] = {
        name: (partial(training_picture, seed=seed, draw=draw), count) for name, (seed, count, draw) in training.items()
    }
    for group, (world, seed) in TEST_WORLDS.items():
        make = whitened_picture if group == "white_areas" else simulate_picture
        name, count = TEST_SETS.get(group, (f"false_friends/{group}", 80))
        plan[name] = (partial(make, world=world, seed=seed, group=group), count)
    return {name: (make, max(int(count * scale), 1)) for name, (make, count) in plan.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=Path("build/dataset"))
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the full sizes")
    parser.add_argument("--only", nargs="*", help="names of the sets to make; default all")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with ProcessPoolExecutor(arguments.processes) as pool:
        plan = plan_sets(arguments.scale)
        for name in arguments.only or plan:
            make, count = plan[name]
            pictures = pool.map(make, range(count), chunksize=8)
            size = write_set(arguments.out / name, (picture for picture in pictures if picture is not None))
            draw_contact_sheet(arguments.out / name, arguments.out / f"{name.replace('/', '_')}.png")
            print(f"{name}: {size} pictures from {count} observations", flush=True)


if __name__ == "__main__":
    main()
