"""Time and memory of the detector, end to end from PNG to boxes, on one core: python -m bench.detecting.

The paper: under 40 seconds for 200 images. CPU time of one process that does nothing else, imports and the loading
of weights included.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

PICTURES = 200
DIFFERENT = 20  # pictures that are simulated; each is detected in ten times
SEED = 55


def main() -> None:
    if "--alone" in sys.argv:
        measure(read_pictures())
    else:
        feed = b"".join(len(png).to_bytes(4, "big") + png for png in make_pictures())
        subprocess.run([sys.executable, "-m", "bench.detecting", "--alone"], input=feed, check=True)


def make_pictures() -> list[bytes]:
    from mars_aurora_model.dataset import simulate_picture  # noqa: PLC0415 -- not in the process that is measured
    from mars_aurora_model.simulator.world import World  # noqa: PLC0415

    made = (simulate_picture(index, World(), SEED, "bench") for index in range(DIFFERENT))
    return [picture.png for picture in made if picture is not None]


def read_pictures() -> list[bytes]:
    pictures = []
    while size := sys.stdin.buffer.read(4):
        pictures.append(sys.stdin.buffer.read(int.from_bytes(size, "big")))
    return pictures


def measure(pictures: list[bytes]) -> None:
    before = time.process_time()
    from mars_aurora.detect.yolo import detect  # noqa: PLC0415 -- its import is part of what is measured

    boxes = sum(len(detect(pictures[number % len(pictures)])) for number in range(PICTURES))
    cpu_s = time.process_time() - before
    # Not getrusage: what it gives begins with the size of the process that started this one.
    peak_kB = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    peak_MB = int(peak_kB.split()[1]) * 1024 / 1e6
    print(f"{PICTURES} pictures, {boxes} boxes | {cpu_s:.2f} s CPU | {cpu_s / PICTURES * 1e3:.1f} ms a picture")
    print(f"peak resident memory | {peak_MB:.0f} MB")


if __name__ == "__main__":
    main()
