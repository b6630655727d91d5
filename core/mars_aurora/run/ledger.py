"""The ledger: every listed input has exactly one outcome, and the counts add up to the number listed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from mars_aurora.errors import UnbalancedLedgerError
from mars_aurora.readers.names import FileName, parse_name
from mars_aurora.run.keys import is_fits


class Outcome(StrEnum):
    """Outcome of an input. ``candidate`` is intermediate; all others are final."""

    CANDIDATE = "candidate"
    AURORA = "aurora"
    NO_AURORA = "no_aurora"
    DISCARDED = "discarded"
    REJECTED = "rejected"
    IGNORED = "ignored"
    SUPERSEDED = "superseded"
    FAILED = "failed"


USABLE = frozenset({Outcome.CANDIDATE, Outcome.AURORA, Outcome.NO_AURORA, Outcome.DISCARDED})


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
        Number of objects in the picture, including the disk.
    auroras : int or None
        Number of measured auroras.
    detail : str
        Sentence that explains ``reason``.
    """

    name: str
    outcome: Outcome
    reason: str = ""
    objects: int | None = None
    auroras: int | None = None
    detail: str = ""

    @property
    def is_done(self) -> bool:
        """Return whether the input needs no further attempt: true except for failures, which are retried."""
        return self.outcome is not Outcome.FAILED

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()

    @staticmethod
    def from_json(data: bytes) -> Record:
        """Read the output of `to_json`; raises ValueError if ``data`` is not a record."""
        try:
            fields = json.loads(data)
            return Record(**{**fields, "outcome": Outcome(fields["outcome"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a ledger record: {error}") from error


def settle(listed: Iterable[str], records: Mapping[str, Record]) -> list[Record]:
    """Return one record for each listed name, sorted by name.

    A FITS input without a record has failed, any other input without a record is ignored. Older versions of an
    observation are marked superseded.
    """
    return mark_superseded([records.get(name) or _unrecorded(name) for name in sorted(set(listed))])


def _unrecorded(name: str) -> Record:
    if is_fits(name):
        return Record(
            name, Outcome.FAILED, "no_record", detail="the input was listed, but no step wrote a record for it"
        )
    return Record(name, Outcome.IGNORED, "not_fits_name", detail="the name does not end in .fits or .fits.gz")


def mark_superseded(records: Sequence[Record]) -> list[Record]:
    """Mark each usable record for which there is a newer usable version of the same observation.

    A rejected or failed version supersedes nothing, so that a bad file cannot remove an observation. Of equal
    versions (for example a file and its gzipped copy), the first by name is kept.
    """
    parsed = {record.name: parse_name(record.name) for record in records if record.outcome in USABLE}
    versions = {name: version for name, version in parsed.items() if version is not None}
    best: dict[tuple[str, ...], str] = {}
    for name, version in sorted(versions.items()):
        previous = best.setdefault(version.observation, name)
        if version.rank > versions[previous].rank:
            best[version.observation] = name
    return [_superseded_by(record, best, versions.get(record.name)) for record in records]


def _superseded_by(record: Record, best: Mapping[tuple[str, ...], str], version: FileName | None) -> Record:
    kept = record.name if version is None else best[version.observation]
    if kept == record.name:
        return record
    detail = f"{kept} contains the same observation in the same or a newer version"
    return replace(record, outcome=Outcome.SUPERSEDED, reason="newer_version", auroras=None, detail=detail)


def count_outcomes(records: Iterable[Record]) -> dict[str, int]:
    """Count the records of each outcome, including outcomes without records."""
    return {outcome.value: 0 for outcome in Outcome} | Counter(record.outcome.value for record in records)


def describe_counts(counts: Mapping[str, int]) -> str:
    """Format counts as text, for example ``3 no aurora, 1 failed``; zero counts are omitted."""
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)


def describe_result(listed: int, counts: Mapping[str, int], auroras: int) -> str:
    """Format the result of a run as two lines: the inputs by outcome, and the number of measured auroras."""
    return f"{listed} inputs: {describe_counts(counts) or 'nothing to do'}\n{auroras} auroras measured"


def require_balance(listed: Collection[str], records: Sequence[Record]) -> None:
    """Check that every listed name has exactly one record with a final outcome; raises UnbalancedLedgerError."""
    unfinished = [record.name for record in records if record.outcome is Outcome.CANDIDATE]
    if unfinished:
        raise UnbalancedLedgerError(f"{len(unfinished)} inputs have no final outcome; the first is {unfinished[0]}")
    lines = Counter(record.name for record in records)
    if lines != Counter(listed):
        raise UnbalancedLedgerError(
            f"{len(listed)} inputs were listed, but the ledger has {lines.total()} lines: "
            f"{_first_difference(Counter(listed), lines)}"
        )


def _first_difference(listed: Counter[str], lines: Counter[str]) -> str:
    name = min((listed - lines) or (lines - listed))
    return f"{name} is listed {listed[name]} times and has {lines[name]} lines"
