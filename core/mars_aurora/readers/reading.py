"""Reading a file: opened, recognised, handed to its reader.

The product is recognised by its HDUs; a file's name adds facts and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Observation
from mars_aurora.readers import emus, iuvs
from mars_aurora.readers.fitsfile import FitsFile
from mars_aurora.readers.gate import Limits, unpack

_DEFAULT_LIMITS = Limits()


def read(path: Path, name: str, limits: Limits = _DEFAULT_LIMITS) -> Observation:
    """Read one FITS file, plain or gzipped; ``name`` is what the ledger calls it.

    Raises InputError, and for a damaged file nothing else.
    """
    with unpack(path, name, limits) as unpacked:
        return _read_product(FitsFile(unpacked, name))


def _read_product(fits: FitsFile) -> Observation:
    if emus.HDUS.intersection(fits.hdu_names):
        return emus.read(fits)
    if iuvs.HDUS.intersection(fits.hdu_names):
        return iuvs.read(fits)
    there = ", ".join(filter(None, fits.hdu_names))
    detail = f"it is sound FITS, but neither EMUS L2A/L2B nor IUVS L1b; its HDUs are: {there}"
    raise InputError(Reason.UNKNOWN_PRODUCT, fits.name, detail[:300])


@dataclass(frozen=True)
class HduSummary:
    """One HDU: its name, its shape ((rows,) for a table) and its columns (none for an image)."""

    name: str
    shape: tuple[int, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """What is in a file, and whether it can be used: an observation, or the error that says why not."""

    name: str
    packed_bytes: int | None
    unpacked_bytes: int | None
    hdus: tuple[HduSummary, ...]
    observation: Observation | None
    error: InputError | None

    @property
    def usable(self) -> bool:
        return self.error is None


def inspect(path: Path, name: str, limits: Limits = _DEFAULT_LIMITS) -> Inspection:
    """Tell what is in a file and whether `read` takes it. Raises no InputError."""
    packed_bytes = unpacked_bytes = None
    hdus: tuple[HduSummary, ...] = ()
    try:
        with unpack(path, name, limits) as unpacked:
            fits = FitsFile(unpacked, name)
            packed_bytes, unpacked_bytes = unpacked.packed_bytes, unpacked.unpacked_bytes
            hdus = tuple(HduSummary(hdu, fits.shape(hdu), fits.columns(hdu)) for hdu in fits.hdu_names if hdu)
            return Inspection(name, packed_bytes, unpacked_bytes, hdus, _read_product(fits), None)
    except InputError as error:
        return Inspection(name, packed_bytes, unpacked_bytes, hdus, None, error)
