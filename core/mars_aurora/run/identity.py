"""Which inputs are files of one observation, and which of them is used.

Files of one observation are its processing levels, versions and copies. They agree in instrument, channel, time of
the first integration and number of integrations, or in their checksum where they have no times. The name of a file
says little: copies are renamed, and the time in a name differs from that of the first integration by up to a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mars_aurora.readers.names import parse_name

if TYPE_CHECKING:  # the command line imports the ledger, and starts without numpy
    from mars_aurora.observation import Observation

_LEVELS = ("l2a", "l3disk", "l2b")  # in order of preference
_SAME_START_MS = 100


@dataclass(frozen=True)
class Identity:
    """What identifies an observation, and what ranks the files of one observation.

    Attributes
    ----------
    instrument, channel : str
    start_ms : int or None
        Time of the first integration, milliseconds from 1970, UTC; None if unknown.
    integrations : int
    content_sha256 : str
        Checksum, of files without times only.
    mode, swath : str
        By the name of the file in its own header, or else by its name; compared only where both files have them.
    level : str
    version : tuple of int
        Version, revision and rank of the kernels, as in `FileName.rank`.
    """

    instrument: str
    channel: str = ""
    start_ms: int | None = None
    integrations: int = 0
    content_sha256: str = ""
    mode: str = ""
    swath: str = ""
    level: str = ""
    version: tuple[int, ...] = ()

    @staticmethod
    def from_json(values: Mapping[str, object]) -> Identity:
        """Build an identity from parsed JSON; raises TypeError or KeyError if ``values`` has other fields."""
        known = {field.name: values[field.name] for field in fields(Identity)}
        return Identity(**{**known, "version": tuple(known["version"])})  # type: ignore[arg-type]  # -- parsed JSON

    @property
    def kind(self) -> tuple[str | int, ...]:
        """What all files of one observation have exactly in common."""
        if self.start_ms is None:
            return (self.content_sha256,)
        return (self.instrument, self.channel, self.integrations)

    def may_equal(self, other: Identity) -> bool:
        """Return whether nothing that both files state tells their observations apart."""
        if self.kind != other.kind or not is_near(self.start_ms or 0, other.start_ms or 0):
            return False
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("mode", "swath"))
        return all(not own or not others or own == others for own, others in pairs)


def is_near(start_ms: int, other_ms: int) -> bool:
    """Return whether two times of the first integration, in ms, may be those of one observation."""
    return abs(start_ms - other_ms) <= _SAME_START_MS


def identify(observation: Observation) -> Identity:
    """Identify the observation of a file, from its header and tables."""
    facts = observation.facts
    named = parse_name(facts.file_name or "") or parse_name(facts.name)
    first = observation.time_utc[0]
    return Identity(
        instrument=facts.instrument,
        channel=facts.channel or "",
        start_ms=None if str(first) == "NaT" else int(first.astype("datetime64[ms]").astype("int64")),
        integrations=observation.shape[0],
        content_sha256=facts.content_sha256 or "",
        mode="" if named is None else named.mode,
        swath="" if named is None or named.swath is None else "{}of{}".format(*named.swath),
        level=facts.level,
        version=() if named is None else named.rank,
    )


def choose_files(identities: Mapping[str, Identity]) -> dict[str, str]:
    """Choose for each file, by name, the file of its observation that is used: itself or a better one.

    The best file has the best level, then the highest version, then a name by the grammar of its mission with the
    highest version, then the shortest name.
    """
    used: dict[str, str] = {}
    chosen: dict[tuple[object, ...], list[str]] = {}  # by kind and time, so that each file is compared with few others
    for name in sorted(identities, key=lambda name: _rank(name, identities[name]), reverse=True):
        identity = identities[name]
        slot = (identity.start_ms or 0) // _SAME_START_MS
        near = [other for step in (-1, 0, 1) for other in chosen.get((*identity.kind, slot + step), [])]
        used[name] = next((other for other in near if identity.may_equal(identities[other])), name)
        if used[name] == name:
            chosen.setdefault((*identity.kind, slot), []).append(name)
    return used


def describe_rank(name: str, identity: Identity) -> str:
    """Return a text by which the files of one observation are ranked as `choose_files` does: the largest is the best.

    Files of one rank differ in their names only, of which the shortest is the best, then the first.
    """
    level, version, by_grammar, named, *_ = _rank(name, identity)
    return f"{level + 1}.{_to_digits(version)}.{by_grammar:d}.{_to_digits(named)}"


def _to_digits(version: tuple[int, ...]) -> str:
    """Return a version of up to four numbers, from -1, as a text that sorts as the version does."""
    return ".".join(f"{number + 1:06}" for number in (*version, *[-1] * (4 - len(version))))


def _rank(name: str, identity: Identity) -> tuple[Any, ...]:
    level = _LEVELS.index(identity.level) if identity.level in _LEVELS else -1
    parsed = parse_name(name)
    by_grammar = parsed is not None and not parsed.is_copy
    version = () if parsed is None else parsed.rank
    return level, identity.version, by_grammar, version, -len(name), tuple(-ord(letter) for letter in name)
