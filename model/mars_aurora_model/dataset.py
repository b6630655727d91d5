"""Make the labelled sets: simulated observations through the very preprocess step that production runs.

``python -m mars_aurora_model.dataset build/dataset``: sets for training, validation and choosing the threshold from
worlds like each other, a test set from an unlike one, false friends without aurora; among the training pictures some
that are painted in the paper's manner. Same arguments, same bytes.
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
from numpy.typing import NDArray

from mars_aurora.geometry.canvas import Canvas, to_canvas
from mars_aurora.observation import FloatArray, from_npz
from mars_aurora.picture import heatmap
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.messages import PreprocessRequest
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.preprocess import preprocess as run_step
from mars_aurora_model import painting
from mars_aurora_model.labels import Label, Picture, read_set, write_set
from mars_aurora_model.simulator import truth
from mars_aurora_model.simulator.emus_writer import Swath
from mars_aurora_model.simulator.orbit import Array
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.worlds import FALSE_FRIENDS, UNLIKE, draw_sliver_world, draw_world

STRUCTURE = 0.15  # by which a patch of the sky differs from a smooth fit; `python -m bench.labelling` prints what it is
FAINT = 0.5  # share of what can be seen from which on light counts neither way
_GAP_PX = 7  # pieces of light nearer than this are one feature
_BLOCK = 16  # pictures a training world

TEST_WORLDS = {  # by group: the world and the seed that its pictures are simulated from
    "unlike": (UNLIKE, 900_000),
    "like": (World(), 910_000),
    "unlike_unseen": (UNLIKE, 930_000),  # nothing was ever chosen by its scores, nor may be
    **{name: (world, 920_000 + number) for number, (name, world) in enumerate(FALSE_FRIENDS.items())},
}
TEST_SETS = {  # with auroras, by group: the set's name, and how many observations it is made from
    "unlike": ("test", 500),
    "like": ("test_like", 300),
    "unlike_unseen": ("test_unseen", 2000),
}

BoolArray = NDArray[np.bool_]
Maker = Callable[[int], Picture | None]


def preprocess(name: str, fits: bytes) -> tuple[bytes, bytes]:
    """Give the PNG and the geometry that the pipeline makes of a file; raises KeyError where it rejects it."""
    keys = RunKeys("dataset")
    with tempfile.TemporaryDirectory() as folder:
        storage = FolderStorage(Path(folder))
        storage.put(name, fits)
        run_step(PreprocessRequest("dataset", "", name, name), storage, storage)
        return storage.get(keys.image(name)), storage.get(keys.geometry(name))


def find_features(
    seen: BoolArray, index: NDArray[np.int32]
) -> Iterator[tuple[BoolArray, tuple[float, float, float, float]]]:
    """Find connected features of a native map (nI, nS) as they look on the canvas.

    ``index`` is a `Canvas.index`. Yields the native pixels of each, and its corners on the canvas in px.
    """
    drawn = np.append(seen.reshape(-1), False)[index].astype(np.uint8)
    joined = cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, np.ones((_GAP_PX, _GAP_PX), np.uint8))
    count, regions, _, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for region in range(1, count):
        shown = (regions == region) & (drawn > 0)
        pixels = np.zeros(seen.size, bool)
        pixels[index[shown]] = True
        rows, columns = np.nonzero(shown)
        corners = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        yield pixels.reshape(seen.shape), tuple(float(corner) for corner in corners)  # type: ignore[misc]


def label_auroras(swath: Swath, world: World, canvas: Canvas) -> Iterator[Label]:
    """Box each aurora as the canvas shows it, and light that is too faint to be one."""
    shown_R = np.where(swath.on_slit & ~swath.flagged, swath.excess_R, 0)
    return box_light(shown_R, swath.background_R, world, canvas.index)


def box_light(
    excess_R: Array, background_R: Array, world: World, index: NDArray[np.int32], pixel: float = 1.0
) -> Iterator[Label]:
    """Box features with their mean excess and their signal to noise, then light that is too faint to be one.

    The maps are (nI, nS), ``pixel`` the share of an instrument's pixel that one of theirs is. The noise is that of the
    photons, and how far a background can be known that is not as smooth as any fit to it: in twilight and at the limb
    that is what hides an aurora.
    """
    least_R = truth.visible_from(background_R, world)
    seen = excess_R >= least_R
    variance_R2 = (background_R + excess_R) / world.counts_per_R + world.fit_noise_R**2
    for pixels, corners in find_features(seen, index):
        light_R, noise_R = pixel * excess_R[pixels].sum(), np.sqrt(pixel * variance_R2[pixels].sum())
        structure_R = STRUCTURE * pixel * background_R[pixels].sum()
        snr = float(light_R / np.hypot(noise_R, structure_R))
        yield Label("aurora", *corners, brightness_R=float(excess_R[pixels].mean()), snr=snr)
    for pixels, corners in find_features(excess_R >= FAINT * least_R, index):
        if not (pixels & seen).any():  # whoever finds an aurora there is not wrong
            yield Label("aurora", *corners, brightness_R=float(excess_R[pixels].mean()), snr=0.0)


def label_mars(on_disk: BoolArray, canvas: Canvas) -> Iterator[Label]:
    """Box the part of the disk that is in the picture."""
    rows, columns = np.nonzero(to_canvas(on_disk, canvas, fill=False))
    if len(rows):
        yield Label("mars", float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))


def simulate_picture(index: int, world: World, seed: int, group: str) -> Picture | None:
    """Simulate and preprocess one picture; None where the pipeline finds no disk in it."""
    simulated = observe(world, seed, index)
    try:
        png, geometry = preprocess(simulated.name.removesuffix(".gz"), simulated.to_fits())
    except KeyError:
        return None
    observation, arrays = from_npz(geometry)
    if observation.shape != simulated.labels.shape:
        raise ValueError(f"{simulated.name} is read as {observation.shape}, simulated as {simulated.labels.shape}")
    canvas = Canvas.from_arrays(arrays)
    shown = np.isfinite(observation.brightness_R) & ~observation.flagged
    swath = simulated.swath
    labels = (*label_mars(swath.geometry.on_disk & shown, canvas), *label_auroras(swath, world, canvas))
    return Picture(f"{group}-{index:05d}", group, png, labels)


def read_real_pictures(folder: Path) -> Iterator[Picture]:
    """Put real swaths through the pipeline; there is no truth, so no labels. What the pipeline rejects is left out."""
    for path in sorted(folder.glob("*.fits*")):
        try:
            png, _ = preprocess(path.name, path.read_bytes())
        except KeyError:
            continue
        yield Picture(path.name, "real", png, ())


def training_picture(index: int, seed: int, draw: Callable[[np.random.Generator], World]) -> Picture | None:
    """Make a training picture in the world of its block; every sixth is painted in the paper's manner or whitened."""
    block = index // _BLOCK
    world = draw(np.random.default_rng((seed, 11, block)))
    rng = np.random.default_rng((seed, 12, index))
    if index % 6:
        return simulate_picture(index, world, seed + block, "simulated")
    plain = simulate_picture(index, replace(world, no_aurora_share=1.0), seed + block, "painted")
    if plain is None:
        return None
    if index % 18 == 0:
        return replace(whiten(plain, rng), group="white")
    return paint(plain, rng, world)


