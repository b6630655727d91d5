"""The inputs of a run with their records in a temporary SQLite file: for any number of inputs in the same memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from mars_aurora.run.identity import choose_files, is_near
from mars_aurora.run.ledger import USABLE, Outcome, Record, finish_record, supersede
from mars_aurora.run.listing import note_change
from mars_aurora.run.map_results import Child, Status
from mars_aurora.run.sets import Swath, find_swath, split_sets

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16000;
CREATE TABLE listed (name TEXT PRIMARY KEY, opened INT NOT NULL, present INT NOT NULL) WITHOUT ROWID;
CREATE TABLE children (
    name TEXT NOT NULL, status INT NOT NULL, outcome TEXT, kind TEXT, start_ms INT,
    instrument TEXT, mode TEXT, orbit INT, start_utc TEXT, record TEXT, failure TEXT);
CREATE TABLE superseded (name TEXT PRIMARY KEY, used TEXT NOT NULL) WITHOUT ROWID;
"""
_OPENED = "INSERT INTO listed VALUES (?, 1, 0)"
_PRESENT = "INSERT INTO listed VALUES (?, 0, 1) ON CONFLICT (name) DO UPDATE SET present = 1"
_CHILD = "INSERT INTO children VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INDEX = (
    "CREATE INDEX IF NOT EXISTS children_name ON children (name)"  # sorted at once, which is faster than row by row
)
_REPEATED = "SELECT name FROM children GROUP BY name HAVING count(*) > 1"
_KEEP_BEST = """
DELETE FROM children WHERE name = :name AND rowid !=
    (SELECT rowid FROM children WHERE name = :name ORDER BY status DESC, rowid LIMIT 1)
"""
_SETTLED = """
SELECT name, opened, present, outcome, record, failure, used
FROM listed LEFT JOIN children USING (name) LEFT JOIN superseded USING (name) ORDER BY name
"""
_SWATHS = """
SELECT instrument, mode, orbit, start_utc, name FROM children LEFT JOIN superseded USING (name)
WHERE instrument IS NOT NULL AND used IS NULL ORDER BY instrument, mode, orbit, start_utc, name
"""


class Settled(NamedTuple):
    """An input with its outcome after the comparison with all others, and its record as JSON."""

    name: str
    outcome: Outcome
    record: str


class RecordTable:
    """The listed inputs, what the children of the map returned for them, and which of them are superseded.

    Use it in a ``with`` statement. One million inputs take 2 GB of the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = sqlite3.connect(folder / "records.sqlite", isolation_level=None)
        self._file.executescript(_TABLES)
        self._is_compared = False

    def __enter__(self) -> Self:
        self._file.execute("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add_opened(self, names: Iterable[str]) -> None:
        """Add the inputs that were listed when the run was opened."""
        self._file.executemany(_OPENED, ((name,) for name in names))

    def add_present(self, names: Iterable[str]) -> None:
        """Add the inputs that are listed now."""
        self._file.executemany(_PRESENT, ((name,) for name in names))
        self._is_compared = True

    def add_children(self, children: Iterable[Child]) -> None:
        """Add what children of the map returned; what failed first and succeeded in a redrive has succeeded."""
        self._file.executemany(_CHILD, (_row(child) for child in children if "name" in child.content))
        self._file.execute(_INDEX)
        self._file.executemany(_KEEP_BEST, [{"name": name} for (name,) in self._rows(_REPEATED)])

    def names(self) -> set[str]:
        """Return the names of all inputs in either list."""
        return {name for (name,) in self._rows("SELECT name FROM listed")}

    def count_children(self) -> dict[Status, int]:
        """Count the inputs by how their child ended."""
        return {
            Status(status): count
            for status, count in self._rows("SELECT status, count(*) FROM children GROUP BY status")
        }

    def count_listed(self) -> int:
        """Count the inputs that were listed when the run was opened."""
        return int(next(self._rows("SELECT count(*) FROM listed WHERE opened"))[0])

    def find_unlisted(self) -> str | None:
        """Return the name of an input that has a child and was not listed; None if there is none."""
        found = self._rows("SELECT name FROM children WHERE name NOT IN (SELECT name FROM listed WHERE opened) LIMIT 1")
        return next((name for (name,) in found), None)

    def supersede(self) -> None:
        """Find the files of one observation, and mark all but one of them, see `choose_files`."""
        query = "SELECT kind, start_ms, name FROM children WHERE kind IS NOT NULL ORDER BY kind, start_ms"
        for names in _find_groups(self._rows(query)):
            identities = {name: self._find_record(name).identity for name in names}
            used = choose_files({name: identity for name, identity in identities.items() if identity is not None})
            marked = [(name, best) for name, best in used.items() if name != best]
            self._file.executemany("INSERT INTO superseded VALUES (?, ?)", marked)

    def settle(self) -> Iterator[Settled]:
        """Yield each input once, sorted by name, as `mars_aurora.run.ledger.settle` and `note_changes` do."""
        for name, opened, present, outcome, text, failure, used in self._rows(_SETTLED):
            is_changed = self._is_compared and opened != present
            if outcome is not None and used is None and not is_changed:
                yield Settled(name, Outcome(outcome), text)
                continue
            record = finish_record(name, Record.from_json(text.encode()) if text else None, failure or "")
            if used is not None:
                record = supersede(record, self._find_record(used))
            if is_changed:
                record = note_change(record, added=not opened, removed=not present)
            yield Settled(name, record.outcome, record.to_json().decode())

    def find_sets(self) -> Iterator[list[str]]:
        """Yield the names of the inputs of each observation set, of those that were read and are not superseded."""
        return split_sets(Swath(*row) for row in self._rows(_SWATHS))

    def _find_record(self, name: str) -> Record:
        (text,) = next(self._rows("SELECT record FROM children WHERE name = ?", (name,)))
        return Record.from_json(text.encode())

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        return iter(self._file.execute(query, values))


def _row(child: Child) -> tuple[object, ...]:
    """Return the row of a child; it has a record if it succeeded, and its input was not ignored by its name.

    The outcome of a candidate whose objects were not counted is not known.
    """
    values = child.content
    if child.status is not Status.SUCCEEDED or "origin" not in values:
        return values["name"], child.status, *([None] * 8), child.failure
    outcome, identity = values["outcome"], values["identity"]
    kind, start_ms, swath = None, None, None
    if outcome in USABLE and identity is not None:
        start_ms = identity["start_ms"]
        parts = ("instrument", "channel", "integrations") if start_ms is not None else ("content_sha256",)
        kind = "\n".join(str(identity[part]) for part in parts)
    if outcome in USABLE and "image" in values["origin"]["products"]:
        swath = find_swath(values["name"])
    if outcome == Outcome.CANDIDATE and values["objects"] is None:
        outcome = None
    return values["name"], child.status, outcome, kind, start_ms or 0, *(swath or [None] * 5)[:4], child.text, ""


def _find_groups(rows: Iterable[tuple[str, int, str]]) -> Iterator[list[str]]:
    """Yield the names of two or more files whose times are near, of rows of kind, time and name in ascending order."""
    for _, same in groupby(rows, lambda row: row[0]):
        names: list[str] = []
        previous_ms = 0
        for _, start_ms, name in same:
            if names and not is_near(start_ms, previous_ms):
                if len(names) > 1:
                    yield names
                names = []
            names.append(name)
            previous_ms = start_ms
        if len(names) > 1:
            yield names
