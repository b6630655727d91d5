"""Recall and false positives of diffuse auroras by artefact.

    python -m bench.night [--files N] [--seed S] [--rows NAME ...] [--raw]

Files are simulated, in turn of `UNLIKE`, whose optics, noise and background differ from all training worlds, and of
`World()`; three quarters of them have auroras of a part of the night. Constants in background/night.py were chosen on
worlds of `draw_world` and other seeds. Without a diffuse aurora, all files are false positives that are called diffuse.
With one of 8 to 30 R, files count that show 12 pixels of the disk beyond an SZA of 122 deg at emission angles below 75
deg; how many of the files that show 12 pixels beyond 110 deg do is printed too. ``--raw`` leaves out cleaning.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from mars_aurora import readers
from mars_aurora.background.night import MIN_DARK_PIXELS, dark_pixels, find_night
from mars_aurora.background.search import find_search
from mars_aurora.cleaning.cleaning import clean
from mars_aurora.errors import InputError
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import ARTEFACTS, Artefacts, World
from mars_aurora_model.simulator.worlds import UNLIKE

SEED = 970_000
FILES = 300


@dataclass(frozen=True)
class Case:
    """One file: whether a diffuse aurora is found, and what of the night is in view."""

    is_found: bool
    is_in_view: bool
    is_dark_in_view: bool
    cpu_ms: float


def make_cases(artefact: Artefacts, files: int, seed: int, *, diffuse: bool, cleaned: bool) -> Iterator[Case]:
    """Simulate files with an artefact, and decide whether their night is diffuse."""
    with tempfile.TemporaryDirectory() as folder:
        for index in range(files):
            world = replace((UNLIKE, World())[index % 2], artefacts=artefact, diffuse_fraction=float(diffuse))
            simulated = observe(world, seed + index % 2, index // 2)
            path = Path(folder) / simulated.plain_name
            path.write_bytes(simulated.to_fits())
            try:
                observation = readers.read(path, path.name)
            except InputError:
                continue
            finally:
                path.unlink()
            observation = clean(observation) if cleaned else observation
            search, start = find_search(observation), time.process_time()
            night = find_night(observation, search)
            cpu_ms = 1000 * (time.process_time() - start)
            dark = int(np.count_nonzero(dark_pixels(observation, search.pixels)))
            yield Case(night.is_diffuse, night.is_in_view, dark >= MIN_DARK_PIXELS, cpu_ms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--rows", nargs="+", choices=("none", *ARTEFACTS), default=("none", *ARTEFACTS))
    parser.add_argument("--raw", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print(f"{'artefact':22}{'false positives':>20}{'recall':>16}{'show the dark night':>24}")
    cpu_ms = []
    for artefact in options.rows:
        seed = options.seed + 100 * (("none", *ARTEFACTS).index(artefact))
        without, diffuse = (
            [
                case
                for case in make_cases(artefact, options.files, seed + 10 * kind, diffuse=kind, cleaned=not options.raw)
                if case.is_in_view
            ]
            for kind in (False, True)
        )
        dark = [case for case in diffuse if case.is_dark_in_view]
        columns = (_rate(without), _rate(dark), f"{len(dark)} of {len(diffuse)}")
        print("{:22}{:>20}{:>16}{:>24}".format(artefact, *columns), flush=True)
        cpu_ms += [case.cpu_ms for case in (*without, *diffuse)]
    print(f"CPU of the decision, after the search: {np.mean(cpu_ms):.1f} ms a file")


def _rate(cases: list[Case]) -> str:
    found = sum(case.is_found for case in cases)
    return f"{found / max(len(cases), 1):.3f} ({found}/{len(cases)})"


if __name__ == "__main__":
    main()
