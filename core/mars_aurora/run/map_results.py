"""What the children of a distributed map returned, in the files that its ResultWriter wrote.

Each manifest.json names a map run and its files by status. A redrive writes another manifest in a folder below. What
succeeded is in the shape COMPACT, the output of the child. What failed or was not started is always in the shape NONE:
the fields of the execution, in which the input of the child is a text with JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from typing import IO, Any

from mars_aurora.run.storage import BulkStorage

_CHUNK_LETTERS = 1 << 20


class Status(IntEnum):
    """How a child ended. Of several children of one input, before and after a redrive, the highest counts."""

    PENDING = 1
    FAILED = 2
    SUCCEEDED = 3


@dataclass(frozen=True)
class Child:
    """What a child returned, or its input if it failed.

    Attributes
    ----------
    status : Status
    content : dict
        Output of a child that succeeded, input of another; empty if the latter is not known.
    text : str
        The same as JSON.
    failure : str
        Error and cause of a child that failed.
    """

    status: Status
    content: Mapping[str, Any]
    text: str
    failure: str = ""


@dataclass(frozen=True)
class MapResults:
    """The ARNs of the map runs of one map, the first of which had all its inputs, and the files by status."""

    map_runs: tuple[str, ...]
    files: tuple[tuple[Status, str], ...]


def find_results(work: BulkStorage, folder: str) -> MapResults:
    """Find the results of the map runs and redrives in a folder; none if no manifest was written."""
    keys = [key for key in work.list(folder) if key.endswith("/manifest.json")]
    manifests = [json.loads(work.get(key)) for key in keys]
    files = {
        (Status[status], file["Key"])
        for manifest in manifests
        for status, listed in manifest["ResultFiles"].items()
        for file in listed
    }
    runs = dict.fromkeys(manifest["MapRunArn"] for manifest in manifests)
    return MapResults(tuple(runs), tuple(sorted(files)))


def read_children(work: BulkStorage, results: MapResults) -> Iterator[Child]:
    """Yield the children in the files of a map; memory is needed for one of them only."""
    for status, key in results.files:
        with work.local_file(key, work.version(key)) as path, path.open(encoding="utf-8", newline="\n") as file:
            for text, value in _read_values(file):
                yield _describe(status, text, value)


def _describe(status: Status, text: str, value: dict[str, Any]) -> Child:
    is_execution = "ExecutionArn" in value and "Status" in value  # the shape NONE
    if not is_execution:
        return Child(status, value, text)
    inner = value.get("Output" if status is Status.SUCCEEDED else "Input") or "{}"
    content = json.loads(inner) if isinstance(inner, str) else inner
    failure = " ".join(str(value[name]) for name in ("Error", "Cause") if value.get(name))
    return Child(status, content, inner if isinstance(inner, str) else json.dumps(inner), failure)


def _read_values(file: IO[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of a file of JSON lines or of a JSON array, as text and as value."""
    start = file.read(1)
    if start == "[":
        yield from _read_array(file)
        return
    for line in chain([start + file.readline()], file):
        if line.strip():
            yield line.rstrip("\n"), json.loads(line)


def _read_array(file: IO[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    decoder, text, position = json.JSONDecoder(), "", 0
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        try:
            value, end = decoder.raw_decode(text, position)
        except ValueError:
            more = file.read(_CHUNK_LETTERS)
            if not more:
                if text[position:].strip() != "]":
                    raise
                return
            text, position = text[position:] + more, 0
            continue
        yield text[position:end], value
        position = end
