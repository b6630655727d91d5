"""Rows of the products: any number of them, in a file that is written once and read by each writer."""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Generic, Protocol, Self, TypeVar

from mars_aurora.aurora import Aurora
from mars_aurora.run.ledger import Record

Item = TypeVar("Item")
Item_co = TypeVar("Item_co", covariant=True)
BLOCK_ROWS = 5000


class Rows(Protocol[Item_co]):
    """Rows that can be read more than once: a list, or a `RowFile`."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Item_co]: ...

    def __getitem__(self, number: int, /) -> Item_co: ...


class RowFile(Generic[Item]):
    """Rows in a file of this program, in the order in which they are added; memory has eight bytes a row.

    Rows are added in a ``with`` statement, and read after it. Another process can read them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts = array("Q")
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_path": self._path, "_starts": self._starts, "_file": None}

    def add(self, row: Item) -> None:
        if self._file is None:
            raise ValueError("rows are added in a with statement only")
        self._starts.append(self._file.tell())
        pickle.dump(row, self._file, pickle.HIGHEST_PROTOCOL)

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[Item]:
        with self._path.open("rb") as file:
            for _ in self._starts:
                yield pickle.load(file)  # noqa: S301 -- written by this program

    def __getitem__(self, number: int) -> Item:
        with self._path.open("rb") as file:
            file.seek(self._starts[number])
            return pickle.load(file)  # type: ignore[no-any-return]  # noqa: S301 -- see __iter__


def write_rows(path: Path, rows: Iterable[Item]) -> RowFile[Item]:
    """Write rows to a file."""
    with RowFile[Item](path) as file:
        for row in rows:
            file.add(row)
    return file


def pair(records: Iterable[Record], auroras: Iterable[Aurora]) -> Iterator[tuple[Record, Sequence[Aurora]]]:
    """Yield each record with the auroras of its input, which are in the order of the records.

    Raises ValueError if they are not.
    """
    groups = groupby(auroras, attrgetter("name"))
    waiting = next(groups, None)
    for record in records:
        if waiting is None or waiting[0] != record.name:
            yield record, ()
            continue
        yield record, list(waiting[1])
        waiting = next(groups, None)
    if waiting is not None:
        raise ValueError(f"the auroras of {waiting[0]} have no record, or are not in the order of the records")
