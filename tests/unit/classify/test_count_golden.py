"""Golden values of the significance and of the count: each constant that was chosen for them matters in a scene.

Each constant is changed in turn, and the values must change.
"""

from typing import Any

import numpy as np
import pytest

from mars_aurora.background import native_pixels, significance
from mars_aurora.classify import count
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.observation import Float64Array
from mars_aurora.picture.heatmap import to_levels
from mars_aurora.picture.picture import UNOBSERVED, Picture

Y, X = np.mgrid[:480, :640]
SUN_LEFT = np.array([-0.3, -0.85, 0.05, 0, 0, 0, 0, 0, 0], np.float32)
SPOTS = ((300, 190, 9, 9.0), (400, 170, 14, 4.0), (430, 300, 6, 12.0), (330, 320, 20, 2.6), (440, 260, 18, 9.0))
POINTS = ([38, 35, 20, 63, 30, 68, 53, 10, 45], [40, 41, 65, 73, 65, 48, 75, 45, 60])


def make_scene(name: str) -> Picture:
    """Draw twilight, night and auroras in native pixels of 3 by 4 px, without random numbers."""
    row, column = Y // 4 * 4, X // 3 * 3
    texture = 1 + 0.5 * np.sin(2.3 * row + 1.7 * column) * np.cos(1.1 * row)
    level = (0.8 + 200 / (1 + np.exp((column - 250 + 0.3 * row) / 12))) * (1 + 0.2 * np.sin(row / 9))
    for x, y, width, peak in SPOTS:
        level = level + peak * np.exp(-((column - x) ** 2 + (row - y) ** 2) / width**2)
    levels = to_levels((level * texture).astype(np.float32), OXYGEN_1304)
    levels[np.hypot(X - 500, Y - 250) < 40] = UNOBSERVED
    if name == "plain":
        return Picture(levels, None)
    return Picture(levels, SUN_LEFT, counts_per_R={"few": 0.2, "many": 30.0}[name])


SCENES = ("few", "many", "plain")


def summarize() -> Float64Array:
    """Significance at some cells, and the features: (scenes, values)."""
    rows = []
    for name in SCENES:
        picture = make_scene(name)
        stages = count.run_stages(picture)
        values = significance.find_significance(picture, stages.levels, stages.mask)
        features = [(f.x, f.y, f.radius, f.area, f.contrast) for f in stages.found.objects[1:]]
        sums = np.sum(features, axis=0) if features else np.zeros(5)
        rows.append([*values[POINTS], np.abs(values).mean(), stages.gray.mean(), len(features), *sums])
    return np.array(rows, np.float64)


GOLDEN = np.array(
    [
        [2.1873, 4.7149, 0.15006, 7.5563, 2.4675, 1.7752, 7.1595, -0.1777, -0.049831, 0.13129,
         2.2818, 3, 1177.7, 757.13, 42.921, 1947, 504],
        [12.176, 26.251, 0.83504, 42.325, 13.831, 9.9355, 40.077, -0.99166, -0.27718, 0.73957,
         9.7298, 4, 1476.5, 961.57, 108.19, 6921, 1011],
        [5.8201, 16.006, 0.94934, 30.584, 9.0489, 6.066, 22.705, -0.72087, 0.17317, 0.75417,
         10.391, 6, 2152.1, 1322.7, 124.51, 5966, 1317],
    ]
)  # fmt: skip


def test_significance_and_features_have_their_golden_values():
    np.testing.assert_allclose(summarize(), GOLDEN, rtol=2e-4, atol=2e-5)


CHANGES: list[tuple[Any, str, Any]] = [
    (count, "GRAY_PER_SIGMA", 25.3),
    (count, "BLOCK_PX", 181),
    (count, "CONTRAST", 49),
    (count, "EDGE_KERNEL_PX", 5),
    (count, "MIN_PEAK", 150),
    (significance, "SMOOTHING_PX", 3.1),
    (significance, "LAG_PX", 6),
    (significance, "MIN_SZA_DEG", 102.0),
    (significance, "FEW_COUNTS", 3.1),
    (significance, "STRUCTURE", 0.081),
    (significance, "SPREAD", 0.41),
    (significance, "SPREAD_AREA_PX", 13.3),
    (significance, "FAINTEST", 0.11),
    (significance, "UNKNOWN_SZA_DEG", 120.0),
    (significance, "SZA_STEP_DEG", 4.2),
    (significance, "BROAD_CELLS", 4.2),
    (native_pixels, "FLOOR_LEVEL", 40),
    (native_pixels, "AREA_FACTOR", 1.15),
]


@pytest.mark.parametrize(("module", "name", "value"), CHANGES, ids=[name for _, name, _ in CHANGES])
def test_each_constant_changes_the_values(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, value: Any):
    monkeypatch.setattr(module, name, value)
    assert not np.allclose(summarize(), GOLDEN, rtol=2e-4, atol=2e-5)
