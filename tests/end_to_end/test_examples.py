"""The Python examples of the README and of the docstrings run as they are written."""

import doctest
import re
import shutil
from pathlib import Path

import matplotlib as mpl
import pytest

import mars_aurora
from mars_aurora.local import api
from mars_aurora.local.cli import main

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture
def workplace(tmp_path: Path, night_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples name: a swath, and a run."""
    shutil.copy(night_file, tmp_path / "swath.fits.gz")
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    with pytest.raises(SystemExit) as ended:
        main(["run", "swath.fits.gz", "--out", "out/demo", "--run-id", "demo", "--workers", "1"])
    assert ended.value.code == 0
    yield tmp_path
    mpl.pyplot.close("all")


def test_example_of_the_readme(workplace: Path, capsys: pytest.CaptureFixture[str]):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102 -- the README's own example
    assert "mean_brightness_R" in capsys.readouterr().out
    assert len(names["auroras"]) >= 1
    assert (workplace / "swath.png").stat().st_size > 10_000
    run = names["run"]
    assert len(run.ledger) == len(run.catalogue["name"][:1]) == 1


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("module", [mars_aurora, api])
def test_examples_of_the_docstrings(module):
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    for test in finder.find(module):
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
    assert runner.tries >= 3
