"""The ledger: every listed input has exactly one outcome, and the counts add up to the number listed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from mars_aurora.errors import UnbalancedLedgerError
from mars_aurora.night import MIN_PIXELS, Night
from mars_aurora.perspective import Perspective
from mars_aurora.run.identity import Identity, choose_files
from mars_aurora.run.keys import classify_name
from mars_aurora.run.storage import Version


class Outcome(StrEnum):
    """Outcome of an input. ``candidate`` is intermediate; all others are final."""

    CANDIDATE = "candidate"
    AURORA = "aurora"
    NO_AURORA = "no_aurora"
    DISCARDED = "discarded"
    NO_NIGHT = "no_night"
    REJECTED = "rejected"
    IGNORED = "ignored"
    SUPERSEDED = "superseded"
    FAILED = "failed"


NO_RECORD, NOT_COUNTED = "no_record", "not_counted"  # reasons of failures
TOO_FEW_OBJECTS = "too_few_objects"  # reason why a picture is not a candidate
_IGNORED = {  # reason and detail by kind of name
    "housekeeping": ("housekeeping", "a file of the operating system or of an editor, or an unfinished download"),
    "other": ("not_fits_name", "the name does not end in .fits, .fit or .fts, with .gz or .fz if packed"),
}
PICTURED = (Outcome.AURORA, Outcome.NO_AURORA, Outcome.DISCARDED, Outcome.NO_NIGHT)  # final, of an input that was read
USABLE = frozenset({Outcome.CANDIDATE, *PICTURED})


@dataclass(frozen=True)
class Origin:
    """What the results of an input were made from, and what was made.

    Attributes
    ----------
    version : Version
        State of the input when it was read.
    sha256 : str
        Checksum of its bytes, as stored.
    read, count : str
        Stamps of picture and geometry, and of the object count.
    image_sha256 : str
        Checksum of the picture.
    products : dict of str to int
        Size in bytes of the ``image``, the ``geometry`` and the ``exposure``.
    """

    version: Version = field(default_factory=lambda: Version(0))
    sha256: str = ""
    read: str = ""
    count: str = ""
    image_sha256: str = ""
    products: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """Ledger entry of one input.

    Attributes
    ----------
    name : str
        Path of the input relative to its batch.
    outcome : Outcome
        Outcome so far.
    reason : str
        Code of the reason for the outcome; may be empty.
    objects : int or None
        Number of objects in the picture, including the disk; None if they are not counted.
    auroras : int or None
        Number of measured auroras.
    detail : str
        Sentence that explains ``reason``.
    superseded_by : str
        Name of the file of the same observation that is used instead.
    candidate : str
        Key of its picture among the candidates of the run, if it is one.
    level : str
        Processing level that was read.
    flags : tuple of str
        Codes of what is unusual about the file.
    residuals : dict of str to float
        Median differences between the geometry in the file and the recomputed one, as in `Facts.residuals`.
    origin : Origin
    identity : Identity or None
        Observation of the file; None if it was not read.
    night : Night or None
        What was searched for auroras; None if it was not read.
    cleaning : dict of str to float
        What cleaning found, as in `Facts.cleaning`.
    perspective : Perspective or None
        That of the middle of the scan; None if unknown.
    mars_box : tuple of float or None
        Corners x0, y0, x1, y1 of the observed part of the disk on the picture; None if there is no picture.
    """

    name: str
    outcome: Outcome
    reason: str = ""
    objects: int | None = None
    auroras: int | None = None
    detail: str = ""
    superseded_by: str = ""
    candidate: str = ""
    level: str = ""
    flags: tuple[str, ...] = ()
    residuals: dict[str, float] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)
    identity: Identity | None = None
    night: Night | None = None
    cleaning: dict[str, float] = field(default_factory=dict)
    perspective: Perspective | None = None
    mars_box: tuple[float, float, float, float] | None = None

    @property
    def is_read(self) -> bool:
        """Return whether the record has the picture of its input."""
        return self.outcome in USABLE and "image" in self.origin.products

    def conclude(self, outcome: Outcome) -> Record:
        """Return the record with an outcome; without aurora it is ``no_night`` where too little night was searched."""
        if outcome in {Outcome.DISCARDED, Outcome.NO_AURORA} and not (self.night and self.night.is_in_view):
            pixels = self.night.pixels if self.night else 0
            detail = f"{pixels} pixels of the night side were searched; an aurora has at least {MIN_PIXELS}"
            return replace(self, outcome=Outcome.NO_NIGHT, detail=detail)
        return replace(self, outcome=outcome)

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()

    def to_event(self) -> dict[str, Any]:
        """Return the record as parsed JSON."""
        return dict(json.loads(self.to_json()))

    @staticmethod
    def from_json(data: bytes) -> Record:
        """Read the output of `to_json`; raises ValueError if ``data`` is not a record of this version."""
        return Record.from_event(json.loads(data))

    @staticmethod
    def from_event(values: Any) -> Record:  # noqa: ANN401 -- any JSON
        """Build a record from parsed JSON; raises ValueError if ``values`` is not a record of this version."""
        try:
            origin, identity, night = values["origin"], values["identity"], values["night"]
            perspective = values.get("perspective")  # records of earlier versions have none
            return Record(
                **{
                    **values,
                    "outcome": Outcome(values["outcome"]),
                    "flags": tuple(values["flags"]),
                    "origin": Origin(**{**origin, "version": Version(**origin["version"])}),
                    "identity": None if identity is None else Identity.from_json(identity),
                    "night": None if night is None else Night(**night),
                    "perspective": None if perspective is None else Perspective(**perspective),
                    "mars_box": tuple(values["mars_box"]) if values["mars_box"] else None,
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a ledger record: {error}") from error


def settle(listed: Iterable[str], records: Mapping[str, Record]) -> list[Record]:
    """Return one record for each listed name, sorted by name.

    A FITS input without a record, or whose objects were not counted, has failed; any other input without a record is
    ignored. Of the files of one observation, all but one are marked superseded.
    """
    return mark_superseded([finish_record(name, records.get(name)) for name in sorted(set(listed))])


def finish_record(name: str, record: Record | None, failure: str = "") -> Record:
    """Return the record of an input after it was read and counted; ``failure`` says why it has none."""
    if record is None:
        kind = classify_name(name)
        if kind == "fits":
            detail = "the input was listed, but no step wrote a record for it"
            return Record(name, Outcome.FAILED, NO_RECORD, detail=f"{detail}: {failure}" if failure else detail)
        reason, detail = _IGNORED[kind]
        return Record(name, Outcome.IGNORED, reason, detail=detail)
    if record.outcome is Outcome.CANDIDATE and record.objects is None:
        return replace(record, outcome=Outcome.FAILED, reason=NOT_COUNTED, detail="its objects were not counted")
    return record


def mark_superseded(records: Sequence[Record]) -> list[Record]:
    """Mark each usable record for which there is a better usable file of the same observation, as `choose_files`.

    A rejected or failed file supersedes nothing, so that a bad file cannot remove an observation.
    """
    identities = {
        record.name: record.identity for record in records if record.outcome in USABLE and record.identity is not None
    }
    used = choose_files(identities)
    by_name = {record.name: record for record in records}
    return [supersede(record, by_name[used.get(record.name, record.name)]) for record in records]


def supersede(record: Record, used: Record) -> Record:
    """Return the record of an input instead of which another file of its observation is used, or it itself."""
    own, other = record.identity, used.identity
    if used.name == record.name or own is None or other is None:
        return record
    reason, what = "copy", "a copy of the same file"
    if own.level != other.level:
        reason, what = "other_level", f"the same observation at level {other.level}"
    elif own.version != other.version:
        reason, what = "newer_version", "a newer version of the same observation"
    return replace(
        record,
        outcome=Outcome.SUPERSEDED,
        reason=reason,
        auroras=None,
        detail=f"{used.name} is used: {what}",
        superseded_by=used.name,
    )


def count_outcomes(records: Iterable[Record]) -> dict[str, int]:
    """Count the records of each outcome, including outcomes without records."""
    return {outcome.value: 0 for outcome in Outcome} | Counter(record.outcome.value for record in records)


def describe_counts(counts: Mapping[str, int]) -> str:
    """Format counts as text, for example ``3 no aurora, 1 failed``; zero counts are omitted."""
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)


def describe_result(listed: int, counts: Mapping[str, int], auroras: int) -> str:
    """Format the result of a run as two lines: the inputs by outcome, and the number of measured auroras."""
    return f"{listed} inputs: {describe_counts(counts) or 'nothing to do'}\n{auroras} auroras measured"


def require_balance(listed: int, records: Iterable[Record]) -> None:
    """Check that as many inputs as were listed have one record each with a final outcome.

    Raises UnbalancedLedgerError.
    """
    lines, unfinished, first, repeated, previous = 0, 0, "", "", ""
    for record in records:
        if record.outcome is Outcome.CANDIDATE:
            unfinished, first = unfinished + 1, first or record.name
        if lines and previous >= record.name:
            repeated = repeated or previous
        lines, previous = lines + 1, record.name
    if unfinished:
        raise UnbalancedLedgerError(f"{unfinished} inputs have no final outcome; the first is {first}")
    if listed != lines:
        raise UnbalancedLedgerError(f"{listed} inputs were listed, but the ledger has {lines} lines")
    if repeated:
        raise UnbalancedLedgerError(f"the ledger has several lines of {repeated}, or is not sorted")
