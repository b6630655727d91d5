"""The exposure of a run as a FITS table, one row for each cell, see `mars_aurora.background.exposure`."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from mars_aurora.background.exposure import UNKNOWN, WIDTHS, Cells
from mars_aurora.run.provenance import Provenance

if TYPE_CHECKING:
    from astropy.table import QTable

_PROVENANCE = "PROVENAN"  # header keyword with the provenance as JSON: names of keywords have at most 8 letters
_FORMATS = {"f4": "E", "f8": "D", "i8": "K"}  # of FITS
_EDGES = {  # column: bin, unit, meaning
    "lat_min_deg": ("lat", "deg", "lower edge of latitude, where lines of sight cross the emitting shell; "),
    "lon_min_deg": ("lon", "deg", "lower edge of east longitude, as latitude; "),
    "local_time_min_h": ("local_time", "h", "lower edge of local time; "),
    "sza_min_deg": ("sza", "deg", "lower edge of solar zenith angle; "),
}
EXPOSURE_COLUMNS = {  # column: unit and description
    **{name: (unit, f"{meaning}{WIDTHS[of]:g} {unit} wide") for name, (of, unit, meaning) in _EDGES.items()},
    "depth_min_R": ("R", "lower edge of the detection limit; the upper one is twice that"),
    "pixels": ("", "searched pixels"),
    "area_km2": ("km2", "searched area on the sphere of 3396.19 km, overlap of successive footprints counted once"),
}
DESCRIPTION = (
    "How much of Mars was searched for auroras, in all inputs, with or without auroras. Edges are NaN where a quantity "
    "is not known."
)


def to_fits(cells: Cells, provenance: Provenance) -> bytes:
    """Write the cells as a FITS table with units, descriptions and the provenance; NaN for edges that are not known.

    The descriptions are in TCOMMn, as TOPCAT reads and writes them.
    """
    from astropy.io import fits  # noqa: PLC0415 -- other formats do not need it

    values = {name: _edges(cells, of) * np.float32(WIDTHS[of]) for name, (of, _, _) in _EDGES.items()}
    values |= {"depth_min_R": np.exp2(_edges(cells, "depth")), "pixels": cells["pixels"], "area_km2": cells["area_km2"]}
    columns = [
        fits.Column(name, _FORMATS[values[name].dtype.str[1:]], unit or None, array=values[name])
        for name, (unit, _) in EXPOSURE_COLUMNS.items()
    ]
    table = fits.BinTableHDU(name="EXPOSURE")
    table.data = fits.FITS_rec.from_columns(fits.ColDefs(columns))  # `BinTableHDU.from_columns` imports astropy.table
    for number, (_, description) in enumerate(EXPOSURE_COLUMNS.values(), 1):
        table.header[f"TCOMM{number}"] = description
    table.header[_PROVENANCE] = provenance.to_json()
    stream = io.BytesIO()
    table.writeto(stream)
    return stream.getvalue()


def _edges(cells: Cells, of: str) -> Any:  # noqa: ANN401 -- numpy does not know the types of fields
    number = cells[of].astype(np.float32)
    return np.where(number == UNKNOWN, np.float32(np.nan), number)


def from_fits(data: bytes) -> QTable:
    """Read the table that `to_fits` wrote; ``meta`` has the provenance."""
    from astropy.table import QTable  # noqa: PLC0415 -- takes a tenth of a second, which writing does not need

    table = QTable.read(io.BytesIO(data), format="fits", mask_invalid=False)
    for number, name in enumerate(table.colnames, 1):
        table[name].info.description = table.meta.get(f"TCOMM{number}")
    table.meta = {"description": DESCRIPTION} | json.loads(table.meta[_PROVENANCE])
    return table