def paint(plain: Picture, rng: np.random.Generator, world: World) -> Picture:
    """Paint auroras where the disk is dark; label them as in a simulated picture."""
    levels = heatmap.decode(plain.png)
    disk_columns, disk_rows = np.meshgrid(np.arange(levels.shape[1]) - 320, np.arange(levels.shape[0]) - 230)
    smooth_R = cv2.GaussianBlur(heatmap.level_brightness()[levels], (0, 0), 6)
    dark = (np.hypot(disk_columns, disk_rows) < 168) & (smooth_R < 8) & (levels != heatmap.UNOBSERVED)
    excess_R: FloatArray = np.zeros(levels.shape, np.float32)
    for _ in range(rng.integers(1, 4)):
        excess_R = np.maximum(excess_R, painting.paint_aurora(rng))
    excess_R *= cv2.GaussianBlur(dark.astype(np.float32), (0, 0), 3)
    shown_R = np.where(levels != heatmap.UNOBSERVED, excess_R, 0)
    itself = np.arange(levels.size, dtype=np.int32).reshape(levels.shape)  # the painting is its own native map
    found = box_light(shown_R, smooth_R, world, itself, pixel=1 / 16)  # 4 x 4, as the noise is painted
    painted = painting.add_excess(levels, excess_R, rng, world.counts_per_R)
    return replace(plain, png=heatmap.encode(painted, heatmap.read_sun(plain.png)), labels=(*plain.labels, *found))


