"""The ledger: every listed object ends in exactly one outcome, and the counts add up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from mars_aurora.errors import UnbalancedLedgerError
from mars_aurora.keys import is_fits
from mars_aurora.products.names import parse_name


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


USABLE = (Outcome.CANDIDATE, Outcome.AURORA, Outcome.NO_AURORA, Outcome.DISCARDED)


@dataclass(frozen=True)
class Record:
    """One input's line: ``reason`` is a code, ``detail`` the sentence that goes with it."""

    name: str
    outcome: Outcome
    reason: str = ""
    objects: int | None = None
    auroras: int | None = None
    detail: str = ""

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()

    @staticmethod
    def from_json(data: bytes) -> Record:
        fields = json.loads(data)
        return Record(**{**fields, "outcome": Outcome(fields["outcome"])})


def settle(listed: Iterable[str], records: Mapping[str, Record]) -> list[Record]:
    """Give every listed name its record: what was recorded, else ignored or failed.

    Returns records sorted by name, older versions of an observation marked superseded.
    """
    settled = [
        records.get(name)
        or (
            Record(name, Outcome.FAILED, "no_record", detail="it was listed, but no step left a record of it")
            if is_fits(name)
            else Record(name, Outcome.IGNORED, "not_fits_name", detail="its name does not end in .fits or .fits.gz")
        )
        for name in sorted(set(listed))
    ]
    return mark_superseded(settled)


def mark_superseded(records: list[Record]) -> list[Record]:
    """Mark each usable record that a usable newer version of the same observation replaces.

    A rejected or failed newer version replaces nothing, so no observation is lost to a bad file.
    Of equal versions (a file and its gzipped twin) the first by name stays.
    """
    newest: dict[tuple[str, ...], Record] = {}
    for record in records:
        parsed = parse_name(record.name)
        if parsed is None or record.outcome not in USABLE:
            continue
        held = newest.get(parsed.observation)
        held_parsed = parse_name(held.name) if held else None
        if held_parsed is None or parsed.rank > held_parsed.rank:
            newest[parsed.observation] = record
    result = []
    for record in records:
        parsed = parse_name(record.name)
        best = newest.get(parsed.observation) if parsed else None
        if best is not None and best.name != record.name and record.outcome in USABLE:
            record = replace(  # noqa: PLW2901 -- the loop's own copy
                record,
                outcome=Outcome.SUPERSEDED,
                reason="newer_version",
                auroras=None,
                detail=f"replaced by {best.name}",
            )
        result.append(record)
    return result


def count_outcomes(records: Iterable[Record]) -> dict[str, int]:
    """Count the records of each outcome; every outcome has its place, zero included."""
    counts = {outcome.value: 0 for outcome in Outcome}
    for record in records:
        counts[record.outcome] += 1
    return counts


def require_balance(listed: int, records: list[Record]) -> None:
    """Raise UnbalancedLedgerError unless every listed object has one final outcome."""
    open_names = [record.name for record in records if record.outcome is Outcome.CANDIDATE]
    if open_names:
        raise UnbalancedLedgerError(f"{len(open_names)} inputs have no final outcome, {open_names[0]} the first")
    if len(records) != listed or len({record.name for record in records}) != listed:
        raise UnbalancedLedgerError(f"{listed} inputs were listed, but the ledger holds {len(records)} lines")
