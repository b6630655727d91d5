"""Which images the object count keeps, on simulated files: python -m bench.counting [--files N] [--seed S].

The parameters in count.py were chosen on seeds 101, 202 and 303; the seed here is another. An aurora counts as one of
5 R and more if it adds 5 R, and half of the background, to at least 12 native pixels on the disk; an image counts as
without aurora if none adds 2 R, and half of the background, to any.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mars_aurora import readers
from mars_aurora.classify import count
from mars_aurora.errors import InputError
from mars_aurora.geometry import canvas
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
    """One image: objects found, the best aurora's pixels of 5 R, those of them away from the limb, and any of 2 R."""

    count: int
    pixels_5R: int
    inner_5R: int
    pixels_2R: int
    structured: bool


def cases(files: int, seed: int) -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as folder:
        for index in range(files):
            simulated = observe(World(), seed, index)
            path = Path(folder) / simulated.name.removesuffix(".gz")
            path.write_bytes(simulated.to_fits())
            try:
                observation = readers.read(path, simulated.name)
                png = heatmap.draw(observation, canvas.fit(observation))
            except InputError:
                continue  # it sees too little of Mars to become an image
            finally:
                path.unlink()
            yield Case(count.find(png).count, *_truth(simulated), bool(simulated.truth["day_structure"]))


def _truth(simulated: Simulated) -> tuple[int, int, int]:
    geometry, swath = simulated.swath.geometry, simulated.swath
    if not len(simulated.aurora_R):
        return 0, 0, 0
    clear = geometry.on_disk & swath.on_slit & (simulated.aurora_R >= 0.5 * swath.background_R)
    bright = clear & (simulated.aurora_R >= 5)
    inner = bright & (geometry.emission_deg[:, 0] < INNER_EMISSION_DEG)
    any_2R = clear & (simulated.aurora_R >= 2)
    return tuple(int(pixels.sum(axis=(1, 2)).max()) for pixels in (bright, inner, any_2R))  # type: ignore[return-value]


def _print_share(label: str, hits: list[bool]) -> None:
    share = f"{np.mean(hits):7.1%}" if hits else "      -"
    print(f"{label:58s} {sum(hits):4d} of {len(hits):4d} {share}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    found = list(cases(asked.files, asked.seed))
    strong = [case for case in found if case.pixels_5R >= MIN_PIXELS]
    without = [case for case in found if not case.pixels_2R]
    print(f"{len(found)} images of {asked.files} simulated files, seed {asked.seed}")
    _print_share("kept, of those with 5 R over 12 pixels", [case.count >= MIN_OBJECTS for case in strong])
    inner = [case for case in strong if case.inner_5R >= MIN_PIXELS]
    _print_share("  and 12 of these pixels away from the limb (EA < 60)", [case.count >= MIN_OBJECTS for case in inner])
    edge = [case for case in strong if case.inner_5R < MIN_PIXELS]
    _print_share("  and not", [case.count >= MIN_OBJECTS for case in edge])
    _print_share("discarded, of those without aurora", [case.count < MIN_OBJECTS for case in without])
    for label, structured in (("  day side plain", False), ("  day side structured", True)):
        _print_share(label, [case.count < MIN_OBJECTS for case in without if case.structured is structured])
    weak = [case for case in found if case.pixels_2R and case.pixels_5R < MIN_PIXELS]
    _print_share("kept, of those with weaker or smaller auroras", [case.count >= MIN_OBJECTS for case in weak])


if __name__ == "__main__":
    main()
