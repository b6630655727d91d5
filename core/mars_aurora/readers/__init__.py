"""Readers: convert a FITS file of a supported instrument to an `Observation`, or raise `InputError`.

`reading`, and with it astropy and isal, is imported on first use: every step imports `readers.names` through the
ledger and must not load them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mars_aurora.readers.limits import Limits
    from mars_aurora.readers.reading import HduSummary, Inspection, inspect, read

__all__ = ["HduSummary", "Inspection", "Limits", "inspect", "read"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mars_aurora.readers import reading  # noqa: PLC0415 -- lazy import is the purpose of this function

    return getattr(reading, name)
