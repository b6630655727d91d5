"""Residuals of the geometry of real and simulated files, and the frame of their latitudes: python -m bench.consistency.

Each line is one file, or the highest values of a set: the median differences of solar zenith angle (SZA), emission
angle and local time from the values recomputed from the coordinates, the same of the SZA if the latitudes are taken as
planetographic and as planetocentric, and the frame that was found. Real IUVS files are read from a folder, by default
../shared/data/iuvs; without it only simulated files are listed.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mars_aurora import readers
from mars_aurora.errors import InputError
from mars_aurora.observation import Observation
from mars_aurora.readers.recomputed import draw_sample, median_difference
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import LatitudeFrame, World

REAL = Path(__file__).parents[2] / "shared" / "data" / "iuvs"
SEED, SWATHS = 77, 40
FRAMES: tuple[LatitudeFrame, ...] = ("sphere", "planetographic", "planetocentric")
COLUMNS = ("sza_deg", "emission_angle_deg", "local_time_h")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REAL
    print("files | SZA, deg | emission angle, deg | local time, h | SZA planetographic | planetocentric | frame")
    for path in sorted(folder.glob("*.fits.gz")):
        try:
            print_lines(path.name[-36:], [readers.read(path, path.name)])
        except InputError as error:
            print(f"{path.name[-36:]} | {error.reason}")
    for frame in FRAMES:
        print_lines(f"{SWATHS} simulated, {frame}", list(simulate(frame)))


def simulate(frame: LatitudeFrame) -> Iterator[Observation]:
    """Read simulated swaths; those without a disk in view are left out."""
    with tempfile.TemporaryDirectory() as folder:
        for index in range(SWATHS):
            simulated = observe(World(latitude_frame=frame), SEED, index)
            path = Path(folder) / simulated.plain_name
            path.write_bytes(simulated.to_fits())
            try:
                yield readers.read(path, path.name)
            except InputError as error:
                print(error)
            path.unlink()


def print_lines(label: str, observations: list[Observation]) -> None:
    """Print the highest values of the observations, and how many have which frame."""
    stated = [[observation.facts.residuals.get(column, np.nan) for column in COLUMNS] for observation in observations]
    by_frame = [list(find_sza_differences(observation)) for observation in observations]
    values = " | ".join(f"{value:.4f}" for value in np.nanmax(np.hstack([stated, by_frame]), axis=0))
    frames = Counter(observation.facts.latitude_frame for observation in observations)
    print(f"{label} | {values} | {', '.join(f'{count} {frame}' for frame, count in frames.items())}")


def find_sza_differences(observation: Observation) -> Iterator[float]:
    """Yield the median difference of the solar zenith angle by frame: planetographic, planetocentric."""
    sample = draw_sample(observation)
    for variants in sample.sza_deg.values():
        yield min(median_difference(observation.sza_deg[sample.place], values) for values in variants)


if __name__ == "__main__":
    main()
