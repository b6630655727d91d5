"""Deflate, by isal where it is installed: about ten times as fast as zlib, with nearly the same size."""

from __future__ import annotations

import zlib

ZLIB, GZIP = 15, 31  # the containers, as `wbits` of zlib
# isal level 1: size of zlib level 1 in a tenth of the time; zlib level 6 saves a tenth at 15 times the time
_LEVEL = 1


def deflate(data: bytes, container: int = ZLIB) -> bytes:
    """Compress data; their bytes depend on the library, as the functions that only measure or stitch lack isal."""
    try:
        from isal import isal_zlib  # noqa: PLC0415 -- may not be installed
    except ModuleNotFoundError:
        return zlib.compress(data, _LEVEL, container)
    packed: bytes = isal_zlib.compress(data, _LEVEL, container)
    return packed
