"""Rows of the report: pictures with their sightings of auroras, those with auroras first, and the joined auroras.

Rows are lists of values in the order of the columns, of which the page makes objects. Numbers have four digits; those
that are not finite are null.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import shapely

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue.cells import finite_or_none
from mars_aurora.catalogue.entries import Entry
from mars_aurora.catalogue.sightings import group_sets
from mars_aurora.geometry.canvas import project_points
from mars_aurora.geometry.outline import find_cut
from mars_aurora.readers.names import parse_name
from mars_aurora.run.keys import RunPaths, flat_name
from mars_aurora.run.ledger import PICTURED, Outcome, Record

_PICTURE = (
    "name", "src", "label", "outcome", "reason", "objects", "mode", "start", "set", "flags", "night_area_km2",
    "limit_R", "perspective", "sightings",
)  # fmt: skip
_MEASURED = (  # columns of the catalogue
    "detection", "aurora_id", "time_utc", "lat_deg", "lon_deg", "local_time_h", "sza_deg", "emission_angle_deg",
    "area_km2", "area_error_km2", "mean_brightness_R", "mean_random_error_R", "peak_brightness_R", "snr",
    "confidence", "morphology", "quality_flags",
)  # fmt: skip
_JOINED = (  # columns of auroras.csv, and of the largest sighting where that lacks them
    "aurora_id", "first_utc", "lat_deg", "lon_deg", "local_time_h", "sza_deg", "area_km2", "mean_brightness_R",
    "peak_brightness_R", "snr", "confidence", "morphology", "quality_flags",
)  # fmt: skip
COLUMNS = {
    "picture": _PICTURE,
    "sighting": (*_MEASURED, "box", "outlines", "rings"),
    "aurora": (*_JOINED, "seen"),
}
_SIMPLIFY_DEG, _SIMPLIFY_PX = 0.5, 0.7


def list_pictures(records: Iterable[Record], auroras: Iterable[Aurora], shell_km: float) -> Iterator[list[Any]]:
    """Yield the row of each picture: first those with auroras, each kind in the order of the records."""
    by_name: dict[str, list[Aurora]] = {}
    for aurora in auroras:
        by_name.setdefault(aurora.name, []).append(aurora)
    pictured = [record for record in records if record.outcome in PICTURED]
    sets = group_sets(record.name for record in pictured)
    sizes: dict[str, int] = {}
    for first in sets.values():
        sizes[first] = sizes.get(first, 0) + 1
    for record in sorted(pictured, key=lambda record: record.outcome is not Outcome.AURORA):
        first = sets[record.name]
        yield _picture(record, by_name.get(record.name, []), first if sizes[first] > 1 else "", shell_km)


def _picture(record: Record, auroras: Sequence[Aurora], observation_set: str, shell_km: float) -> list[Any]:
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
        [_sighting(aurora, shell_km) for aurora in auroras],
    ]


def _sighting(aurora: Aurora, shell_km: float) -> list[Any]:
    parts = shapely.get_parts(shapely.from_wkt(aurora.outline_wkt))
    return [
        *(_round(getattr(aurora, name)) for name in _MEASURED),
        [round(side, 1) for side in (aurora.box_x0, aurora.box_y0, aurora.box_x1, aurora.box_y1)],
        [line for part in parts for line in _outlines(part, aurora, shell_km)],
        [shapely.get_coordinates(part.simplify(_SIMPLIFY_DEG).exterior).round(1).tolist() for part in parts],
    ]


def _outlines(part: shapely.Polygon, aurora: Aurora, shell_km: float) -> Iterator[list[list[float]]]:
    """Yield the visible pieces of an outline on the canvas, as seen when the scan passed the aurora."""
    ring = shapely.get_coordinates(shapely.segmentize(part.exterior, 1.0))
    points = np.column_stack(project_points(ring[:, 1], ring[:, 0], shell_km, aurora.perspective))
    visible = np.isfinite(points[:, 0])
    drawn = visible[:-1] & visible[1:] & ~find_cut(ring)  # edges
    ends = np.flatnonzero(np.diff(np.concatenate([[False], drawn, [False]]).astype(np.int8)))
    for start, end in ends.reshape(-1, 2):
        line = shapely.LineString(points[start : end + 1]).simplify(_SIMPLIFY_PX)
        yield shapely.get_coordinates(line).round(1).tolist()


def list_auroras(entries: Iterable[Entry], auroras: Iterable[Aurora]) -> Iterator[list[Any]]:
    """Yield the row of each joined aurora, with the name and the detection of its sightings, the largest first."""
    by_id: dict[str, list[Aurora]] = {}
    for aurora in auroras:
        by_id.setdefault(aurora.aurora_id, []).append(aurora)
    for entry in entries:
        seen = sorted(by_id[entry.aurora_id], key=lambda aurora: -aurora.area_km2)
        values = (getattr(entry, name) if hasattr(entry, name) else getattr(seen[0], name) for name in _JOINED)
        yield [*map(_round, values), [[aurora.name, aurora.detection] for aurora in seen]]


def _round(value: object) -> object:
    """Return a number with four digits, or None where it is not finite; other values as they are."""
    return finite_or_none(float(f"{value:.4g}")) if isinstance(value, float) else value
