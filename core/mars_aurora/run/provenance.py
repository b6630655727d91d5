"""Provenance: what made the results of a run. Every product states it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from mars_aurora import __version__
from mars_aurora.detect.detectors import DetectorName, hash_weights
from mars_aurora.emission import OXYGEN_1304, Emission
from mars_aurora.run.escaping import escape_text


@dataclass(frozen=True)
class Provenance:
    """What made the results; all products of one run state the same.

    Attributes
    ----------
    version : str
        Version of the package.
    emission : str
        Emission that was measured.
    detector : str
    weights_sha256 : str
        SHA-256 of the weights of the detector; empty if it has none.
    min_objects : int
        Pictures with fewer objects were discarded.
    command : str
        Command line, or ARN of the execution.
    created_utc : str
        When the catalogue was made, ISO 8601.
    cleaning : bool
        Whether light of the detector was removed.
    ledger_sha256 : str
        SHA-256 of ledger.csv, which has the checksum of each input; empty outside a run.
    """

    version: str
    emission: str
    detector: str
    weights_sha256: str
    min_objects: int
    command: str
    created_utc: str
    cleaning: bool = True
    ledger_sha256: str = ""

    def to_dict(self) -> dict[str, str | int]:
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Provenance:
        """Build a provenance from a dictionary that has its fields, such as run.json; raises KeyError otherwise."""
        return Provenance(**{field.name: values[field.name] for field in fields(Provenance)})

    def to_json(self) -> str:
        return json.dumps(self.to_dict())


def describe_provenance(
    detector: DetectorName, min_objects: int, command: str, emission: Emission = OXYGEN_1304, *, cleaning: bool = True
) -> Provenance:
    """Return the provenance of results that are made now by this version of the package."""
    return Provenance(
        version=__version__,
        emission=emission.name,
        detector=detector.value,
        weights_sha256=hash_weights(detector),
        min_objects=min_objects,
        command=escape_text(command),
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        cleaning=cleaning,
    )
