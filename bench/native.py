"""Size of native images, and CPU time of writing: python -m bench.native [--count N], on simulated swaths of EMUS."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from bench.measurement import cpu_ms
from mars_aurora import readers
from mars_aurora.catalogue.native import IMAGES, to_fits
from mars_aurora.cleaning.cleaning import clean
from mars_aurora.geometry import canvas as canvases
from mars_aurora.measure.measure import fit_disk
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=8)
    sizes, pixels, times_ms = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(parser.parse_args().count):
            simulated = observe(World(), 1, index)
            path = Path(folder) / simulated.plain_name
            path.write_bytes(simulated.to_fits())
            observation = clean(readers.read(path, path.name))
            disk = fit_disk(observation, canvases.fit(observation), ())
            ms, data = cpu_ms(to_fits, observation, disk.level_R, "0" * 32)
            sizes.append(len(data))
            pixels.append(observation.brightness_R.size)
            times_ms.append(ms)
    ratio = np.sum(sizes) / (4 * len(IMAGES) * np.sum(pixels))
    print(f"{len(sizes)} files of {np.mean(pixels):.0f} pixels: {np.mean(sizes) / 1e6:.2f} MB, {ratio:.2f} of plain")
    print(f"written in {np.mean(times_ms):.0f} ms CPU")


if __name__ == "__main__":
    main()
