"""Settings of the Lambda functions, read from the environment once per invocation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from mars_aurora.detect.detectors import DetectorName
from mars_aurora.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """Environment variables set by the template: each field is the variable of the same name in capitals.

    Attributes
    ----------
    work_bucket : str
        Bucket of the pictures, geometry and records of all runs.
    detections_bucket : str
        Bucket of the results.
    detector : DetectorName
        Detector that the detect function runs.
    cleaning : bool
        Whether the preprocess function removes light of the detector: "true" or "false".
    """

    work_bucket: str
    detections_bucket: str
    detector: DetectorName
    cleaning: bool

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings.

        Raises UsageError naming the variables that are missing, or the one that is invalid.
        """
        values = {field.name: environment.get(field.name.upper(), "") for field in fields(cls)}
        if missing := [name.upper() for name, value in values.items() if not value]:
            raise UsageError(f"the environment lacks {', '.join(missing)}")
        try:
            detector = DetectorName(values["detector"])
        except ValueError:
            raise UsageError(f"DETECTOR is {values['detector']!r}, not one of {', '.join(DetectorName)}") from None
        if values["cleaning"] not in {"true", "false"}:
            raise UsageError(f"CLEANING is {values['cleaning']!r}, not true or false")
        return cls(values["work_bucket"], values["detections_bucket"], detector, values["cleaning"] == "true")
