"""Stamps: hashes of everything that a result was made from, by which a later run knows whether it is still valid.

Raise the result version of a stage when its output changes for the same input; all results of that stage and of
those after it are then made again, in existing run folders too. The version of the package has no effect.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from mars_aurora.emission import OXYGEN_1304

RESULT_VERSIONS = {"read": 3, "clean": 3, "picture": 4, "night": 1, "classify": 5, "detect": 6, "measure": 3}


@dataclass(frozen=True)
class Reading:
    """The settings on which picture and geometry depend: the name of the emission, and whether it is cleaned."""

    emission: str = OXYGEN_1304.name
    cleaning: bool = True


def stamp_read(sha256: str, reading: Reading) -> str:
    """Stamp of the picture, the geometry and the night level of an input with that checksum."""
    stages = ("read", "clean", "picture", "night") if reading.cleaning else ("read", "picture", "night")
    return _stamp(*(RESULT_VERSIONS[stage] for stage in stages), sha256, reading.emission)


def stamp_count(read: str, min_objects: int, *, keep_stages: bool) -> str:
    """Stamp of the object count of a picture; ``read`` is its stamp."""
    return _stamp(RESULT_VERSIONS["classify"], read, min_objects, keep_stages)


def stamp_measurement(read: str, prediction: bytes) -> str:
    """Stamp of the auroras measured in a candidate; ``read`` is the stamp of its geometry."""
    return _stamp(RESULT_VERSIONS["measure"], read, hashlib.sha256(prediction).hexdigest())


def _stamp(*parts: str | int) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
