"""Where lines of sight cross a shell above the surface."""

import numpy as np
import pytest

from mars_aurora.geometry.line_of_sight import cross_shell
from mars_aurora.sphere import MARS_RADIUS_KM


def test_shell_is_crossed_nearer_to_the_spacecraft_by_the_emission_angle():
    spacecraft = np.array([[MARS_RADIUS_KM + 30_000, 0.0, 0.0]])
    lat, lon = cross_shell(np.array([0.0, 0.0]), np.array([0.0, 50.0]), np.repeat(spacecraft, 2, 0), 130.0)
    assert lat == pytest.approx(0)
    assert lon[0] == pytest.approx(0)
    emission = np.radians(50) + np.arctan2(np.sin(np.radians(50)), 1 + 30_000 / MARS_RADIUS_KM - np.cos(np.radians(50)))
    assert np.radians(50 - lon[1]) * MARS_RADIUS_KM == pytest.approx(130 * np.tan(emission), rel=0.1)
