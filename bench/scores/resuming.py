"""Results kept line by line in a file, so that a stopped run continues where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]  # `map`, or that of a pool
_BATCH = 16  # jobs that are mapped at a time


def hash_stamp(*parts: object) -> str:
    """Return a text that differs where the parts differ."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def collect(  # noqa: PLR0913, PLR0917 -- where results are kept, how they are made, and how many
    path: Path,
    stamp: str,
    make: Callable[[Any], Any],
    jobs: Iterable[Any],
    is_enough: Callable[[Sequence[Any]], bool],
    run_map: Mapper = map,
) -> list[Any]:
    """Make the results of jobs in order until there are enough, and keep each as a line of a JSONL file.

    Those in the file are not made again if its first line has this stamp; a last line that was not completed is.

    Parameters
    ----------
    path : Path
    stamp : str
    make : callable
        Makes the result of a job: an object that JSON can hold.
    jobs : iterable
        The same jobs in each call.
    is_enough : callable
        Whether the results so far are enough.
    run_map : callable
        As `map`.
    """
    results = read(path, stamp)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in ({"stamp": stamp}, *results)))
    rest = islice(jobs, len(results), None)
    while not is_enough(results) and (batch := list(islice(rest, _BATCH))):
        with path.open("a") as stream:
            for result in run_map(make, batch):
                stream.write(json.dumps(result) + "\n")
                stream.flush()
                results.append(result)
    return results


def read(path: Path, stamp: str) -> list[Any]:
    """Read the complete lines of a file of results; none where it is missing or has another stamp."""
    if not path.is_file():
        return []
    header, *lines = path.read_text().rpartition("\n")[0].split("\n")
    if header != json.dumps({"stamp": stamp}):
        return []
    return [json.loads(line) for line in lines]
