"""A case: an edit of a sound file, and the right answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.corpus.editing import Hdu, join, make_table, read_columns, read_image, split
from mars_aurora_model.simulator.writers.fits_table import Columns


@dataclass(frozen=True)
class Right:
    """The answers that are right; at least one is.

    Attributes
    ----------
    as_base : the auroras, areas and brightness of the sound file, within the errors
    reasons : codes of the rejections that are right; "*" for any
    other : any result of an undamaged kind, as after changed data that carry no checksum
    outcomes : further outcomes that are right, such as ``ignored`` or, with a reason, ``failed:unreadable``
    flag : code that the ledger must show for a result as base, or empty
    """

    as_base: bool = False
    reasons: frozenset[str] = frozenset()
    other: bool = False
    outcomes: frozenset[str] = frozenset()
    flag: str = ""

    def __or__(self, more: Right) -> Right:
        return Right(
            self.as_base or more.as_base,
            self.reasons | more.reasons,
            self.other or more.other,
            self.outcomes | more.outcomes,
            self.flag or more.flag,
        )


AS_BASE = Right(as_base=True)
REJECTED = Right(reasons=frozenset({"*"}))
SOUND = AS_BASE | REJECTED  # the file as it was, or a rejection; never another result
ANY = Right(other=True) | SOUND
IGNORED = Right(outcomes=frozenset({"ignored"}))
SUPERSEDED = Right(outcomes=frozenset({"superseded"}))
DAMAGED = Right(reasons=frozenset({"corrupt", "truncated"}))


def rejected(*reasons: str) -> Right:
    return Right(reasons=frozenset(reasons))


class Document:
    """A sound file to be edited in place."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.hdus = split(content)

    def __getitem__(self, name: str) -> Hdu:
        return next(hdu for hdu in self.hdus if hdu.name == name)

    def columns(self, hdu: str) -> Columns:
        return read_columns(self[hdu])

    def set_columns(self, hdu: str, columns: Columns) -> Hdu:
        """Replace a table by one of these columns; return it."""
        return self.replace(hdu, make_table(hdu, columns))

    def replace(self, name: str, hdu: Hdu) -> Hdu:
        self.hdus[self.hdus.index(self[name])] = hdu
        return hdu

    def image(self, hdu: str) -> object:
        return read_image(self[hdu])

    def joined(self) -> bytes:
        return join(self.hdus)


Edit = Callable[[Document], bytes | None]


@dataclass(frozen=True)
class Case:
    """One file of the corpus.

    Attributes
    ----------
    kind, what : group and description
    edit : change the document and return the bytes of the file, or None for the document as it is
    right : the right answers
    base : the sound file that is edited: ``emus``, ``iuvs``, ``emus_l2a`` ...
    name : name of the file, possibly with folders; empty for one made from kind and number
    observation : cases of a kind with the same text are files of one observation; empty for one of its own
    timed : whether the times of the result are those of the base
    place : put something else than a regular file at a path
    """

    kind: str
    what: str
    edit: Edit
    right: Right
    base: str = "emus"
    name: str = ""
    observation: str = ""
    timed: bool = True
    place: Callable[[Path, bytes], None] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Found:
    """What a case came to: ``verdict`` is "", "lost", "wrong" or "slow", and ``detail`` says why."""

    kind: str
    what: str
    verdict: str
    detail: str


Kind = Callable[[], Iterator[Case]]
KINDS: dict[str, Kind] = {}


def kind(function: Kind) -> Kind:
    """Register a generator of cases under its name."""
    KINDS[function.__name__] = function
    return function
