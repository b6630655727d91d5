"""Read files that may be damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mars_aurora import readers
from mars_aurora.errors import InputError

NAME = "batch/x.fits"


def read_bytes(path: Path, content: bytes) -> InputError | None:
    """Read a file; return its InputError, or None after checking that the observation is within valid ranges."""
    path.write_bytes(content)
    try:
        observation = readers.read(path, NAME)
    except InputError as error:
        return error
    latitude = observation.latitude_deg[np.isfinite(observation.latitude_deg)]
    assert np.all(np.abs(latitude) <= 90)
    assert not np.isinf(observation.brightness_R).any()
    return None