def whiten(plain: Picture, rng: np.random.Generator) -> Picture:
    """Saturate large areas of a picture."""
    white, _ = painting.whiten(rng, heatmap.decode(plain.png))
    return replace(plain, png=heatmap.encode(white, heatmap.read_sun(plain.png)))


def whitened_picture(index: int, world: World, seed: int, group: str) -> Picture | None:
    """Make a picture with large white areas."""
    plain = simulate_picture(index, world, seed, group)
    return None if plain is None else whiten(plain, np.random.default_rng((seed, 13, index)))


def plan_sets(scale: float) -> dict[str, tuple[Maker, int]]:
    """Say how each set is made and from how many observations; ``scale`` 1 is the full size."""
    partly_coarse = partial(draw_world, coarse_share=1 / 6)
    likely = {
        "train": (1_000, 16_000, partly_coarse),
        "further": (400_000, 8_000, partly_coarse),
        "slivers": (500_000, 2_000, draw_sliver_world),
        "validation": (200_000, 200, partly_coarse),
        "selection": (300_000, 600, partial(draw_world, coarse_share=0.0)),  # as the instrument takes them
    }
    plan: dict[str, tuple[Maker, int]] = {
        name: (partial(training_picture, seed=seed, draw=draw), count) for name, (seed, count, draw) in likely.items()
    }
    for group, (world, seed) in TEST_WORLDS.items():
        make = whitened_picture if group == "white_areas" else simulate_picture
        name, count = TEST_SETS.get(group, (f"false_friends/{group}", 80))
        plan[name] = (partial(make, world=world, seed=seed, group=group), count)
    return {name: (make, max(int(count * scale), 1)) for name, (make, count) in plan.items()}


def draw_contact_sheet(folder: Path, path: Path, count: int = 48, columns: int = 8) -> None:
    """Draw the first pictures of a set with their boxes, at half size."""
    tiles = []
    for _, picture in zip(range(count), read_set(folder), strict=False):
        pixels = cv2.imdecode(np.frombuffer(picture.png, np.uint8), cv2.IMREAD_COLOR)
        for box in picture.labels:
            colour = (0, 255, 0) if box.label == "aurora" else (255, 160, 0)
            low, high = (int(box.x0), int(box.y0)), (int(box.x1), int(box.y1))
            cv2.rectangle(pixels, low, high, colour, 2)
            if box.snr is not None and box.brightness_R is not None:
                text = f"{box.brightness_R:.1f} R, snr {box.snr:.0f}"
                cv2.putText(pixels, text, (low[0], low[1] - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, 1)
        cv2.putText(pixels, picture.group, (5, 470), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 1)
        tiles.append(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    cv2.imwrite(str(path), np.vstack(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, nargs="?", default=Path("build/dataset"))
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full sizes")
    parser.add_argument("--only", nargs="*", help="names of the sets to make, of which there are others")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with ProcessPoolExecutor(arguments.processes) as pool:
        plan = plan_sets(arguments.scale)
        for name in arguments.only or plan:
            make, count = plan[name]
            made = pool.map(make, range(count), chunksize=8)
            size = write_set(arguments.out / name, (picture for picture in made if picture is not None))
            draw_contact_sheet(arguments.out / name, arguments.out / f"{name.replace('/', '_')}.png")
            print(f"{name}: {size} pictures of {count} observations", flush=True)


if __name__ == "__main__":
    main()
