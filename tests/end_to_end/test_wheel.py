"""The sdist and the wheel contain all modules and data files, and the base runs where nothing else is installed."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import release

ROOT = release.ROOT
PACKAGES = {"mars_aurora": "core", "mars_aurora_model": "model"}
SUFFIXES = {".py", ".onnx", ".j2", ".toml", ".typed", ".json", ".yaml"}
LARGEST_BASE_MB = 420


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    return release.build(tmp_path_factory.mktemp("release"))


def test_sdist_and_wheel_contain_all_modules_and_data_files(built):
    sdist, wheel = built
    expected = {
        path.relative_to(ROOT / folder).as_posix(): folder
        for package, folder in PACKAGES.items()
        for path in (ROOT / folder / package).rglob("*")
        if path.suffix in SUFFIXES
    }
    assert len(expected) > 40
    with zipfile.ZipFile(wheel) as archive:
        assert expected.keys() - set(archive.namelist()) == set()
    assert {f"{folder}/{name}" for name, folder in expected.items()} - release.list_files(sdist) == set()


def test_metadata_has_what_the_package_index_shows(built):
    with zipfile.ZipFile(built[1]) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    for line in ("Project-URL: Source, ", "Classifier: ", "Keywords: ", "License-Expression: Apache-2.0"):
        assert f"\n{line}" in metadata
    assert "Description-Content-Type: text/markdown" in metadata
    links = re.findall(r"\]\(([^)]+)\)", metadata)
    assert [link for link in links if not link.startswith("https://")] == []
    targets = [re.sub(r"^https://github.com/[^/]+/[^/]+/(blob|raw)/main/", "", link) for link in links]
    assert [target for target in targets if not (ROOT / target.partition("#")[0]).exists()] == []
    assert "docs/example.png" in targets


@pytest.mark.slow
def test_base_runs_in_a_fresh_environment(built, tmp_path):
    python = release.install(built[1], "", sys.executable, tmp_path / "environment")
    assert release.package.size_bytes(tmp_path / "environment") < LARGEST_BASE_MB * 1e6
    outcomes, products = release.try_out(python, tmp_path, count=2)
    assert outcomes.total() == 2
    assert not outcomes["failed"]
    assert {"ledger.csv", "catalogue.csv", "report.html", "run.json"} <= products
    plot = [python.with_name("mars-aurora"), "plot", tmp_path / "out" / "runs" / "r"]
    done = subprocess.run(plot, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "mars-aurora: this command needs matplotlib: pip install 'mars-aurora[plots]'\n"
