"""The environment of the cloud's functions, read once a call and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from mars_aurora.detect.detectors import DetectorName
from mars_aurora.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """What the template sets: each field is the environment variable of that name in capitals.

    Attributes
    ----------
    work_bucket : where images, geometry and records of the runs lie
    detections_bucket : where the results go
    detector : which one the detect function runs
    """

    work_bucket: str
    detections_bucket: str
    detector: DetectorName

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; raises UsageError naming what is missing or makes no sense."""
        values = {field.name: environment.get(field.name.upper(), "") for field in fields(cls)}
        if missing := [name.upper() for name, value in values.items() if not value]:
            raise UsageError(f"the environment lacks {', '.join(missing)}")
        try:
            detector = DetectorName(values["detector"])
        except ValueError:
            raise UsageError(f"DETECTOR is {values['detector']!r}, not one of {', '.join(DetectorName)}") from None
        return cls(values["work_bucket"], values["detections_bucket"], detector)
