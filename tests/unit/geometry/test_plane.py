"""The equal-area plane, including the poles and 0/360."""

import numpy as np
import pytest
from square_footprints import CENTERS

from mars_aurora.geometry.plane import Plane


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
def test_unprojected_points_are_projected_back(lat, lon):
    plane = Plane(lat, lon)
    coordinates = plane.unproject(np.array([300.0, -900.0]), np.array([-700.0, 50.0]))
    assert np.allclose(plane.project(*coordinates), [[300, -900], [-700, 50]])
    assert ((coordinates[1] >= 0) & (coordinates[1] <= 360)).all()
