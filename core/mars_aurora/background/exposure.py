"""Exposure: where, when and how deep Mars was searched for auroras, as a sparse histogram of the searched pixels.

A cell is a bin of latitude, east longitude, local time, solar zenith angle (SZA) and depth. The depth of a pixel is its
detection limit. Coordinates are those where the lines of sight cross the emitting shell, as those of auroras are.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mars_aurora.background.search import Search
from mars_aurora.geometry.line_of_sight import cross_shell, spacecraft_km
from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation

Cells = NDArray[np.void]  # of dtype CELL

UNKNOWN = -128  # number of the bin of pixels whose quantity is not known
WIDTHS = {"lat": 5.0, "lon": 10.0, "local_time": 1.0, "sza": 5.0}  # of the bins: deg, deg, h, deg
_LAST = {"lat": 17, "lon": 35, "local_time": 23, "sza": 35, "depth": 127}  # number of the last bin
CELL = np.dtype([*((name, "i1") for name in _LAST), ("pixels", "<i8"), ("area_km2", "<f8")])
NOTHING: Cells = np.empty(0, CELL)
_JOINED_AT_ONCE = 100_000  # cells


def find(observation: Observation, search: Search) -> Cells:
    """Find the exposure of one observation; no cells where it has no searched pixel."""
    return bin_pixels(observation, search.pixels, search.area_km2, search.limit_R)


def bin_pixels(observation: Observation, searched: BoolArray, area_km2: Float64Array, limit_R: FloatArray) -> Cells:
    """Count the searched pixels of an observation, and add up their areas, in each cell.

    Parameters
    ----------
    observation : Observation
    searched : (nI, nS) bool
        Pixels on which auroras are searched for.
    area_km2 : (nI, nS) float64
        Area of each pixel, without what it shares with others.
    limit_R : (nI, nS) float32
        Detection limit of each pixel; not known where it is not a positive number.

    Returns
    -------
    (N,) ndarray of `CELL`
        The cells with pixels, in ascending order. The lower edge of bin n is n times its width in `WIDTHS`, of depth
        2**n R. The upper ends of latitude and SZA belong to the last bin; a bin that is not known is `UNKNOWN`.
    """
    position_km = spacecraft_km(observation)[np.nonzero(searched)[0]]
    surface = observation.latitude_deg[searched], observation.longitude_deg[searched]
    latitude, longitude = cross_shell(*surface, position_km, observation.emission.shell_km)
    local_time, sza, limit = (array[searched] for array in (observation.local_time_h, observation.sza_deg, limit_R))
    positions = {
        "lat": latitude / WIDTHS["lat"],
        "lon": longitude / WIDTHS["lon"],
        "local_time": local_time % 24 / WIDTHS["local_time"],
        "sza": sza / WIDTHS["sza"],
        "depth": np.log2(limit, out=np.full_like(limit, np.nan), where=limit > 0),
    }
    cells = np.empty(limit.size, CELL)
    for name, position in positions.items():
        number = np.minimum(np.floor(position), _LAST[name])
        cells[name] = np.where(np.isfinite(position), number, UNKNOWN)
    cells["pixels"], cells["area_km2"] = 1, area_km2[searched]
    return _add_up(cells)


def join(histograms: Iterable[Cells]) -> Cells:
    """Add up the cells of histograms, in any number: memory is needed for the distinct cells only."""
    joined, waiting, size = NOTHING, [], 0
    for cells in histograms:
        waiting.append(cells)
        size += cells.size
        if size > max(_JOINED_AT_ONCE, joined.size):
            joined, waiting, size = _add_up(np.concatenate([joined, *waiting])), [], 0
    return _add_up(np.concatenate([joined, *waiting]))


def _add_up(cells: Cells) -> Cells:
    """Add up the items of the same cell; in ascending order of the cells."""
    key = np.zeros(cells.size, np.int64)
    for name in _LAST:
        key = key * 256 + (cells[name].astype(np.int64) - UNKNOWN)
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    sums = cells[first]
    for name in ("pixels", "area_km2"):
        sums[name] = np.bincount(group, cells[name], first.size)
    return sums


def to_npy(cells: Cells) -> bytes:
    """Pack cells as npy; the same input yields the same bytes."""
    buffer = io.BytesIO()
    np.save(buffer, cells, allow_pickle=False)
    return buffer.getvalue()


def from_npy(data: bytes) -> Cells:
    """Unpack the bytes of `to_npy`; raises ValueError where they are not cells."""
    try:
        cells: Cells = np.load(io.BytesIO(data), allow_pickle=False)
    except EOFError as error:
        raise ValueError("not cells of an exposure: no data") from error
    if cells.dtype != CELL:
        raise ValueError(f"not cells of an exposure: {cells.dtype}")
    return cells
