"""Limits of what is read, so that any input, damaged or hostile, ends within seconds and some hundred megabytes.

A larger file is rejected as ``too_large``, with the limit and what was found.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from mars_aurora.errors import InputError, Reason


@dataclass(frozen=True)
class Limits:
    """Limits of one file, beyond any sound file that is known.

    Attributes
    ----------
    unpacked_bytes : int
        Size unpacked, and packed; files with spectra have 100 to 200 MB.
    ratio, ratio_free_bytes : float, int
        Unpacked size relative to the packed size, above ``ratio_free_bytes``; FITS files are packed 2 to 10 times.
    hdus : int
        IUVS files have 18.
    header_bytes : int
        All headers together, 36,000 cards; IUVS files have 100 kB.
    rows : int
        Rows of a table that is read, hence integrations; EMUS has at most 260.
    bins : int
        Slit bins, and wavelengths: as many as the detectors have rows and columns. EMUS has at most 192 slit bins.
    pixels : int
        Integrations by slit bins; EMUS has at most 260 by 192.
    values : int
        Values of a column or an image, as far as it is read at once; spectra have 260 by 128 by 200.
    cpu_s : float
        CPU time of one file; files of 200 MB take 0.3 s.
    """

    unpacked_bytes: int = 1 << 30
    ratio: float = 200.0
    ratio_free_bytes: int = 64 << 20
    hdus: int = 100
    header_bytes: int = 1000 * 2880
    rows: int = 5_000
    bins: int = 1_024
    pixels: int = 250_000
    values: int = 10_000_000
    cpu_s: float = 5.0


class Bounds:
    """The limits of one file with its name and the CPU time since the object was made.

    All methods raise InputError TOO_LARGE if a limit is exceeded.
    """

    def __init__(self, limits: Limits, name: str) -> None:
        self.limits = limits
        self.name = name
        self._start_s = time.thread_time()

    def require(self, found: float, limit: float, what: str) -> None:
        """Compare a number with a limit; ``what`` completes "the file has 3 ..."."""
        if found > limit:
            raise InputError(Reason.TOO_LARGE, self.name, f"the file has {found} {what}; the limit is {limit}")

    def require_time(self) -> None:
        """Compare the CPU time with its limit; call it once per piece of work."""
        if time.thread_time() - self._start_s > self.limits.cpu_s:
            detail = f"reading the file takes over {self.limits.cpu_s:g} s of CPU time, the limit"
            raise InputError(Reason.TOO_LARGE, self.name, detail)

    def require_swath(self, n_integrations: int, n_slit: int, n_wavelengths: int = 1) -> None:
        """Compare the shape of a swath with the limits."""
        self.require(n_integrations, self.limits.rows, "integrations")
        self.require(n_slit, self.limits.bins, "slit bins")
        self.require(n_wavelengths, self.limits.bins, "wavelengths")
        self.require(n_integrations * n_slit, self.limits.pixels, "pixels")
