"""Golden values of the background and the contrast of a picture, on which the weights of the network depend.

The scenes are such that every constant matters: each is changed in turn, and the values must change.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mars_aurora.background import binned, pictured
from mars_aurora.emission import OXYGEN_1304, Emission
from mars_aurora.observation import FloatArray

SIDE = 256
SCENES = ("twilight", "night", "dark limb", "partly observed")


def make_scene(name: str) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Brightness, observed fraction, SZA and distance from the center of the disk, without random numbers."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) / (SIDE / 2 - 8) - 1.06
    radius = np.hypot(x, y)
    sza = {"twilight": 90 + 25 * x, "night": 135 + 40 * x}.get(name, 115 + 45 * x).astype(np.float32)
    texture = 1 + 0.3 * np.sin(40 * x + 7 * y) * np.cos(31 * y)
    limb = 1 + (-0.93 if name == "dark limb" else 0.4) * np.clip(radius, 0, 1) ** 4
    brightness = (0.6 + 300 * np.exp(-np.clip(sza - 80, 0, None) / 6)) * limb * texture
    brightness += 25 * np.exp(-((x - 0.2) ** 2 + (y - 0.3) ** 2) / 0.01)  # an aurora
    observed = np.where(np.abs(y) < (0.35 if name == "partly observed" else 2.0), 1.0, 0.0).astype(np.float32)
    if name == "partly observed":
        observed[:, ::3] = 0
    observed[radius > 1.18] = 0
    return (brightness * observed).astype(np.float32), observed, sza, radius


def summarize(emission: Emission = OXYGEN_1304) -> np.ndarray:
    """Background and contrast at some points of each scene, and their means: (scenes, values)."""
    rows = []
    for name in SCENES:
        scene = make_scene(name)
        for values in (pictured.fit(*scene, emission), pictured.find_contrast(*scene, emission)):
            points = values[[20, 64, 100, 128, 150, 200], [128, 64, 200, 30, 140, 240]]
            rows.append([*points, values.mean(), np.abs(values).mean()])
    return np.array(rows)


GOLDEN = np.array(
    [
        [68.858, 338.24, 5.5104, 353.33, 38.289, 2.4333, 157.98, 157.98],
        [-0.034609, -0.13893, -0.20176, -0.33365, -0.13218, 0, -0.0031047, 0.14459],
        [0.84882, 1.8656, 0.64993, 9.18, 0.77151, 0.83873, 4.3332, 4.3332],
        [-0.045722, -0.058044, -0.036738, -0.39704, 1.5376, 0, 0.072777, 0.13566],
        [0.62885, 33.036, 0.51048, 176.5, 1.1067, 0.034934, 14.416, 14.416],
        [-0.031779, -0.11483, -0.026609, -0.28669, 1.535, 0, 0.09152, 0.17436],
        [1.8939, 51.556, 0.6743, 344.18, 1.149, 0.82855, 78.92, 78.92],
        [0, 0, -0.045936, -0.32017, 1.5745, 0, 0.066966, 0.11056],
    ]
)


def test_background_and_contrast_have_their_golden_values():
    np.testing.assert_allclose(summarize(), GOLDEN, rtol=2e-4, atol=2e-5)


CHANGES: list[tuple[Any, str, Any]] = [
    (pictured, "COARSE", 5),
    (pictured, "SMOOTH_PX", 5),
    (pictured, "MIN_OBSERVED", 0.7),
    (pictured, "FINE_PX", 9),
    (pictured, "MAX_DISK_RADII", 1.05),
    (pictured, "SZA_BIN_DEG", 2.0),
    (pictured, "SLANT_BIN_DEG", 7.0),
    (pictured, "SLANT_RANGE", (0.5, 2.0)),
    (pictured, "DARK_SZA_DEG", 110.0),
    (pictured, "DAY_SZA_DEG", 85.0),
    (pictured, "ROUNDS", 2),
    (binned, "MIN_BIN_PIXELS", 150),
]


@pytest.mark.parametrize(("module", "name", "value"), CHANGES, ids=[name for _, name, _ in CHANGES])
def test_every_constant_changes_the_values(module: Any, name: str, value: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, name, value)
    assert not np.allclose(summarize(), GOLDEN, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("change", [{"visible_R": 2.2}, {"visible_fraction": 0.6}, {"night_R": 0.5}])
def test_every_scale_of_the_emission_changes_the_values(change: dict[str, float]):
    assert not np.allclose(summarize(replace(OXYGEN_1304, **change)), GOLDEN, rtol=2e-4, atol=2e-5)
