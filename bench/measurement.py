"""Measurements that several benches make: CPU time of a call, peak memory of the process, decompression alone.

Only the standard library is imported, because measured processes import this module.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHUNK_BYTES = 1 << 19


def cpu_ms(action: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:  # noqa: ANN401 -- any function
    """Return the CPU time of a call, user and system, and its result."""
    start = time.process_time()
    result = action(*arguments)
    return 1000 * (time.process_time() - start), result


def peak_memory_mb() -> float:
    """Return the peak resident memory of this process in 10^6 bytes.

    The maximum of getrusage includes the memory of the parent process before exec, so it is used only without /proc.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    own_kib = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return (own_kib[0] if own_kib else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024 / 1e6


def inflate(path: Path) -> None:
    """Decompress a gzipped file with isal."""
    from isal import igzip  # noqa: PLC0415 -- must not be imported in measured processes

    with igzip.open(path) as stream:  # type: ignore[no-untyped-call]  # -- isal has no types
        while stream.read(CHUNK_BYTES):
            pass
