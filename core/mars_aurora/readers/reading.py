"""Read or inspect a file: unpack it, find its reader by its HDUs, and call that reader.

To support an instrument, write a module with the attributes of `Reader` and add it to `_READERS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from mars_aurora.emission import OXYGEN_1304, Emission
from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Observation
from mars_aurora.readers import emus, iuvs
from mars_aurora.readers.cards import text
from mars_aurora.readers.fitsfile import FitsFile
from mars_aurora.readers.gate import unpack
from mars_aurora.readers.limits import Limits

_ORIGIN = ("MISSION", "INSTRUME", "TELESCOP")
_NAME = re.compile(r"(?!(?:nan|none|null|unknown|undefined|tbd)$).*[a-z]{3}", re.IGNORECASE | re.DOTALL)
_FPACKED_PRIMARY = frozenset({"", "COMPRESSED_IMAGE"})  # names that fpack gives to the primary HDU
_DEFAULT_LIMITS = Limits()


class Reader(Protocol):
    """A module that reads the files of one instrument.

    Attributes
    ----------
    SUPPORTED : str
        Instrument and levels, for messages.
    HDUS : frozenset of str
        Names in capitals; a file with any of these HDUs is passed to this reader. The file name is not used.
    MISSION, INSTRUMENT : pattern
        Found in the cards MISSION and INSTRUME of its files, as far as they have them; TELESCOP matches either.
    """

    SUPPORTED: str
    HDUS: frozenset[str]
    MISSION: re.Pattern[str]
    INSTRUMENT: re.Pattern[str]

    def read(self, fits: FitsFile, emission: Emission) -> Observation:
        """Read one swath in one emission; raises InputError."""


_READERS: tuple[Reader, ...] = (emus, iuvs)


def read(path: Path, name: str, emission: Emission = OXYGEN_1304, limits: Limits = _DEFAULT_LIMITS) -> Observation:
    """Read one swath from a FITS file, plain or gzipped.

    Parameters
    ----------
    path : Path
    name : str
        Name of the input, as in the ledger and in error messages; a mission's file name also provides facts.
    emission : Emission
        Emission whose brightness is read.
    limits : Limits
        Limits of size and CPU time.

    Raises
    ------
    InputError
        If the file is damaged or unsuitable; damaged content raises no other error.
    TransientError
        If the temporary folder is full.
    """
    with unpack(path, name, limits) as unpacked:
        return _read(FitsFile(unpacked, name), emission)


def _read(fits: FitsFile, emission: Emission) -> Observation:
    if fits.fpacked_hdus & _FPACKED_PRIMARY.union(*(reader.HDUS for reader in _READERS)):
        detail = "the file is packed with fpack: unpack it with funpack"
        raise InputError(Reason.UNKNOWN_PRODUCT, fits.name, detail)
    for reader in _READERS:
        if reader.HDUS.intersection(fits.hdu_names) and _is_of_instrument(fits, reader):
            return _with_notes(reader.read(fits, emission), fits.notes)
    supported = ", ".join(reader.SUPPORTED for reader in _READERS)
    found = ", ".join(filter(None, fits.hdu_names))
    origin = ", ".join(f"{key} {value}" for key in _ORIGIN if (value := text(fits.header_value(key))))
    detail = (
        f"the file is valid FITS of an unsupported kind (supported: {supported}); "
        f"{f'its header names {origin}; ' if origin else ''}its HDUs: {found}"
    )
    raise InputError(Reason.UNKNOWN_PRODUCT, fits.name, detail[:300])


def _is_of_instrument(fits: FitsFile, reader: Reader) -> bool:
    """Return whether the header names no other mission or instrument: several use the same names of HDUs."""
    patterns = ((reader.MISSION,), (reader.INSTRUMENT,), (reader.MISSION, reader.INSTRUMENT))
    stated = [(text(fits.header_value(key)) or "", allowed) for key, allowed in zip(_ORIGIN, patterns, strict=True)]
    return all(not _NAME.match(value) or any(pattern.search(value) for pattern in allowed) for value, allowed in stated)


def _with_notes(observation: Observation, notes: set[str]) -> Observation:
    """Return an observation with the notes of its file in its facts."""
    facts = observation.facts
    return replace(observation, facts=replace(facts, notes=(*facts.notes, *sorted(notes))))


@dataclass(frozen=True)
class HduSummary:
    """One HDU: its name, its shape ((rows,) for a table) and its column names (none for an image)."""

    name: str
    shape: tuple[int, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """The contents of a file, and either its observation or the error that prevents reading it."""

    name: str
    packed_bytes: int | None
    unpacked_bytes: int | None
    hdus: tuple[HduSummary, ...]
    observation: Observation | None
    error: InputError | None

    @property
    def usable(self) -> bool:
        return self.error is None


def inspect(path: Path, name: str, emission: Emission = OXYGEN_1304, limits: Limits = _DEFAULT_LIMITS) -> Inspection:
    """List the contents of a file and try to read it; an InputError is returned in the result, not raised."""
    packed_bytes = unpacked_bytes = None
    hdus: tuple[HduSummary, ...] = ()
    try:
        with unpack(path, name, limits) as unpacked:
            fits = FitsFile(unpacked, name)
            packed_bytes, unpacked_bytes = unpacked.packed_bytes, unpacked.unpacked_bytes
            hdus = tuple(HduSummary(hdu, fits.shape(hdu), fits.columns(hdu)) for hdu in fits.hdu_names if hdu)
            return Inspection(name, packed_bytes, unpacked_bytes, hdus, _read(fits, emission), None)
    except InputError as error:
        return Inspection(name, packed_bytes, unpacked_bytes, hdus, None, error)
