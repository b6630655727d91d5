"""What ``mars-aurora inspect`` reports: the contents of files, and what ``run`` does with them before detection.

Each file goes through the steps of a run in a temporary folder, so that both agree.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mars_aurora import readers
from mars_aurora.emission import find_emission
from mars_aurora.local.inputs import InputFiles
from mars_aurora.local.tasks import Job, read_and_classify
from mars_aurora.observation import Observation
from mars_aurora.run.keys import is_fits
from mars_aurora.run.ledger import USABLE, Record, settle
from mars_aurora.run.records import find_record

Report = dict[str, Any]

OF_RECORD = (
    "name",
    "outcome",
    "reason",
    "detail",
    "superseded_by",
    "objects",
    "flags",
    "residuals",
    "cleaning",
    "night",
)
OF_FILE = ("packed_bytes", "unpacked_bytes", "hdus")
OF_FACTS = ("instrument", "level", "start_utc", "end_utc", "orbit", "mode", "swath", "emission", "latitude_frame")
OF_IMAGE = ("integrations", "slit_bins", "brightness_R", "sza_deg", "latitude_deg", "longitude_deg")
_EMPTY: Report = dict.fromkeys((*OF_FILE, *OF_FACTS, *OF_IMAGE)) | {"hdus": []}
_PERCENTILES = (1, 50, 99)


def inspect_files(inputs: InputFiles, job: Job) -> list[Report]:
    """Inspect the inputs of a run with the settings of a job, in place of whose folder a temporary one is used.

    Returns one report for each input, by name, with the keys that docs/inspect.md describes. As in a run, all but one
    file of an observation are superseded.
    """
    records, contents = dict(inputs.records), {}
    for name, path in inputs.paths.items():
        if is_fits(name) and name not in records and (record := _read(name, path, job)):
            records[name] = record
        if path.is_file():  # reading a named pipe would block
            contents[name] = _describe_file(name, path, job.emission)
    return [
        _describe_record(record) | _EMPTY | contents.get(record.name, {}) for record in settle(inputs.paths, records)
    ]


def is_used(report: Report) -> bool:
    """Return whether a run uses the file of a report."""
    return report["outcome"] in USABLE


def to_json(reports: Sequence[Report]) -> str:
    """Write reports as one JSON document, a list; numbers that are not finite are null."""
    finite = json.loads(json.dumps(reports), parse_constant=lambda _: None)
    return json.dumps(finite, indent=2)


def _read(name: str, path: Path, job: Job) -> Record | None:
    """Apply the steps of a run before detection to one file; return its record."""
    with TemporaryDirectory() as folder:
        aside = replace(job, out=Path(folder))
        read_and_classify((name, path), aside)
        return find_record(aside.work, aside.keys, name)


def _describe_record(record: Record) -> Report:
    values = asdict(record)
    return {name: values[name] for name in OF_RECORD}


def _describe_file(name: str, path: Path, emission: str) -> Report:
    inspection = readers.inspect(path, name, find_emission(emission))
    sizes = {"packed_bytes": inspection.packed_bytes, "unpacked_bytes": inspection.unpacked_bytes}
    observed = {} if inspection.observation is None else _describe_observation(inspection.observation)
    return sizes | observed | {"hdus": [asdict(hdu) for hdu in inspection.hdus]}


def _describe_observation(observation: Observation) -> Report:
    """Describe an observation as it is in the file, not cleaned; angles of the disk."""
    known = observation.brightness_R[np.isfinite(observation.brightness_R)]
    disk = observation.on_disk
    return {name: getattr(observation.facts, name) for name in OF_FACTS} | {
        "integrations": observation.shape[0],
        "slit_bins": observation.shape[1],
        "brightness_R": np.percentile(known, _PERCENTILES).tolist() if known.size else None,
        "sza_deg": _find_range(observation.sza_deg[disk]),
        "latitude_deg": _find_range(observation.latitude_deg[disk]),
        "longitude_deg": _find_arc(observation.longitude_deg[disk]),
    }


def _find_range(values: NDArray[Any]) -> list[float] | None:
    known = values[np.isfinite(values)]
    return [float(known.min()), float(known.max())] if known.size else None


def _find_arc(longitude_deg: NDArray[Any]) -> list[float] | None:
    """Find the shortest arc with all longitudes, from west to east: the rest is the widest gap between them."""
    known = np.unique(longitude_deg[np.isfinite(longitude_deg)] % 360)
    if not known.size:
        return None
    gaps = np.diff(known, append=known[0] + 360)
    widest = known.size - 1 - int(gaps[::-1].argmax())  # the last of equal ones: all around is 0 to 360
    return [float(known[(widest + 1) % known.size]), float(known[widest])]
