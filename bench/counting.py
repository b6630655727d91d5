"""Fractions of pictures kept and discarded by the object count: python -m bench.counting [--files N] [--seed S].

Files are simulated. The parameters in count.py were chosen on seeds 101, 202 and 303; the seed here is different. An
aurora has 5 R if it adds at least 5 R, and at least half of the background, to 12 or more native pixels on the disk. A
picture has no aurora if no aurora adds 2 R, and half of the background, to any pixel.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2

from mars_aurora import readers
from mars_aurora.classify import count
from mars_aurora.errors import InputError
from mars_aurora.geometry import canvas
from mars_aurora.observation import BoolArray
from mars_aurora.picture import heatmap
from mars_aurora_model.simulator.simulate import Simulated, observe
from mars_aurora_model.simulator.world import World

SEED = 404
FILES = 400
MIN_PIXELS = 12
MIN_OBJECTS = 2
INNER_EMISSION_DEG = 60.0


@dataclass(frozen=True)
class Case:
    """One picture and its auroras; pixel numbers are those of the aurora with most of them.

    Attributes
    ----------
    count : number of objects found
    pixels_5R : pixels with 5 R or more
    inner_5R : of these, pixels at emission angles below 60 deg
    pixels_2R : pixels with 2 R or more
    structured : whether the day side has structure
    """

    count: int
    pixels_5R: int
    inner_5R: int
    pixels_2R: int
    structured: bool


def make_cases(files: int, seed: int) -> Iterator[Case]:
    """Simulate files and count the objects in their pictures."""
    with tempfile.TemporaryDirectory() as folder:
        for index in range(files):
            simulated = observe(World(), seed, index)
            path = Path(folder) / simulated.plain_name
            path.write_bytes(simulated.to_fits())
            try:
                observation = readers.read(path, simulated.name)
                picture = heatmap.draw(observation, canvas.fit(observation))
            except InputError:
                continue  # too little of Mars is in the field of view for a picture
            finally:
                path.unlink()
            yield Case(count.find(picture).count, *_count_pixels(simulated), bool(simulated.truth["day_structure"]))


def _count_pixels(simulated: Simulated) -> tuple[int, int, int]:
    geometry, swath = simulated.swath.geometry, simulated.swath
    if not len(simulated.aurora_R):
        return 0, 0, 0
    visible = geometry.on_disk & swath.on_slit & (simulated.aurora_R >= 0.5 * swath.background_R)
    bright = visible & (simulated.aurora_R >= 5)
    inner = bright & (geometry.emission_deg[:, 0] < INNER_EMISSION_DEG)
    return _max_pixels(bright), _max_pixels(inner), _max_pixels(visible & (simulated.aurora_R >= 2))


def _max_pixels(auroras: BoolArray) -> int:
    """Return the largest number of pixels over all auroras; ``auroras`` is (auroras, nI, nS)."""
    return int(auroras.sum(axis=(1, 2)).max())


def _print_kept(label: str, cases: list[Case]) -> None:
    _print_fraction(label, sum(case.count >= MIN_OBJECTS for case in cases), len(cases))


def _print_discarded(label: str, cases: list[Case]) -> None:
    _print_fraction(label, sum(case.count < MIN_OBJECTS for case in cases), len(cases))


def _print_fraction(label: str, count: int, total: int) -> None:
    fraction = f"{count / total:7.1%}" if total else "      -"
    print(f"{label:58s} {count:4d} of {total:4d} {fraction}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    cases = list(make_cases(arguments.files, arguments.seed))
    strong = [case for case in cases if case.pixels_5R >= MIN_PIXELS]
    without = [case for case in cases if not case.pixels_2R]
    weak = [case for case in cases if case.pixels_2R and case.pixels_5R < MIN_PIXELS]
    print(f"{len(cases)} pictures of {arguments.files} simulated files, seed {arguments.seed}")
    _print_kept("kept, of pictures with 5 R over 12 pixels", strong)
    _print_kept("  12 of these at emission angles under 60 deg", [c for c in strong if c.inner_5R >= MIN_PIXELS])
    _print_kept("  others", [case for case in strong if case.inner_5R < MIN_PIXELS])
    _print_discarded("discarded, of pictures without aurora", without)
    _print_discarded("  smooth day side", [case for case in without if not case.structured])
    _print_discarded("  structured day side", [case for case in without if case.structured])
    _print_kept("kept, of pictures with weaker or smaller auroras", weak)


if __name__ == "__main__":
    main()
