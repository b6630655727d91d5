"""CPU time and memory of the detector from PNG to boxes, on one core: python -m bench.detecting.

The paper reports less than 40 seconds for 200 pictures. The CPU time is that of a separate process, including imports
and loading of the weights.
"""

from __future__ import annotations

import subprocess
import sys
import time

from bench.measurement import peak_memory_mb

PICTURES = 200
DIFFERENT = 20  # number of simulated pictures; each is used ten times
SEED = 55


def main() -> None:
    if "--measure" in sys.argv:
        measure(read_pictures())
    else:
        data = b"".join(len(png).to_bytes(4, "big") + png for png in make_pictures())
        subprocess.run([sys.executable, "-m", "bench.detecting", "--measure"], input=data, check=True)


def make_pictures() -> list[bytes]:
    from mars_aurora_model.dataset import simulate_picture  # noqa: PLC0415 -- must not be imported in the measured process
    from mars_aurora_model.simulator.world import World  # noqa: PLC0415 -- as above

    pictures = (simulate_picture(index, World(), SEED, "bench") for index in range(DIFFERENT))
    return [picture.png for picture in pictures if picture is not None]


def read_pictures() -> list[bytes]:
    pictures = []
    while size := sys.stdin.buffer.read(4):
        pictures.append(sys.stdin.buffer.read(int.from_bytes(size, "big")))
    return pictures


def measure(pictures: list[bytes]) -> None:
    before = time.process_time()
    from mars_aurora.detect.yolo import load  # noqa: PLC0415 -- the imports are part of the measurement
    from mars_aurora.picture import png  # noqa: PLC0415 -- as above

    boxes = sum(len(load().detect(png.read(pictures[number % len(pictures)]))) for number in range(PICTURES))
    cpu_s = time.process_time() - before
    print(f"{PICTURES} pictures, {boxes} boxes | {cpu_s:.2f} s CPU | {cpu_s / PICTURES * 1e3:.1f} ms a picture")
    print(f"peak resident memory | {peak_memory_mb():.0f} MB")


if __name__ == "__main__":
    main()
