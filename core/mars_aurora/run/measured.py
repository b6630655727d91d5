"""The measured auroras of one candidate, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from mars_aurora.aurora import Aurora


def to_json(auroras: Sequence[Aurora], stamp: str) -> bytes:
    """Serialize auroras with the stamp of their measurement; numbers that are not finite are JSON extensions."""
    return json.dumps({"stamp": stamp, "auroras": [asdict(aurora) for aurora in auroras]}).encode()


def read(data: bytes, stamp: str) -> list[Aurora]:
    """Read the output of `to_json`; raises ValueError if it is malformed or has another stamp."""
    try:
        values = json.loads(data)
        if values["stamp"] != stamp:
            raise ValueError("the auroras were measured in another geometry or prediction")
        return [Aurora(**aurora) for aurora in values["auroras"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not measured auroras: {error}") from error
