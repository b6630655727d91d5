"""The wheel contains all modules and data files of the packages."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"mars_aurora": ROOT / "core" / "mars_aurora", "mars_aurora_model": ROOT / "model" / "mars_aurora_model"}
SUFFIXES = {".py", ".onnx", ".j2", ".toml", ".typed"}


def test_wheel_contains_all_modules_and_data_files(tmp_path):
    source = tmp_path / "source"  # a copy, because setuptools writes to the source folder
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "build", "out", "tests", "*.egg-info"))
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", tmp_path, source], check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        installed = set(wheel.namelist())
    expected = {
        f"{package}/{path.relative_to(folder).as_posix()}"
        for package, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES
    }
    assert len(expected) > 40
    assert expected - installed == set()
