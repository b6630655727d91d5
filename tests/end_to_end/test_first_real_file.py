"""The checklist for the first real file runs on a simulated one, and names parts of the code that exist."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "first-real-file.md").read_text()
CORE = ROOT / "core" / "mars_aurora"


@pytest.fixture(scope="module")
def swath():
    """A file with an aurora, and with much of the night beyond SZA 120."""
    world = World(no_aurora_fraction=0.0, swaths_per_set=(1,), modes=(("os2", 1.0, (110, 140)),), slit_cut_fraction=0.0)
    for index in range(30):
        candidate = observe(world, 6, index)
        dark = candidate.swath.geometry.on_disk & (candidate.swath.geometry.sza_deg[:, 0] > 120)
        seen = [aurora["seen"] for aurora in candidate.truth["auroras"]]
        peak_R = max((one["peak_R"] for one in seen if one.get("sza_deg", 0) > 120), default=0)  # not in twilight
        if dark.sum() > 4000 and peak_R > 15:
            return candidate
    raise AssertionError("none of 30 simulated swaths has a bright aurora in a dark night")


@pytest.fixture(scope="module")
def file(swath, tmp_path_factory):
    path = tmp_path_factory.mktemp("real") / swath.name
    path.write_bytes(swath.to_gzip())
    return path


@pytest.fixture(scope="module")
def results(file):
    names = {"FILE": str(file)}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(code, names)  # noqa: S102 -- the page's own examples
    return names


def test_the_examples_settle_what_is_known_of_a_simulated_file(results, swath):
    assert results["center"] == 0
    assert any(name.startswith("O I 130.4") for name in results["emissions"])
    assert results["emiss"]["RADIANCE"].shape[1:] == results["observation"].shape[::-1]
    assert results["off_slit"].tolist() == swath.swath.off_slit.tolist()
    assert results["altitude"][results["disk"]].max() <= 1
    assert np.median(results["steps"]) == pytest.approx(swath.world.cadence_s)
    assert np.median(results["overlaps"](results["observation"])) > 0.3
    assert results["auroras"].meta["outcome"] == "aurora"


def test_the_parts_of_the_code_that_the_page_names_exist():
    paths = set(re.findall(r"`((?:\w+/)+\w*(?:\.py)?)`", PAGE)) | set(re.findall(r"`(\w+\.py)`", PAGE))
    assert len(paths) > 10
    assert [path for path in paths if not ((CORE / path).exists() or (ROOT / path).exists())] == []
    named = re.findall(r"`([\w.]+)`(?: in|,| of) `((?:\w+/)*\w+\.py)`", PAGE)
    assert len(named) > 5
    for name, path in named:
        source = (CORE / path if (CORE / path).exists() else ROOT / path).read_text()
        assert all(part in source for part in name.split(".")), f"{name} is not in {path}"


def test_the_first_command_shows_that_the_file_is_used(file):
    command = Path(sys.executable).with_name("mars-aurora")
    shown = subprocess.run([command, "inspect", file, "--json"], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    (found,) = json.loads(shown.stdout)
    assert found["outcome"] == "candidate"
    assert found["night"]["pixels"] > 4000
