"""Provenance of results."""

from __future__ import annotations

from mars_aurora import __version__
from mars_aurora.detect.detectors import DetectorName
from mars_aurora.emission import Emission


def describe_provenance(emission: Emission, detector: DetectorName, min_objects: int) -> dict[str, str | int]:
    """Return version, emission, detector with the SHA-256 of its weights if it has any, and the settings."""
    provenance: dict[str, str | int] = {
        "version": __version__,
        "emission": emission.name,
        "detector": detector.value,
        "min_objects": min_objects,
    }
    if detector is DetectorName.YOLO:
        from mars_aurora.detect.yolo import hash_weights  # noqa: PLC0415 -- loads the runtime

        provenance["weights_sha256"] = hash_weights()
    return provenance
