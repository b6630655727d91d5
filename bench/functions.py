"""Cold start, CPU time of the step and peak memory of each built function: python -m bench.functions.

CPU seconds on this machine and peak memory are medians over new processes, each for the same simulated file with an
aurora, with a folder instead of S3. "from source" is the cold start without the bytecode in the packages.
Requires the functions built by ``make rehearse``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
from pathlib import Path

from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "build" / "rehearsal"
PYTHON = ROOT / "build" / "tools" / "runtime" / "bin" / "python"
REPEATS = 3
STEPS = {
    "preprocess": "preprocess(PreprocessRequest('r', '', name, name), inputs, work)",
    "classify": "classify(ClassifyRequest('r', name), work)",
    "tally": "tally(TallyRequest('r', '', ''), inputs, work, Settings('w', 'd', DetectorName.YOLO, True), None)",
    "detect": "detect(DetectRequest('r', name), work, load_detector('yolo'), describe_detector(DetectorName.YOLO))",
    "measure": "measure(MeasureRequest('r', '', 0, describe_detector(DetectorName.YOLO).folder), work, work)",
    "catalogue": "catalogue(CatalogueRequest('r', 1), work, work, provenance)",
}
RECORDS = {
    "preprocess": "ledger",
    "classify": "ledger",
    "detect": "predictions",
    "measure": "measured",
}  # a step skips inputs recorded there
IMPORTS = {
    "preprocess": "mars_aurora.readers.reading, mars_aurora.geometry.canvas, mars_aurora.picture.heatmap",
    "classify": "mars_aurora.classify.count",
    "tally": "mars_aurora.run.ledger",
    "detect": "mars_aurora.detect.yolo",
    "measure": "mars_aurora.measure.measure",
    "catalogue": "mars_aurora.catalogue.write",
}
CODE = """
import boto3, shutil, sys, time
from pathlib import Path
from bench.measurement import peak_memory_mb
start = time.process_time()
import app
import {imports}
cold = time.process_time() - start
from mars_aurora.detect.detectors import DetectorName, describe_detector, load_detector
from mars_aurora.steps.{name} import {name}
from mars_aurora.run.messages import *
from mars_aurora.run.provenance import describe_provenance
from mars_aurora.run.settings import Settings
from mars_aurora.run.storage import FolderStorage
root = Path(sys.argv[1])
inputs, work = FolderStorage(root / "in"), FolderStorage(root / "out")
(name,) = inputs.list("")
if {records!r}: shutil.rmtree(root / "out/runs/r" / {records!r}, ignore_errors=True)
provenance = describe_provenance(DetectorName.YOLO, 2, "")
start = time.process_time()
{step}
print(cold, time.process_time() - start, peak_memory_mb())
"""


def measure(name: str, folder: Path, *options: str) -> tuple[float, ...]:
    """Run the step of a function in a new interpreter; return CPU s of imports, CPU s of the step, peak MB."""
    environment = {"PYTHONPATH": f"{BUILT / name.capitalize()}:{BUILT / 'CoreLayer' / 'python'}:{ROOT}"}
    code = CODE.format(name=name, imports=IMPORTS[name], step=STEPS[name], records=RECORDS.get(name, ""))
    command = [str(PYTHON), *options, "-c", code, str(folder)]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return tuple(map(float, done.stdout.split()))


def main() -> None:
    if not BUILT.is_dir():
        print(f"no functions in {BUILT}: run make rehearse first")
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "in").mkdir()
        simulated = observe(World(no_aurora_fraction=0.0), 5, 0)
        (folder / "in" / simulated.name).write_bytes(simulated.to_gzip())
        print(f"{'function':<12}{'cold start s':>14}{'from source':>14}{'step s':>10}{'peak MB':>10}")
        for name in STEPS:
            runs = [measure(name, folder) for _ in range(REPEATS)]
            cold, step, peak = (statistics.median(column) for column in zip(*runs, strict=True))
            slow = statistics.median(
                measure(name, folder, "-B", "-X", f"pycache_prefix={scratch}/none")[0] for _ in range(REPEATS)
            )
            print(f"{name:<12}{cold:>14.2f}{slow:>14.2f}{step:>10.2f}{peak:>10.0f}")


if __name__ == "__main__":
    main()
