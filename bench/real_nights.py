"""Night pixels of the real MAVEN/IUVS files: python -m bench.real_nights [FOLDER].

Per file the pixels on the disk with known brightness and angles, the range of their solar zenith angles (SZA), how many
are beyond SZA 110, and on how many of these auroras are searched for: at emission angles below 75. Without FOLDER the
files are those of ../shared/data/iuvs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mars_aurora import readers
from mars_aurora.background.observed import searched_pixels, usable_pixels
from mars_aurora.errors import InputError

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "iuvs"


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0]) if arguments else FOLDER
    if not folder.is_dir():
        print(f"no real files in {folder}")
        return
    beyond, searched = 0, 0
    for path in sorted(folder.glob("*.fits.gz")):
        try:
            observation = readers.read(path, path.name)
        except InputError as error:
            print(f"{path.name}: {error.reason}")
            continue
        disk = usable_pixels(observation)
        sza_deg = observation.sza_deg[disk]
        span = f", SZA {sza_deg.min():.0f} to {sza_deg.max():.0f}" if disk.any() else ""
        print(f"{path.name}: {disk.sum()} pixels on the disk{span}")
        beyond += int(observation.emission.search_area(sza_deg).sum())
        searched += int(searched_pixels(observation, disk).sum())
    print(f"{beyond} pixels beyond SZA 110 in all, {searched} of them searched for auroras")


if __name__ == "__main__":
    main(sys.argv[1:])
