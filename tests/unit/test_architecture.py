"""What may import what, and what may not be loaded for what."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("astropy", "boto3", "cv2", "isal", "matplotlib", "numpy", "onnxruntime", "rich", "typer")


def _loaded_by(code: str) -> set[str]:
    code = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.slow
def test_imports_point_inwards():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_steps_load_nothing_heavy_by_themselves():
    steps = ("preprocess", "classify", "tally", "detect", "measure", "catalogue")
    assert _loaded_by("\n".join(f"import mars_aurora.steps.{step}" for step in steps)) == set()


def test_classify_loads_opencv_alone():
    assert _loaded_by("import mars_aurora.steps.classify, mars_aurora.classify.count") <= {"cv2", "numpy"}


def test_preprocess_loads_no_plotting_and_no_cloud():
    needs = "import mars_aurora.readers.reading, mars_aurora.geometry.canvas, mars_aurora.picture.heatmap"
    assert _loaded_by(needs) <= {"astropy", "cv2", "isal", "numpy"}


def test_the_command_line_starts_without_the_science():
    assert _loaded_by("import mars_aurora.local.cli") == {"rich", "typer"}
