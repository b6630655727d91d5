"""Small synthetic IUVS files, unchanged or with some part changed."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from mars_aurora_model.simulator.simulate import observe
from mars_aurora_model.simulator.swath import Swath
from mars_aurora_model.simulator.world import World
from mars_aurora_model.simulator.writers import iuvs
from mars_aurora_model.simulator.writers.emissions import EMISSIONS, OXYGEN_1304, OXYGEN_1356

WORLD = World(
    n_slit=10,
    max_integrations=60,
    scan_step_deg=(0.25, 0.3),
    swaths_per_set=(1,),
    modes=(("os2", 1.0, (70, 90)),),
    slit_cut_fraction=0.0,
    truncated_fraction=0.0,
    flagged_fraction=0.02,
    no_aurora_fraction=0.0,
)
OXYGEN = tuple(emission for emission in EMISSIONS if emission.name in {OXYGEN_1304, OXYGEN_1356})
_CODES = {"f8": "D", "f4": "E", "i2": "I", "i4": "J"}

Change = Callable[[fits.HDUList], object]


@cache
def make_swath() -> Swath:
    """Day, night and space beside the disk, with an aurora and flagged pixels."""
    return observe(WORLD, 2, 0).swath


@cache
def make_content() -> bytes:
    """The file of the swath, with noise."""
    return iuvs.write(make_swath(), WORLD, np.random.default_rng(6))


def write_changed(path: Path, change: Change) -> Path:
    """Write the file after a change of its HDUs."""
    with fits.open(io.BytesIO(make_content())) as hdus:
        change(hdus)
        hdus.writeto(path, output_verify="silentfix")
    return path


def change_column(hdus: fits.HDUList, table: str, column: str, values: NDArray | None) -> None:
    """Replace the values of a column, with their shape and type; None removes the column."""
    columns = list(hdus[table].columns)
    place = [one.name for one in columns].index(column)
    columns[place : place + 1] = [] if values is None else [_make_column(column, values)]
    rows = len(hdus[table].data) if values is None else len(values)
    hdus[table] = fits.BinTableHDU.from_columns(columns, name=table, nrows=rows)


def _make_column(name: str, values: NDArray) -> fits.Column:
    size = int(np.prod(values.shape[1:]))
    dim = f"({','.join(map(str, values.shape[:0:-1]))})" if values.ndim > 2 else None
    return fits.Column(name, f"{size}{_CODES[values.dtype.str[1:]]}", dim=dim, array=values)
