"""The observations that the figures show, and the steps of the object count on the picture of one of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mars_aurora import readers
from mars_aurora.classify.count import Stages, run_stages
from mars_aurora.classify.stages import draw_stages
from mars_aurora.cleaning.cleaning import clean
from mars_aurora.geometry import canvas as canvases
from mars_aurora.observation import Observation
from mars_aurora.picture import heatmap
from mars_aurora.picture.picture import Picture
from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.world import World

NIGHT = World(no_aurora_fraction=0.0, swaths_per_set=(1,), slit_cut_fraction=0.0, truncated_fraction=0.0)
SEED = 9
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Shown:
    """What the figures show: a swath that reaches the night, one of the day, and the steps of the first."""

    night: Observation
    day: Observation
    picture: Picture
    stages: Stages
    drawn: dict[str, Pixels]


def prepare() -> Shown:
    """Simulate and process what the figures show."""
    night = _find(lambda sza_deg: 0.3 < np.mean(sza_deg > 100) < 0.7)
    day = _find(lambda sza_deg: np.mean(sza_deg < 85) > 0.9)
    cleaned = clean(night)
    picture = heatmap.draw(cleaned, canvases.fit(cleaned))
    drawn = {
        name: np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)
        for name, data in draw_stages(picture).items()
    }
    return Shown(night, day, picture, run_stages(picture), drawn)


def _find(is_wanted: Callable[[Any], bool]) -> Observation:
    """Read the first simulated file whose solar zenith angles on the disk are as wanted."""
    for index in range(200):
        simulated = observe(NIGHT, SEED, index)
        geometry = simulated.swath.geometry
        if geometry.on_disk.mean() > 0.3 and is_wanted(geometry.sza_deg[:, 0][geometry.on_disk]):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / simulated.plain_name
                path.write_bytes(simulated.to_fits())
                return readers.read(path, simulated.name)
    raise ValueError("no file of 200 is as wanted")
