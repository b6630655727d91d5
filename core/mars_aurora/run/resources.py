"""Time and memory of a step, which the functions log and publish as metrics."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Resources:
    """Elapsed time of a step, and the peak memory of its process since it started."""

    milliseconds: float
    memory_MB: float


def measure_resources(step: Callable[[], Result]) -> tuple[Result, Resources]:
    """Run a step; return its result, and what it used."""
    start_s = time.monotonic()
    result = step()
    elapsed_ms = 1000 * (time.monotonic() - start_s)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return result, Resources(round(elapsed_ms, 1), round(peak_kib / 1024, 1))
