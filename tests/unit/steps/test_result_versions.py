"""The output of each stage is that of its result version.

Where the output of a stage changes on purpose, raise its version in `RESULT_VERSIONS`, so that existing run folders are
made again as far as the change reaches, and write the new figures: ``python tests/unit/steps/test_result_versions.py``.
"""

import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from mars_aurora import readers
from mars_aurora.background.night import find_night
from mars_aurora.background.search import find_search
from mars_aurora.classify import count
from mars_aurora.cleaning.cleaning import clean
from mars_aurora.detect import yolo
from mars_aurora.detect.candidate import Drawn
from mars_aurora.geometry import canvas
from mars_aurora.measure.measure import measure
from mars_aurora.picture import heatmap
from mars_aurora.run.stamps import RESULT_VERSIONS
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

GOLDEN = Path(__file__).with_name("result_versions.json")
WORLD = World(n_slit=96, no_aurora_fraction=0.0, swaths_per_set=(1,), slit_cut_fraction=0.0, truncated_fraction=0.0)


def describe_stages() -> dict[str, dict[str, Any]]:
    """Return figures of the output of each stage for one simulated file with auroras."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.fits"
        path.write_bytes(observe(WORLD, 5, 4).to_fits())
        raw = readers.read(path, "x.fits")
    observation = clean(raw)
    fitted = canvas.fit(observation)
    picture = heatmap.draw(observation, fitted)
    found = yolo.detect(Drawn(picture, observation, fitted))
    auroras = measure(observation, fitted, found.boxes)
    figures: dict[str, Any] = {
        "read": {
            field.name: _summarize(getattr(raw, field.name))
            for field in fields(raw)
            if field.name not in {"facts", "time_utc"}
        },
        "clean": {
            name: _summarize(getattr(observation, name)) for name in ("brightness_R", "random_error_R", "removed_R")
        },
        "picture": {
            "levels": _summarize(picture.levels),
            "sza": _summarize(picture.sza_coefficients),
            "counts_per_R": picture.counts_per_R,
            "mars_box": list(canvas.box_disk(observation, fitted) or ()),
        },
        "night": asdict(find_night(observation, find_search(observation))),
        "classify": [asdict(item) for item in count.find(picture).objects],
        "detect": [asdict(box) for box in found.boxes],
        "measure": [
            {name: value for name, value in asdict(aurora).items() if isinstance(value, (int, float))}
            for aurora in auroras
        ],
    }
    return {stage: {"version": RESULT_VERSIONS[stage], "figures": figures[stage]} for stage in RESULT_VERSIONS}


def _summarize(values: Any) -> list[float]:
    """Return the number of known values, their mean and their standard deviation."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    return [float(known.size), float(known.mean()), float(known.std())] if known.size else [0.0]


def _flatten(value: Any, path: str = "") -> dict[str, Any]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        return {path: value}
    return {inner: leaf for key, item in items for inner, leaf in _flatten(item, f"{path}/{key}").items()}


@pytest.fixture(scope="module")
def stages() -> dict[str, dict[str, Any]]:
    return describe_stages()


@pytest.mark.parametrize("stage", RESULT_VERSIONS)
def test_output_of_a_stage_is_that_of_its_result_version(stages, stage):
    golden = json.loads(GOLDEN.read_text())[stage]
    assert golden["version"] == RESULT_VERSIONS[stage], "write the figures of the new version"
    expected, given = _flatten(golden["figures"]), _flatten(stages[stage]["figures"])
    assert given.keys() == expected.keys()
    changed = {
        path: (given[path], value)
        for path, value in expected.items()
        if not (given[path] == value or _is_close(given[path], value))
    }
    assert not changed, f"raise the version of {stage} in RESULT_VERSIONS"


def _is_close(given: object, expected: object) -> bool:
    """Return whether two numbers differ by no more than other versions of numpy and other CPUs make them differ."""
    if not isinstance(given, float) or not isinstance(expected, float):
        return False
    return math.isclose(given, expected, rel_tol=1e-4, abs_tol=1e-4) or (math.isnan(given) and math.isnan(expected))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(describe_stages(), indent=1) + "\n")
