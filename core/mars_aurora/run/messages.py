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
    """A batch to be run: the objects below ``prefix``, a folder or a single file, or those that a manifest names.

    ``manifest`` is its URI, and ``prefix`` is empty then; the objects are in ``bucket``. The defaults of
    ``min_objects``, ``keep_stages`` and ``detect_on_lambda_up_to`` (candidates) are those of the stack. ``again`` is
    one of `Again`.
    """

    bucket: str
    prefix: str
    min_objects: int
    keep_stages: bool
    detect_on_lambda_up_to: int = 0
    run_id: str = ""
    again: str = Again.NONE.value
    manifest: str = ""

    def __post_init__(self) -> None:
        if not self.bucket:
            raise UsageError("bucket is empty: name the bucket of the inputs")
        if not self.prefix and not self.manifest:
            raise UsageError(
                "prefix is empty: name the folder of a batch, for example incoming/2022-03/, or a manifest"
            )
        if self.prefix and self.manifest:
            raise UsageError("the request has a prefix and a manifest: give one of them")
        if self.min_objects < 1:
            raise UsageError(f"min_objects must be at least 1, not {self.min_objects}")
        if self.detect_on_lambda_up_to < 0:
            raise UsageError(f"detect_on_lambda_up_to must be at least 0, not {self.detect_on_lambda_up_to}")
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
    detect_on_lambda_up_to: int
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
    detect_on_lambda_up_to: int
    again: str
    manifest: str
    started_utc: str
    listed: int
    children_at_once: int
    tolerated_failures: int


@dataclass(frozen=True)
class CloseRequest(Message):
    """A run to be closed; ``failure`` has the Error and Cause of a run that failed, and is empty otherwise.

    ``execution`` is the name of the execution.
    """

    run_id: str
    bucket: str
    prefix: str
    execution: str
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
    """``usable`` is read by the Choice state; ``record`` is the record so far, see `Record`."""

    run_id: str
    name: str
    usable: bool
    record: dict[str, Any] = field(default_factory=dict)


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
    """``record`` has the number of objects in the picture: the disk, each feature on it, a diffuse aurora."""

    run_id: str
    name: str
    record: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TallyRequest(Message):
    """The batch, and what decides where its candidates are detected, see `choose_path`.

    Attributes
    ----------
    execution : str
        Name of the execution, whose children returned the records; if it is empty, they are read from storage.
    tolerated_failures : int
        How many inputs may fail.
    detect_on_lambda_up_to : int
        Largest number of candidates that is detected on Lambda.
    no_transform : str
        Why the stack has no transform job; empty if it has.
    transform : dict
        How the transform job of this execution ended: a Status with the name of the ``job`` and the ``seconds`` that
        it took, or the Error and Cause of its failure. Empty before.
    detected : str
        What the tally before the transform job said of it; empty before.
    """

    run_id: str
    bucket: str
    prefix: str
    execution: str = ""
    tolerated_failures: int = 0
    detect_on_lambda_up_to: int = 0
    no_transform: str = ""
    transform: dict[str, Any] = field(default_factory=dict)
    detected: str = ""

    @property
    def transform_seconds(self) -> list[float]:
        """Return the time of the transform job; nothing if none has completed."""
        return [float(self.transform[name]) for name in ("seconds",) if name in self.transform]


@dataclass(frozen=True)
class TallyResult(Message):
    """What the other states need: the work that is left, and where the candidates are detected.

    Attributes
    ----------
    listed, unprocessed, candidates, undetected : int
        Number of inputs, of those whose children failed, of candidates, and of candidates without a prediction.
    sets : int
        Number of observation sets of two or more swaths.
    tolerated_slices : int
        How many slices of the inputs may fail when auroras are measured.
    predictions : str
        Folder of the predictions.
    detect_on : str
        Where the candidates without a prediction are detected, one of `Detection`.
    detected : str
        The same in words, with the reason.
    counts : dict of str to int
        Number of inputs by outcome, which adds up to ``listed``.
    """

    run_id: str
    listed: int
    unprocessed: int
    candidates: int
    undetected: int
    sets: int
    tolerated_slices: int
    predictions: str
    detect_on: str
    detected: str
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DetectRequest(Message):
    """One candidate, and the folder of its prediction; if that is empty, it is the detector's own."""

    run_id: str
    name: str
    predictions: str = ""


@dataclass(frozen=True)
class DetectResult(Message):
    run_id: str
    name: str
    boxes: int


@dataclass(frozen=True)
class MeasureRequest(Message):
    """One slice of the inputs of an execution, and the folder of the predictions."""

    run_id: str
    execution: str
    number: int
    predictions: str


@dataclass(frozen=True)
class MeasureResult(Message):
    """Number of the candidates of a slice, and of the auroras in them."""

    run_id: str
    number: int
    candidates: int
    auroras: int


@dataclass(frozen=True)
class StitchRequest(Message):
    """Observation sets: for each the names of its inputs, in ``names``, in the order of their times."""

    run_id: str
    sets: list[dict[str, Any]]


@dataclass(frozen=True)
class StitchResult(Message):
    run_id: str
    sets: int


@dataclass(frozen=True)
class CatalogueRequest(Message):
    """The run, the number of its inputs, and the name of its execution.

    ``started_utc`` is the start time of the run (ISO 8601), from which the report computes the duration; empty if
    unknown. The products state ``min_objects`` and ``execution_arn``; the report states ``detected``, where the
    candidates were detected and why.
    """

    run_id: str
    listed: int
    execution: str = ""
    started_utc: str = ""
    min_objects: int = 2
    execution_arn: str = ""
    detected: str = ""


@dataclass(frozen=True)
class CatalogueResult(Message):
    """Number of the inputs, of the measured auroras, and of the inputs by outcome."""

    run_id: str
    listed: int
    auroras: int
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ParquetRequest(Message):
    """The run, and the name of its execution."""

    run_id: str
    execution: str = ""


@dataclass(frozen=True)
class ParquetResult(Message):
    """Number of the rows of both tables, and of the files of the run in the data set over all runs."""

    run_id: str
    detections: int
    auroras: int
    files: int
