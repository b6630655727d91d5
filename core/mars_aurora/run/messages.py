"""What enters and leaves each step, as plain JSON on the wire and frozen dataclasses inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self, get_origin, get_type_hints

from mars_aurora.errors import UsageError


@dataclass(frozen=True)
class Message:
    """Base of the messages: the same names in JSON as here; unknown ones are refused."""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Build the message; raises UsageError naming what is missing, not known or of the wrong type."""
        hints = get_type_hints(cls)
        if unknown := sorted(set(event) - set(hints)):
            raise UsageError(f"{cls.__name__}: unknown field {', '.join(unknown)}")
        for name, value in event.items():
            kind = get_origin(hints[name]) or hints[name]
            if not isinstance(value, kind):
                raise UsageError(f"{cls.__name__}: {name} must be {kind.__name__}, not {value!r}")
        try:
            return cls(**event)
        except TypeError as error:
            raise UsageError(f"{cls.__name__}: {error}") from error

    def to_event(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class PreprocessRequest(Message):
    """One listed FITS object: ``name`` is its key below the batch's prefix."""

    run_id: str
    bucket: str
    key: str
    name: str


@dataclass(frozen=True)
class PreprocessResult(Message):
    """``usable`` is what the Choice state looks at; a rejection carries code and sentence."""

    run_id: str
    name: str
    usable: bool
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class ClassifyRequest(Message):
    run_id: str
    name: str
    min_objects: int = 2
    keep_stages: bool = False


@dataclass(frozen=True)
class ClassifyResult(Message):
    """``objects`` counts the Martian disk and each feature inside it."""

    run_id: str
    name: str
    objects: int


@dataclass(frozen=True)
class TallyRequest(Message):
    run_id: str
    bucket: str
    prefix: str


@dataclass(frozen=True)
class TallyResult(Message):
    """``counts`` by outcome, which add up to ``listed``; ``candidates`` wait for the detector."""

    run_id: str
    listed: int
    candidates: int
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DetectRequest(Message):
    """``name`` is one candidate; empty, all of the run."""

    run_id: str
    name: str = ""


@dataclass(frozen=True)
class DetectResult(Message):
    run_id: str
    images: int
    boxes: int


@dataclass(frozen=True)
class CatalogueRequest(Message):
    """What to list again, so that the ledger is held against the inputs, not against itself.

    ``started_utc`` is when the run began, ISO 8601, for the report to tell how fast it was; empty if not known.
    """

    run_id: str
    bucket: str
    prefix: str
    started_utc: str = ""


@dataclass(frozen=True)
class CatalogueResult(Message):
    run_id: str
    listed: int
    auroras: int
    counts: dict[str, int] = field(default_factory=dict)
    products: list[str] = field(default_factory=list)
