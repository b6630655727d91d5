"""Which modules may import which, and which dependencies an import must not load."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "PIL",
    "astropy",
    "boto3",
    "cv2",
    "isal",
    "jinja2",
    "matplotlib",
    "numpy",
    "onnxruntime",
    "rich",
    "shapely",
    "typer",
)


def _loaded_by(*modules: str) -> set[str]:
    code = f"import {', '.join(modules)}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
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


def test_importing_the_package_loads_no_dependency():
    assert _loaded_by("mars_aurora") == set()


def test_importing_the_steps_loads_no_dependency():
    steps = ("open", "preprocess", "classify", "tally", "detect", "measure", "stitch", "catalogue", "parquet", "close")
    assert _loaded_by(*(f"mars_aurora.steps.{step}" for step in steps)) == set()


def test_importing_classify_loads_only_opencv():
    stage = ("mars_aurora.classify.count", "mars_aurora.classify.stages", "mars_aurora.picture.png")
    assert _loaded_by("mars_aurora.steps.classify", *stage) <= {"cv2", "numpy"}


def test_importing_preprocess_loads_neither_plotting_nor_cloud():
    stage = ("mars_aurora.readers.reading", "mars_aurora.geometry.canvas", "mars_aurora.picture.heatmap")
    assert _loaded_by(*stage, "mars_aurora.picture.png") <= {"astropy", "cv2", "isal", "numpy"}


def test_only_the_yolo_detector_loads_onnxruntime():
    assert _loaded_by("mars_aurora.detect.detectors", "mars_aurora.run.settings") == set()
    assert _loaded_by("mars_aurora.detect.threshold") <= {"cv2", "numpy"}
    assert _loaded_by("mars_aurora.detect.yolo") <= {"cv2", "numpy", "onnxruntime"}


def test_writing_geoparquet_and_the_data_set_loads_neither_opencv_nor_astropy():
    stages = ("geographic", "dataset", "stored")
    loaded = _loaded_by("mars_aurora.steps.parquet", *(f"mars_aurora.catalogue.{stage}" for stage in stages))
    assert loaded == {"numpy", "shapely"}, "pyarrow is loaded by the writers"


def test_importing_measure_loads_only_opencv_and_shapely():
    assert _loaded_by("mars_aurora.measure.measure") <= {"cv2", "numpy", "shapely"}


def test_command_line_starts_without_scientific_dependencies():
    assert _loaded_by("mars_aurora.local.cli") == set()
    assert _loaded_by("mars_aurora.local.commands") == {"rich", "typer"}


def test_suppressed_warnings_state_their_reason():
    files = [path for folder in ("core", "functions", "model", "bench", "tools", "tests") for path in _sources(folder)]
    assert len(files) > 200
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"# (noqa|type: ignore)", line) and not re.search(r"# (noqa|type: ignore).* -- \w", line)
    ]
    assert bare == []


def _sources(folder: str) -> list[Path]:
    return [path for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]
