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
        [68.793, 338.37, 5.515, 353.6, 38.41, 2.4292, 157.91, 157.91],
        [-0.032768, -0.13964, -0.20328, -0.33491, -0.13808, 0, -0.0032273, 0.14461],
        [0.82824, 1.8693, 0.65735, 9.2551, 0.78052, 0.84026, 4.3307, 4.3307],
        [-0.035435, -0.059881, -0.040445, -0.41005, 1.533, 0, 0.072555, 0.13667],
        [0.64018, 32.96, 0.51454, 176.27, 1.0835, 0.032496, 14.144, 14.144],
        [-0.037443, -0.11044, -0.028639, -0.28449, 1.5466, 0, 0.11619, 0.19922],
        [1.8283, 50.119, 0.68419, 344.31, 1.1519, 0.8261, 78.758, 78.758],
        [0, 0, -0.050877, -0.32076, 1.573, 0, 0.066922, 0.11064],
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
    (pictured, "ROUNDS", 3),
    (binned, "MIN_BIN_PIXELS", 150),
]


@pytest.mark.parametrize(("module", "name", "value"), CHANGES, ids=[name for _, name, _ in CHANGES])
def test_every_constant_changes_the_values(module: Any, name: str, value: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, name, value)
    assert not np.allclose(summarize(), GOLDEN, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("change", [{"visible_R": 2.2}, {"visible_fraction": 0.6}, {"night_R": 0.5}])
def test_every_scale_of_the_emission_changes_the_values(change: dict[str, float]):
    assert not np.allclose(summarize(replace(OXYGEN_1304, **change)), GOLDEN, rtol=2e-4, atol=2e-5)
