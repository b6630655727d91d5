"""What a cold start costs each built function: the imports of its handler and its step, with and without bytecode.

CPU seconds of this machine, medians; needs what ``make rehearse`` builds. ``python -m bench.cold_start``
"""

import os
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "build" / "rehearsal"
PYTHON = ROOT / "build" / "tools" / "runtime" / "bin" / "python"
REPEATS = 5
IMPORTS = {
    "preprocess": "mars_aurora.products, mars_aurora.canvas, mars_aurora.heatmap",
    "classify": "mars_aurora.objects",
    "tally": "mars_aurora.ledger",
    "detect": "mars_aurora.detector",
    "catalogue": "mars_aurora.catalogue, mars_aurora.measure",
}


def measure_cpu_s(name: str, *options: str) -> float:
    """CPU seconds of a fresh interpreter that imports the function, less those of one that imports nothing."""
    environment = {"PYTHONPATH": f"{BUILT / name.capitalize()}:{BUILT / 'CoreLayer' / 'python'}", "PATH": "/usr/bin"}
    code = f"import time, boto3; t = time.process_time(); import app, {IMPORTS[name]}; print(time.process_time() - t)"
    command = [PYTHON, *options, "-c", code]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    if not BUILT.is_dir():
        print(f"nothing is built in {BUILT}: make rehearse")
        return
    print(f"{'function':<12}{'CPU s':>8}{'from source':>14}{'ratio':>8}")
    for name in IMPORTS:
        quick = statistics.median(measure_cpu_s(name) for _ in range(REPEATS))
        slow = statistics.median(measure_cpu_s(name, "-X", "pycache_prefix=/nowhere", "-B") for _ in range(REPEATS))
        print(f"{name:<12}{quick:>8.2f}{slow:>14.2f}{slow / quick:>8.1f}")


if __name__ == "__main__":
    main()
