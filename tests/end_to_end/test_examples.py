"""The Python examples of the README, of the documentation and of the docstrings run as they are written."""

import doctest
import re
import shutil
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import mars_aurora
from mars_aurora.local import api
from mars_aurora.local.cli import main
from mars_aurora_model.simulator.simulate import Simulated

ROOT = Path(__file__).parents[2]


@pytest.fixture
def workplace(tmp_path: Path, night_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples name: a swath, and a run."""
    shutil.copy(night_file, tmp_path / "swath.fits.gz")
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    _run("swath.fits.gz")
    yield tmp_path
    plt.close("all")


def _run(name: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", name, "--out", "out/demo", "--run-id", "demo", "--workers", "1"])
    assert ended.value.code == 0


def _run_example(page: str) -> dict[str, Any]:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 -- an example of the documentation
    return names


def test_example_of_the_readme(workplace: Path, capsys: pytest.CaptureFixture[str]):
    names = _run_example("README.md")
    assert "mean_brightness_R" in capsys.readouterr().out
    assert len(names["auroras"]) >= 1
    assert (workplace / "swath.png").stat().st_size > 10_000
    run = names["run"]
    assert len(run.ledger) == len(run.catalogue["name"][:1]) == 1


def test_example_of_occurrence_rates(tmp_path: Path, broad_aurora: Simulated, monkeypatch, capsys):
    (tmp_path / broad_aurora.name).write_bytes(broad_aurora.to_gzip())
    monkeypatch.chdir(tmp_path)
    _run(broad_aurora.name)
    capsys.readouterr()
    names = _run_example("docs/occurrence.md")
    aurora_km2, searched_km2, bright, deep = (names[name] for name in ("aurora_km2", "searched_km2", "bright", "deep"))
    assert len(bright) >= 1
    assert aurora_km2.sum() == pytest.approx(bright["area_km2"].value.sum(), rel=0.02)
    assert searched_km2.sum() == pytest.approx(deep["area_km2"].value.sum())
    whole = names["looks"] > 0.5
    assert 0 < names["rate"][whole].mean() < 0.5
    assert (np.abs(names["rate"] - names["center"])[whole] <= names["half"][whole] + 1e-9).all()
    assert (names["looks"][whole] < 1.3).all(), "one swath searches a cell once"
    assert len(capsys.readouterr().out.splitlines()) == whole.sum()


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("module", [mars_aurora, api])
def test_examples_of_the_docstrings(module):
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    for test in finder.find(module):
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
    assert runner.tries >= 3
