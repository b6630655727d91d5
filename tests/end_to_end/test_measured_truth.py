"""Stated errors of measured auroras agree with the differences from the simulated truth.

`python -m bench.measuring` prints the same for 300 auroras and more kinds of them; the limits here are wider by twice
the sampling error of fewer.
"""

import numpy as np
import pytest

from bench.measuring import MAX_MEDIAN, WIDTHS, Task, collect, counted, find_pulls, summarize

AURORAS = 60
MEDIAN_ERROR, WIDTH_ERROR = 1.25 / np.sqrt(AURORAS), 1.25 / np.sqrt(2 * AURORAS)  # of a sample of Gaussian pulls
QUANTITIES = ("area", "mean", "peak", "integrated", "background", "centroid east", "centroid north")


@pytest.fixture(scope="module")
def pulls() -> dict[str, tuple[float, float]]:
    given, _, _ = collect(AURORAS, Task(9002, detect=False), processes=1)
    return {quantity: summarize(pulls) for quantity, (pulls, _) in find_pulls(counted(given)).items()}


@pytest.mark.slow
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_pulls_have_median_0_and_width_1(quantity: str, pulls: dict[str, tuple[float, float]]):
    assert pulls.keys() == set(QUANTITIES)
    median, width = pulls[quantity]
    assert abs(median) < MAX_MEDIAN + 2 * MEDIAN_ERROR
    assert WIDTHS[0] - 2 * WIDTH_ERROR < width < WIDTHS[1] + 2 * WIDTH_ERROR
