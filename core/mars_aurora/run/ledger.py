"""The ledger: every listed object ends in exactly one outcome, and the counts add up."""

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
    """What became of an input. ``candidate`` is on the way; the others are final."""

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
    """One input's line: ``reason`` is a code, ``detail`` the sentence that goes with it.

    ``objects`` counts those in the image, the disk included; ``auroras`` those measured.
    """

    name: str
    outcome: Outcome
    reason: str = ""
    objects: int | None = None
    auroras: int | None = None
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Tell whether the work behind this record is done; a failure is to be tried again."""
        return self.outcome is not Outcome.FAILED

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()

    @staticmethod
    def from_json(data: bytes) -> Record:
        """Read what `to_json` wrote; raises ValueError for anything else."""
        try:
            fields = json.loads(data)
            return Record(**{**fields, "outcome": Outcome(fields["outcome"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a ledger record: {error}") from error


def settle(listed: Iterable[str], records: Mapping[str, Record]) -> list[Record]:
    """Give every listed name its record: what was recorded, else ignored or failed.

    Returns records sorted by name, older versions of an observation marked superseded.
    """
    return mark_superseded([records.get(name) or _unrecorded(name) for name in sorted(set(listed))])


def _unrecorded(name: str) -> Record:
    if is_fits(name):
        return Record(name, Outcome.FAILED, "no_record", detail="it was listed, but no step left a record of it")
    return Record(name, Outcome.IGNORED, "not_fits_name", detail="its name does not end in .fits or .fits.gz")


def mark_superseded(records: Sequence[Record]) -> list[Record]:
    """Mark each usable record that a usable newer version of the same observation replaces.

    A rejected or failed newer version replaces nothing, so no observation is lost to a bad file.
    Of equal versions (a file and its gzipped twin) the first by name stays.
    """
    parsed = {record.name: parse_name(record.name) for record in records if record.outcome in USABLE}
    versions = {name: version for name, version in parsed.items() if version is not None}
    best: dict[tuple[str, ...], str] = {}
    for name, version in sorted(versions.items()):
        held = best.setdefault(version.observation, name)
        if version.rank > versions[held].rank:
            best[version.observation] = name
    return [_superseded_by(record, best, versions.get(record.name)) for record in records]


def _superseded_by(record: Record, best: Mapping[tuple[str, ...], str], version: FileName | None) -> Record:
    stays = record.name if version is None else best[version.observation]
    if stays == record.name:
        return record
    detail = f"{stays} holds the same observation, in this version or a newer one"
    return replace(record, outcome=Outcome.SUPERSEDED, reason="newer_version", auroras=None, detail=detail)


def count_outcomes(records: Iterable[Record]) -> dict[str, int]:
    """Count the records of each outcome; every outcome has its place, zero included."""
    return {outcome.value: 0 for outcome in Outcome} | Counter(record.outcome.value for record in records)


def require_balance(listed: Collection[str], records: Sequence[Record]) -> None:
    """Raise UnbalancedLedgerError unless every listed name has exactly one record, of a final outcome."""
    unsettled = [record.name for record in records if record.outcome is Outcome.CANDIDATE]
    if unsettled:
        raise UnbalancedLedgerError(f"{len(unsettled)} inputs have no final outcome, {unsettled[0]} the first")
    lines = Counter(record.name for record in records)
    if lines != Counter(listed):
        raise UnbalancedLedgerError(
            f"{len(listed)} inputs were listed, the ledger holds {lines.total()} lines: "
            f"{_first_difference(Counter(listed), lines)}"
        )


def _first_difference(listed: Counter[str], lines: Counter[str]) -> str:
    name = min((listed - lines) or (lines - listed))
    return f"{name} is listed {listed[name]} times and has {lines[name]} lines"
