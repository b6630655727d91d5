"""Areas, unions and trimming of footprints on the sphere, including the poles and 0/360."""

import numpy as np
import pytest
from square_footprints import CENTERS, make_grid

from mars_aurora import sphere
from mars_aurora.geometry import footprint
from mars_aurora.geometry.plane import Plane
from mars_aurora.sphere import MARS_RADIUS_KM


@pytest.mark.parametrize(("lat", "lon"), CENTERS)
@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_union_counts_overlap_once(lat, lon, overlap):
    plane = Plane(lat, lon)
    outline = footprint.unite(*make_grid(plane, 8, 50.0, overlap), plane)
    assert outline.area == pytest.approx((50 * (8 + overlap)) ** 2, rel=0.002)


def test_footprint_area_is_that_on_the_sphere():
    areas_km2 = footprint.pixel_areas_km2(np.array([[59.5, 59.5, 60.5, 60.5]]), np.array([[359.5, 0.5, 0.5, 359.5]]))
    exact = np.radians(1) * (np.sin(np.radians(60.5)) - np.sin(np.radians(59.5))) * MARS_RADIUS_KM**2
    assert areas_km2[0] == pytest.approx(exact, rel=1e-3)


def test_trimming_shortens_only_along_the_scan():
    plane = Plane(20.0, 40.0)
    corners = sphere.unit_vectors(*plane.unproject(np.array([[-30, 30, 30, -30]]), np.array([[-60, -60, 60, 60]])))
    center, ahead = (sphere.unit_vectors(*plane.unproject(np.array(0.0), np.array(y))) for y in (0.0, 40.0))
    trimmed = sphere.coordinates(footprint.trim(corners, (ahead - center)[None]))
    x, y = plane.project(*trimmed)
    assert np.ptp(x) == pytest.approx(60, rel=0.01)
    assert np.ptp(y) == pytest.approx(40, rel=0.01)
