"""Data that no reader needs: they are not written to disk while a file is unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mars_aurora.errors import InputError
from mars_aurora.readers.hdus import BLOCK, MAX_HEADER_BYTES, read_extent
from mars_aurora.readers.limits import Bounds

# Level 2B of EMM/EMUS: where there is EMISS, the spectra of CAL are not read, three quarters of a file
_NEEDED_WITHOUT = {"CAL": "EMISS"}


class UnreadData:
    """The HDUs of a file, followed while it is written, as far as those after them are not needed.

    An HDU counts whose name is a key of `_NEEDED_WITHOUT`, after one that has its value as name. What is wrong with the
    file is found when it is complete.
    """

    def __init__(self, path: Path, bounds: Bounds) -> None:
        self._path = path
        self._bounds = bounds
        self._names: list[str] = []
        self._next: int | None = 0  # offset of the next header; None where the HDUs cannot be followed
        self._parts: list[tuple[int, int]] = []

    @property
    def has_parts(self) -> bool:
        """Whether there are data that are not needed."""
        return bool(self._parts)

    def follow(self, written: int) -> None:
        """Read the headers in the first bytes of the file, which are written."""
        while self._next is not None and self._next + BLOCK <= written:
            content = np.memmap(self._path, np.uint8, "r")[:written]
            try:
                extent = read_extent(content, self._next, len(self._names), self._bounds.name)
            except InputError:  # the header goes on behind what is written, or it is damaged
                self._next = self._next if written - self._next < MAX_HEADER_BYTES else None
                return
            if extent is None or len(self._names) >= self._bounds.limits.hdus:
                self._next = None
                return
            if _NEEDED_WITHOUT.get(extent.name) in self._names:
                self._parts.append((extent.start, extent.start + extent.size))
            self._names.append(extent.name)
            self._next = extent.end

    def select_needed(self, start: int, end: int) -> Iterator[slice]:
        """Yield the needed parts of the bytes from ``start`` to ``end``, relative to ``start``."""
        at = start
        for first, last in self._parts:
            if at < min(first, end):
                yield slice(at - start, min(first, end) - start)
            at = max(at, min(last, end))
        if at < end:
            yield slice(at - start, end - start)
