"""CPU time of preprocess and classify, compared with the paper's method: python -m bench.pipeline [--files N].

Files are simulated and compressed as in the archive. CPU is user plus system time, as the median over the files, all
measured on the same files in the same run. "over unpacking" excludes the time of decompressing the file. The paper's
method is bench/paper_way.py, in a separate process with one thread; the 200 classifications also run in a separate
process, to measure their memory. `python -m bench.paper` measures whole runs.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from bench.measurement import cpu_ms, inflate
from mars_aurora import readers
from mars_aurora.classify import count
from mars_aurora.geometry import canvas
from mars_aurora.picture import heatmap, png
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.messages import ClassifyRequest, PreprocessRequest
from mars_aurora.run.storage import FolderStorage
from mars_aurora.steps.classify import classify
from mars_aurora.steps.preprocess import preprocess
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

SEED = 31
FILES = 12
PACKING = 5  # gzip level; between that of the mission's archive and that of the simulator
CLASSIFICATIONS = 200
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_CLASSIFY = """
import sys, time
from pathlib import Path
import cv2
from bench.measurement import peak_memory_mb
from mars_aurora.classify import count
from mars_aurora.picture import png
cv2.setNumThreads(1)
pngs = [Path(name).read_bytes() for name in sys.argv[2:]]
start = time.process_time()
for turn in range(int(sys.argv[1])): count.find(png.read(pngs[turn % len(pngs)]))
print(time.process_time() - start, time.process_time())
print(peak_memory_mb())
"""


def make_files(folder: Path, count: int) -> list[Path]:
    paths = []
    for index in range(count):
        simulated = observe(World(), SEED, index)
        paths.append(folder / simulated.name)
        paths[-1].write_bytes(gzip.compress(simulated.to_fits(), PACKING, mtime=0))
    return paths


def measure_parts(path: Path) -> dict[str, float]:
    """Measure the CPU ms of each part of both steps on one file."""
    unpacked, _ = cpu_ms(inflate, path)
    reading, observation = cpu_ms(readers.read, path, path.name)
    fitting, fitted = cpu_ms(canvas.fit, observation)
    indexing, _ = cpu_ms(lambda: fitted.index)
    drawing, picture = cpu_ms(heatmap.draw, observation, fitted)
    writing, image = cpu_ms(png.write, picture)
    reading_png, _ = cpu_ms(png.read, image)
    packing, _ = cpu_ms(canvas.pack_geometry, observation, fitted)
    finding, _ = cpu_ms(count.find, picture)
    rgba = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_UNCHANGED)
    as_rgba, (_, rgba_png) = cpu_ms(cv2.imencode, ".png", rgba)
    return {
        "unpack alone": unpacked,
        "read, over unpacking": reading - unpacked,
        "fit canvas": fitting,
        "index canvas": indexing,
        "draw picture": drawing,
        "write PNG": writing,
        "read PNG": reading_png,
        "pack geometry": packing,
        "find objects": finding,
        "(PNG with palette)": writing,
        "(PNG as RGBA)": as_rgba,
        "(PNG kB, palette)": len(image) / 1000,
        "(PNG kB, RGBA)": len(rgba_png) / 1000,
    }


def measure_steps(path: Path, work: FolderStorage) -> float:
    """Measure the CPU ms of the two steps as the runner calls them, including storage."""

    def both() -> None:
        preprocess(PreprocessRequest("bench", "", path.name, path.name), FolderStorage(path.parent), work)
        classify(ClassifyRequest("bench", path.name), work)

    return cpu_ms(both)[0]


def measure_paper(paths: list[Path], folder: Path) -> tuple[list[tuple[float, float]], float]:
    command = [sys.executable, "-m", "bench.paper_way", str(folder), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | ONE_THREAD)
    *rows, peak = done.stdout.strip().split("\n")
    return [(float(row.split()[0]), float(row.split()[1])) for row in rows], float(peak)


def measure_classifications(images: list[Path]) -> list[float]:
    command = [sys.executable, "-c", _CLASSIFY, str(CLASSIFICATIONS), *map(str, images)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | ONE_THREAD)
    return [float(number) for number in done.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=FILES)
    count = parser.parse_args().files
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "input").mkdir()
        (folder / "paper").mkdir()
        paths = make_files(folder / "input", count)
        work = FolderStorage(folder / "out")
        measure_parts(paths[0])  # imports and caches
        measure_steps(paths[0], FolderStorage(folder / "warm"))
        parts = [measure_parts(path) for path in paths]
        both = [measure_steps(path, work) for path in paths]
        paper, paper_peak = measure_paper(paths, folder / "paper")
        images = [folder / "out" / RunKeys("bench").image(path.name) for path in paths]
        spent, with_start, peak = measure_classifications([image for image in images if image.exists()])

        print(f"{count} files, {statistics.median(path.stat().st_size for path in paths) / 1e6:.1f} MB packed")
        for label in parts[0]:
            print(f"  {label:24s} {statistics.median(part[label] for part in parts):8.1f}")
        ours = statistics.median(both)
        over = statistics.median(total - part["unpack alone"] for total, part in zip(both, parts, strict=True))
        theirs = statistics.median(sum(row) for row in paper[1:])
        theirs_over = theirs - statistics.median(part["unpack alone"] for part in parts)
        print(f"preprocess + classify, CPU ms a file: {ours:.1f}; over unpacking {over:.1f}")
        print(f"the paper's method: {theirs:.1f}; over unpacking {theirs_over:.1f}; peak {paper_peak:.0f} MB")
        print(f"ratio of CPU times: {theirs / ours:.1f}; over unpacking {theirs_over / over:.1f}")
        print(
            f"{CLASSIFICATIONS} classifications: {spent:.2f} s CPU, {with_start:.2f} with start, peak {peak:.0f} MB;"
            f" the paper's method {statistics.median(row[1] for row in paper) * CLASSIFICATIONS / 1000:.2f} s"
        )


if __name__ == "__main__":
    main()
