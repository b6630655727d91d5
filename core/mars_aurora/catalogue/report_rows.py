"""Rows of the report: pictures with their sightings of auroras, those with auroras first, and the joined auroras.

Rows are lists of values in the order of the columns, of which the page makes objects. Numbers have four digits; those
that are not finite are null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from operator import attrgetter
from typing import Any

import numpy as np
import shapely

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue.cells import finite_or_none
from mars_aurora.catalogue.entry import Entry
from mars_aurora.catalogue.rows import Rows, pair
from mars_aurora.readers.names import parse_name
from mars_aurora.run.keys import RunPaths, flat_name
from mars_aurora.run.ledger import PICTURED, Outcome, Record
from mars_aurora.run.sets import group_sets

_PICTURE = (
    "name", "src", "label", "outcome", "reason", "objects", "mode", "start", "set", "flags", "night_area_km2",
    "limit_R", "perspective", "mars_box", "sightings",
)  # fmt: skip
_MEASURED = (  # columns of the catalogue
    "detection", "aurora_id", "time_utc", "lat_deg", "lon_deg", "local_time_h", "sza_deg", "emission_angle_deg",
    "area_km2", "area_error_km2", "mean_brightness_R", "mean_random_error_R", "peak_brightness_R", "snr",
    "confidence", "morphology", "quality_flags",
)  # fmt: skip
_JOINED = (  # columns of auroras.csv
    "aurora_id", "first_utc", "lat_deg", "lon_deg", "local_time_h", "sza_deg", "area_km2", "mean_brightness_R",
    "peak_brightness_R", "snr", "confidence", "morphology", "quality_flags",
)  # fmt: skip
COLUMNS = {
    "picture": _PICTURE,
    "sighting": (*_MEASURED, "box", "outlines", "rings"),
    "aurora": (*_JOINED, "seen"),
}
_SIMPLIFY_DEG, _SIMPLIFY_PX = 0.5, 0.7


def list_pictures(records: Rows[Record], auroras: Rows[Aurora]) -> Iterator[list[Any]]:
    """Yield the row of each picture: first those with auroras, each kind in the order of the records."""
    sets = group_sets(record.name for record in records if record.outcome in PICTURED)
    swaths = Counter(sets.values())
    for with_auroras in (True, False):
        for record, found in pair(records, auroras):
            if record.outcome in PICTURED and (record.outcome is Outcome.AURORA) == with_auroras:
                first = sets[record.name]
                yield _picture(record, found, first if swaths[first] > 1 else "")


def _picture(record: Record, auroras: Sequence[Aurora], observation_set: str) -> list[Any]:
    parsed, paths, night = parse_name(record.name), RunPaths(), record.night
    return [
        record.name,
        paths.detection(record.name) if record.outcome is Outcome.AURORA else paths.image(record.name),
        flat_name(record.name),
        record.outcome,
        record.reason,
        record.objects,
        parsed.mode if parsed else "",
        parsed.start_utc if parsed else "",
        paths.set_picture(observation_set) if observation_set else "",
        " ".join(record.flags),
        _round(night.area_km2 if night else None),
        _round(night.limit_R if night else None),
        [_round(value) for value in astuple(record.perspective)] if record.perspective else None,
        record.mars_box,
        [_sighting(aurora) for aurora in auroras],
    ]


def _sighting(aurora: Aurora) -> list[Any]:
    parts = shapely.get_parts(shapely.from_wkt(aurora.outline_wkt))
    return [
        *(_round(getattr(aurora, name)) for name in _MEASURED),
        [round(side, 1) for side in (aurora.box_x0, aurora.box_y0, aurora.box_x1, aurora.box_y1)],
        [_read_ring(part) for part in aurora.picture_outline.split(";") if part],
        [shapely.get_coordinates(part.simplify(_SIMPLIFY_DEG).exterior).round(1).tolist() for part in parts],
    ]


def _read_ring(part: str) -> list[list[float]]:
    """Read one part of an outline on the picture; the ring is closed."""
    corners = np.array(part.split(","), np.float64).reshape(-1, 2)
    line = shapely.LineString(np.concatenate([corners, corners[:1]])).simplify(_SIMPLIFY_PX)
    return shapely.get_coordinates(line).round(1).tolist()  # type: ignore[no-any-return]  # -- shapely has no types


def list_auroras(entries: Iterable[Entry], auroras: Iterable[Aurora]) -> Iterator[list[Any]]:
    """Yield the row of each joined aurora, with the name and the detection of its sightings, the largest first."""
    by_id: dict[str, list[tuple[float, str, int]]] = {}
    for aurora in auroras:
        if aurora.has_signal:
            by_id.setdefault(aurora.aurora_id, []).append((aurora.area_km2, aurora.name, aurora.detection))
    read = attrgetter(*_JOINED)
    for entry in entries:
        seen = sorted(by_id[entry.aurora_id], key=lambda sighting: -sighting[0])
        yield [*map(_round, read(entry)), [[name, detection] for _, name, detection in seen]]


def _round(value: object) -> object:
    """Return a number with four digits, or None where it is not finite; other values as they are."""
    return finite_or_none(float(f"{value:.4g}")) if isinstance(value, float) else value
