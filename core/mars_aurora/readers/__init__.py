"""Readers: a FITS file of either mission in, one `Observation` out; what is wrong with it named otherwise.

astropy and the inflater are loaded with the first use of `reading`, not with this package: the ledger, and so every
step, wants its `names` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mars_aurora.readers.gate import Limits
    from mars_aurora.readers.reading import HduSummary, Inspection, inspect, read

__all__ = ["HduSummary", "Inspection", "Limits", "inspect", "read"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mars_aurora.readers import reading  # noqa: PLC0415 -- the point of this function

    return getattr(reading, name)
