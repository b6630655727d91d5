"""Swaths that belong together, and auroras seen in more than one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import cv2
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mars_aurora.aurora import Aurora
from mars_aurora.geometry import footprint
from mars_aurora.geometry.footprint import Plane
from mars_aurora.readers.names import parse_name

_SET_GAP = timedelta(hours=1.5)  # between the starts of successive swaths of one set
_OVERLAP = 0.1  # of the smaller outline, to be the same aurora
_SEAM_KM = 100.0  # two that both touch a swath's edge are one if they come so near: a pixel or two


@dataclass(frozen=True)
class Entry:
    """One aurora with its sightings joined: extremes, unions and means weighted by area."""

    aurora_id: str
    sightings: int
    names: str
    lat_deg: float
    lon_deg: float
    area_km2: float
    mean_brightness_R: float
    peak_brightness_R: float
    confidence: float
    first_utc: str
    last_utc: str
    outline_wkt: str


def group_sets(names: Iterable[str]) -> dict[str, str]:
    """Name each input's observation set: swaths of one instrument, mode and orbit, each soon after the one before.

    An input whose name is not a mission's is a set of its own. Sets are named after their first swath.
    """
    sets: dict[str, str] = {}
    parsed = {name: parse_name(name) for name in names}
    known = sorted((it.instrument, it.mode, it.orbit, it.start_utc, name) for name, it in parsed.items() if it)
    first, before = "", None
    for *kind, start, name in known:
        moment = datetime.fromisoformat(start)
        if before is None or before[0] != kind or moment - before[1] > _SET_GAP:
            first = name
        sets[name], before = first, (kind, moment)
    return {name: sets.get(name, name) for name in parsed}


def join(auroras: Sequence[Aurora]) -> list[Aurora]:
    """Give every sighting its ``aurora_id`` and ``sightings``; order and all else stay."""
    sets = group_sets(aurora.name for aurora in auroras)
    of_set: dict[str, list[list[int]]] = {}
    for number, aurora in enumerate(auroras):
        groups = of_set.setdefault(sets[aurora.name], [])
        mine = [group for group in groups if any(_same(aurora, auroras[other]) for other in group)]
        merged = [other for group in mine for other in group]
        groups[:] = [*(group for group in groups if group not in mine), [*merged, number]]
    result = list(auroras)
    for group in (group for groups in of_set.values() for group in groups):
        identity = _identify([auroras[number] for number in group])
        for number in group:
            result[number] = replace(auroras[number], aurora_id=identity, sightings=len(group))
    return result


def list_entries(auroras: Sequence[Aurora]) -> list[Entry]:
    """Make one entry of each aurora's sightings, in the order of their first."""
    together: dict[str, list[Aurora]] = {}
    for aurora in auroras:
        together.setdefault(aurora.aurora_id, []).append(aurora)
    return [_to_entry(sightings) for sightings in together.values()]


def stitch(pictures: Sequence[bytes]) -> bytes:
    """Lay pictures of one set over one another, PNG with transparency each; earlier ones are on top."""
    whole = np.zeros((480, 640, 4), np.uint8)
    for png in reversed(pictures):
        picture = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED))
        seen = picture[..., 3] > 0
        whole[seen] = picture[seen]
    return bytes(cv2.imencode(".png", whole)[1])


def _same(one: Aurora, other: Aurora) -> bool:
    if one.name == other.name:
        return False
    plane = Plane(one.lat_deg, one.lon_deg)
    if footprint.distance_km(np.array(other.lat_deg), np.array(other.lon_deg), plane) > one.length_km + other.length_km:
        return False
    a, b = _in_plane(one, plane), _in_plane(other, plane)
    both_cut = "cut" in one.quality_flags.split() and "cut" in other.quality_flags.split()
    overlap = float(shapely.intersection(a, b).area) / min(float(a.area), float(b.area))
    return overlap >= _OVERLAP or (both_cut and float(a.distance(b)) <= _SEAM_KM)


def _identify(sightings: Sequence[Aurora]) -> str:
    """Name an aurora by the time and place of its largest sighting."""
    largest = max(sightings, key=lambda aurora: (aurora.area_km2, aurora.name))
    stamp = largest.time_utc[:19].replace("-", "").replace(":", "")
    return f"{stamp}_{largest.lat_deg:+05.1f}_{largest.lon_deg:05.1f}"


def _to_entry(sightings: Sequence[Aurora]) -> Entry:
    area = np.array([aurora.area_km2 for aurora in sightings])
    light = [aurora.mean_brightness_R for aurora in sightings]
    lat, lon = footprint.mean_place(
        np.array([aurora.lat_deg for aurora in sightings]), np.array([aurora.lon_deg for aurora in sightings]), area
    )
    plane = Plane(lat, lon)
    union = shapely.union_all([_in_plane(aurora, plane) for aurora in sightings])
    return Entry(
        aurora_id=sightings[0].aurora_id,
        sightings=len(sightings),
        names=" ".join(f"{aurora.name}#{aurora.detection}" for aurora in sightings),
        lat_deg=lat,
        lon_deg=lon,
        area_km2=float(union.area) if len(sightings) > 1 else sightings[0].area_km2,
        mean_brightness_R=float(np.average(light, weights=area)),
        peak_brightness_R=max(aurora.peak_brightness_R for aurora in sightings),
        confidence=max(aurora.confidence for aurora in sightings),
        first_utc=min(aurora.time_utc for aurora in sightings),
        last_utc=max(aurora.time_utc for aurora in sightings),
        outline_wkt=footprint.to_wkt(footprint.to_longitude_latitude(footprint.fill_holes(union), plane)),
    )


def _in_plane(aurora: Aurora, plane: Plane) -> BaseGeometry:
    return footprint.from_longitude_latitude(shapely.from_wkt(aurora.outline_wkt), plane)
