"""Observation sets: successive swaths of one instrument, mode and orbit, by the names of their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from mars_aurora.readers.names import parse_name

_MAX_START_INTERVAL = timedelta(hours=1.5)  # between successive swaths of one set


class Swath(NamedTuple):
    """What the name of a file says of its swath; those of one set follow each other in this order."""

    instrument: str
    mode: str
    orbit: int
    start_utc: str
    name: str


def find_swath(name: str) -> Swath | None:
    """Return the swath of an input; None if its name follows no naming convention."""
    parsed = parse_name(name)
    return Swath(parsed.instrument, parsed.mode, parsed.orbit, parsed.start_utc, name) if parsed else None


def split_sets(swaths: Iterable[Swath]) -> Iterator[list[str]]:
    """Yield the names of the inputs of each set, of swaths in ascending order."""
    names: list[str] = []
    previous: Swath | None = None
    for swath in swaths:
        if previous is not None and not _follows(previous, swath):
            yield names
            names = []
        names.append(swath.name)
        previous = swath
    if names:
        yield names


def _follows(previous: Swath, swath: Swath) -> bool:
    if previous[:3] != swath[:3]:
        return False
    interval = datetime.fromisoformat(swath.start_utc) - datetime.fromisoformat(previous.start_utc)
    return interval <= _MAX_START_INTERVAL


def find_sets(names: Iterable[str]) -> Iterator[list[str]]:
    """Yield the names of the inputs of each set, in the order of their times; others than swaths are left out."""
    return split_sets(sorted(swath for swath in map(find_swath, names) if swath is not None))


def group_sets(names: Iterable[str]) -> dict[str, str]:
    """Return the observation set of each input, named after its first swath.

    An input whose name follows no naming convention forms a set by itself.
    """
    names = list(names)
    first = {name: members[0] for members in find_sets(names) for name in members}
    return {name: first.get(name, name) for name in names}
