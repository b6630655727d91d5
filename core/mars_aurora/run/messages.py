"""Requests and results of the steps: JSON between processes, frozen dataclasses in the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self, get_origin, get_type_hints

from mars_aurora.errors import UsageError


@dataclass(frozen=True)
class Message:
    """Base class of the messages. The JSON fields have the names of the attributes."""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Build the message from parsed JSON.

        Raises UsageError naming the field that is missing, unknown, of the wrong type or out of range.
        """
        hints = get_type_hints(cls)
        if unknown := sorted(set(event) - set(hints)):
            raise UsageError(f"{cls.__name__}: unknown field {', '.join(unknown)}")
        for name, value in event.items():
            kind = get_origin(hints[name]) or hints[name]
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):  # bool is a subclass of int
                raise UsageError(f"{cls.__name__}: {name} must be {kind.__name__}, not {value!r}")
        try:
            return cls(**event)
        except TypeError as error:
            raise UsageError(f"{cls.__name__}: {error}") from error

    def to_event(self) -> dict[str, Any]:
        return asdict(self)


class Again(StrEnum):
    """Inputs to be processed again although their results are valid; empty: none."""

    NONE = ""
    REJECTED = "rejected"
    ALL = "all"


@dataclass(frozen=True)
class StartRequest(Message):
    """A batch to be run: the objects below ``prefix``, a folder or a single file.

    The defaults of ``min_objects`` and ``keep_stages`` are those of the stack. ``again`` is one of `Again`.
    """

    bucket: str
    prefix: str
    min_objects: int
    keep_stages: bool
    run_id: str = ""
    again: str = Again.NONE.value

    def __post_init__(self) -> None:
        for name in ("bucket", "prefix"):
            if not getattr(self, name):
                raise UsageError(f"{name} is empty: name the folder of a batch, for example incoming/2022-03/")
        if self.min_objects < 1:
            raise UsageError(f"min_objects must be at least 1, not {self.min_objects}")
        if self.again not in list(Again):
            raise UsageError(f"again must be 'rejected' or 'all', not {self.again!r}")


@dataclass(frozen=True)
class OpenRequest(Message):
    """The input of an execution, its ARN, and the parameters of the stack.

    ``reserved_concurrency`` is the concurrency reserved for each function, 0 if none is reserved.
    """

    request: dict[str, Any]
    execution_arn: str
    min_objects: int
    keep_stages: bool
    max_concurrency: int
    reserved_concurrency: int
    tolerated_failure_percentage: int
    tolerated_failure_count: int


@dataclass(frozen=True)
class OpenResult(Message):
    """What the other states need: the settled request, and the limits of the maps.

    ``listed`` is the number of inputs, ``children_at_once`` how many are processed at the same time, and
    ``tolerated_failures`` how many of them may fail.
    """

    run_id: str
    bucket: str
    prefix: str
    min_objects: int
    keep_stages: bool
    again: str
    started_utc: str
    listed: int
    children_at_once: int
    tolerated_failures: int


@dataclass(frozen=True)
class CloseRequest(Message):
    """A run to be closed; ``failure`` has the Error and Cause of a run that failed, and is empty otherwise."""

    run_id: str
    bucket: str
    prefix: str
    execution_arn: str
    failure: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CloseResult(Message):
    """``error`` and ``cause`` say in plain words why the run failed; empty if it did not."""

    run_id: str
    error: str = ""
    cause: str = ""


@dataclass(frozen=True)
class PreprocessRequest(Message):
    """One listed FITS object; ``name`` is its key relative to the prefix of the batch.

    ``etag`` is that of the listing; empty if unknown. ``again`` is one of `Again`.
    """

    run_id: str
    bucket: str
    key: str
    name: str
    etag: str = ""
    again: str = Again.NONE.value

    def __post_init__(self) -> None:
        if self.again not in list(Again):
            raise UsageError(f"{type(self).__name__}: again must be rejected or all, not {self.again!r}")


@dataclass(frozen=True)
class PreprocessResult(Message):
    """``usable`` is read by the Choice state; a rejection has a reason code and a detail sentence."""

    run_id: str
    name: str
    usable: bool
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class ClassifyRequest(Message):
    """One picture; it becomes a candidate if it shows at least ``min_objects`` objects (1 or more)."""

    run_id: str
    name: str
    min_objects: int = 2
    keep_stages: bool = False

    def __post_init__(self) -> None:
        if self.min_objects < 1:
            raise UsageError(f"{type(self).__name__}: min_objects must be at least 1, not {self.min_objects}")


@dataclass(frozen=True)
class ClassifyResult(Message):
    """``objects`` is the number of objects in the picture: the disk of Mars, each feature on it, a diffuse aurora.

    ``candidate`` is read by the Choice state; ``outcome`` is that of the record.
    """

    run_id: str
    name: str
    objects: int
    candidate: bool
    outcome: str


@dataclass(frozen=True)
class TallyRequest(Message):
    """The batch; with ``list_candidates``, the list that the detecting map of the workflow processes is written."""

    run_id: str
    bucket: str
    prefix: str
    list_candidates: bool = False


@dataclass(frozen=True)
class TallyResult(Message):
    """``counts`` is the number of inputs by outcome, which adds up to ``listed``; ``candidates`` go to the detector."""

    run_id: str
    listed: int
    candidates: int
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DetectRequest(Message):
    """``name`` is one candidate; if empty, all candidates of the run."""

    run_id: str
    name: str = ""


@dataclass(frozen=True)
class DetectResult(Message):
    run_id: str
    images: int
    boxes: int


@dataclass(frozen=True)
class CatalogueRequest(Message):
    """The batch, which is listed again to check the ledger against the inputs.

    ``started_utc`` is the start time of the run (ISO 8601), from which the report computes the duration; empty if
    unknown. The products state ``min_objects`` and ``execution``, the ARN of the execution.
    """

    run_id: str
    bucket: str
    prefix: str
    started_utc: str = ""
    min_objects: int = 2
    execution: str = ""


@dataclass(frozen=True)
class CatalogueResult(Message):
    run_id: str
    listed: int
    auroras: int
    counts: dict[str, int] = field(default_factory=dict)
    products: list[str] = field(default_factory=list)
