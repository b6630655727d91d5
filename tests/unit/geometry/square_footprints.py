"""Points and footprints at which the geometry is tested."""

import numpy as np

from mars_aurora.geometry.plane import Plane

CENTERS = [(0.0, 10.0), (-45.0, 359.9), (60.0, 0.1), (89.0, 200.0), (-90.0, 0.0)]  # latitude, east longitude in deg


def make_grid(plane: Plane, cells: int, side_km: float, overlap: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Make the corners (N, 4) of square footprints that tile a square round the center of the plane."""
    x, y = np.meshgrid(*[(np.arange(cells) - (cells - 1) / 2) * side_km] * 2)
    half = side_km * (1 + overlap) / 2
    corners_x = x.reshape(-1, 1) + half * np.array([-1, 1, 1, -1])
    corners_y = y.reshape(-1, 1) + half * np.array([-1, -1, 1, 1])
    return plane.unproject(corners_x, corners_y)
