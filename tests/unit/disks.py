"""Observations of a disk with given brightness and angles, without the rest of the geometry."""

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from mars_aurora.observation import Facts, Observation

SHAPE = (120, 150)
FACTS = Facts("swath.fits", "EMM/EMUS", "l2b", "2022-03-31T21:21:07.000")


def make_disk(**values: object) -> Observation:
    """Make an observation from arrays (nI, nS) or numbers by name; 0 where not given."""
    shapes = {"corner_latitude_deg": (*SHAPE, 4), "corner_longitude_deg": (*SHAPE, 4)}
    arrays = {
        field.name: np.array(np.broadcast_to(values.get(field.name, 0), shapes.get(field.name, SHAPE)), np.float32)
        for field in fields(Observation)
        if field.name != "facts"
    }
    return Observation(FACTS, **arrays)


def spread(first: float, last: float, axis: int) -> NDArray[np.float64]:
    """Values that increase evenly along an axis of the disk: 0 the scan, 1 the slit."""
    values = np.linspace(first, last, SHAPE[axis])
    return np.broadcast_to(values[:, None] if axis == 0 else values, SHAPE)


def make_checkerboard() -> NDArray[np.float64]:
    """Noise of standard deviation 1 whose mean over squares of pixels nearly vanishes."""
    rows, columns = np.indices(SHAPE)
    return np.where((rows + columns) % 2 == 0, 1.0, -1.0)


def select(rows: slice, columns: slice) -> NDArray[np.bool_]:
    """Select a rectangle of pixels."""
    selected = np.zeros(SHAPE, bool)
    selected[rows, columns] = True
    return selected
