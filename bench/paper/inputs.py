"""Simulated inputs, each a distinct observation, and the check that a run measured all of them."""

from __future__ import annotations

import csv
import gzip
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2

from mars_aurora_model.dataset import simulate_picture
from mars_aurora_model.labels import LabeledPicture, read_set, write_set
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

SEED = 310_000
PACKING = 5  # gzip level; between that of the mission's archive and that of the simulator
_NEW = get_context("forkserver")  # earlier parts have started threads, with which a process cannot be forked safely
SMALL = World(n_slit=36, max_integrations=65, scan_step_deg=(0.28, 0.4))  # a coarse instrument, 0.6 MB a file


def make_files(folder: Path, count: int, world: World | None = None, first: int = 0) -> list[Path]:
    """Simulate files that are not there yet, and return the paths of all, by index."""
    made = folder.with_suffix(".made")  # beside the folder: it has the name of the file of each index
    made.mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    kept = {int(path.name): folder / path.read_text() for path in made.iterdir()}
    missing = [index for index in range(first, first + count) if index not in kept]
    with ProcessPoolExecutor(os.cpu_count(), _NEW) as pool:
        names = pool.map(partial(_make_file, folder=folder, world=world or World()), missing)
        for index, name in zip(missing, names, strict=True):
            (made / str(index)).write_text(name)
            kept[index] = folder / name
    return [kept[index] for index in range(first, first + count)]


def _make_file(index: int, folder: Path, world: World) -> str:
    simulated = observe(world, SEED, index)
    (folder / simulated.name).write_bytes(gzip.compress(simulated.to_fits(), PACKING, mtime=0))
    return simulated.name


def forget(folder: Path) -> None:
    """Delete simulated files, to make room; they are made again when they are needed."""
    for made in (folder, folder.with_suffix(".made")):
        shutil.rmtree(made, ignore_errors=True)


def link(paths: Sequence[Path], folder: Path) -> Path:
    """Make a folder of links to files, as the input of a run."""
    folder.mkdir(parents=True)
    for path in paths:
        (folder / path.name).hardlink_to(path)
    return folder


def make_pictures(folder: Path, count: int, world: World, seed: int) -> list[LabeledPicture]:
    """Return labeled pictures of distinct observations that show a disk; made once, and kept in a folder."""
    if folder.is_dir() and len(kept := list(read_set(folder))) == count:
        return kept
    pictures: list[LabeledPicture] = []
    make = partial(simulate_picture, world=world, seed=seed, group=folder.name)
    with ProcessPoolExecutor(os.cpu_count(), _NEW, cv2.setNumThreads, (1,)) as pool:
        while len(pictures) < count:
            first = len(pictures) if not pictures else 1 + max(int(p.name.rpartition("-")[2]) for p in pictures)
            made = pool.map(make, range(first, first + count - len(pictures)), chunksize=4)
            pictures += [picture for picture in made if picture is not None]
    write_set(folder, pictures)
    return pictures


def require_distinct(ledger: Path, listed: int) -> Counter[str]:
    """Return the number of inputs by outcome; raise ValueError unless each input was an observation of its own."""
    return require_outcomes(ledger.read_text().splitlines(), listed, str(ledger))


def require_outcomes(lines: Iterable[str], listed: int, name: str) -> Counter[str]:
    """Return the number of inputs by outcome in the lines of a ledger, as `require_distinct`."""
    outcomes = Counter(line["outcome"] for line in csv.DictReader(lines))
    if outcomes["superseded"] or outcomes["failed"] or outcomes.total() != listed:
        raise ValueError(f"{name}: {listed} distinct inputs, but {dict(outcomes)}")
    return outcomes
