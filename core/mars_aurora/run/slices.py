"""Slices of the inputs of a run, sorted by name: what one function measures at once."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar

from mars_aurora.aurora import Aurora
from mars_aurora.detect.detectors import DetectorName, DetectorVersion
from mars_aurora.run.ledger import Record

if TYPE_CHECKING:
    from mars_aurora.background.exposure import Cells

Item = TypeVar("Item")
SLICE_SIZE = 100  # inputs; their candidates are measured in less than a minute
_FAST = 1  # level of gzip


@dataclass(frozen=True)
class MeasuredSlice:
    """The results of a slice.

    Attributes
    ----------
    records : list of Record
        With final outcomes.
    auroras : list of Aurora
        In the order of the records.
    searched : (N,) ndarray of `CELL`
        What was searched in its inputs, joined.
    detectors : list of DetectorVersion
        Those that found the boxes.
    """

    records: list[Record]
    auroras: list[Aurora]
    searched: Cells
    detectors: list[DetectorVersion]


def split(items: Iterable[Item], size: int = SLICE_SIZE) -> Iterator[list[Item]]:
    """Split items into lists of a size; the last one may be shorter."""
    waiting: list[Item] = []
    for item in items:
        waiting.append(item)
        if len(waiting) == size:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def pack_records(records: Iterable[str]) -> bytes:
    """Pack records, each as JSON."""
    return gzip.compress("".join(f"{record}\n" for record in records).encode(), _FAST, mtime=0)


def unpack_records(data: bytes) -> list[Record]:
    """Unpack the output of `pack_records`."""
    return [Record.from_json(line) for line in gzip.decompress(data).splitlines()]


def pack_measured(measured: MeasuredSlice) -> bytes:
    """Pack the results of a slice; numbers that are not finite are JSON extensions."""
    from mars_aurora.background.exposure import to_npy  # noqa: PLC0415 -- loads numpy, which most steps do not need

    values = {
        "records": [record.to_event() for record in measured.records],
        "auroras": [asdict(aurora) for aurora in measured.auroras],
        "searched": base64.b64encode(to_npy(measured.searched)).decode(),
        "detectors": [asdict(detector) for detector in measured.detectors],
    }
    return gzip.compress(json.dumps(values).encode(), _FAST, mtime=0)


def unpack_measured_records(data: bytes) -> list[Record]:
    """Unpack the records from the output of `pack_measured`."""
    return [Record.from_event(record) for record in json.loads(gzip.decompress(data))["records"]]


def unpack_measured(data: bytes) -> MeasuredSlice:
    """Unpack the output of `pack_measured`."""
    from mars_aurora.background.exposure import from_npy  # noqa: PLC0415 -- see pack_measured

    values = json.loads(gzip.decompress(data))
    detectors = [(DetectorName(found["name"]), found["weights_sha256"]) for found in values["detectors"]]
    return MeasuredSlice(
        records=[Record.from_event(record) for record in values["records"]],
        auroras=[Aurora(**aurora) for aurora in values["auroras"]],
        searched=from_npy(base64.b64decode(values["searched"])),
        detectors=[DetectorVersion(*found) for found in detectors],
    )
