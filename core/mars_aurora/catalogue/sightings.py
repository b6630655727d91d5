"""Join auroras that are seen in several swaths of an observation set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import shapely

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue.entries import place
from mars_aurora.catalogue.rows import Rows
from mars_aurora.geometry.plane import Plane
from mars_aurora.run.sets import group_sets

_MIN_OVERLAP = 0.1  # fraction of the smaller outline
_MAX_GAP_KM = 100.0  # between outlines that are both cut by the edge of a swath; one or two pixels


def join(auroras: Rows[Aurora]) -> list[Aurora]:
    """Set ``aurora_id`` and ``sightings`` of each sighting, as `iterate_joined`."""
    return list(iterate_joined(auroras))


def iterate_joined(auroras: Rows[Aurora]) -> Iterator[Aurora]:
    """Set ``aurora_id`` and ``sightings`` of each sighting, keeping the order and all other columns.

    A detection without signal is not called an aurora, and not joined with others. Those of one set are in memory.
    """
    sets = group_sets(aurora.name for aurora in auroras)
    of_set: dict[str, list[int]] = {}
    for number, aurora in enumerate(auroras):
        of_set.setdefault(sets[aurora.name], []).append(number)
    joined: list[tuple[str, int]] = [("", 1)] * len(auroras)
    times: Counter[str] = Counter()  # that an identifier was made, for example of auroras whose time is unknown
    for numbers in of_set.values():
        members = {number: auroras[number] for number in numbers}
        for group in _group(members):
            identity = _identify([members[number] for number in group])
            times[identity] += 1
            if times[identity] > 1:
                identity = f"{identity}_{times[identity]}"
            for number in group:
                joined[number] = identity, len(group)
    for aurora, (identity, count) in zip(auroras, joined, strict=True):
        yield replace(aurora, aurora_id=identity, sightings=count)


def _group(auroras: Mapping[int, Aurora]) -> list[list[int]]:
    """Group the sightings of one set, by number, into auroras."""
    groups: list[list[int]] = []
    for number, aurora in auroras.items():
        same = [group for group in groups if any(_is_same(aurora, auroras[other]) for other in group)]
        merged = [other for group in same for other in group]
        groups = [*(group for group in groups if group not in same), [*merged, number]]
    return groups


def _is_same(one: Aurora, other: Aurora) -> bool:
    if one.name == other.name or one.is_diffuse != other.is_diffuse or not (one.has_signal and other.has_signal):
        return False
    if one.is_diffuse:
        return True  # the night of one set of swaths
    plane = Plane(one.lat_deg, one.lon_deg)
    if plane.distance_km(np.array(other.lat_deg), np.array(other.lon_deg)) > one.length_km + other.length_km:
        return False
    a, b = place(one, plane), place(other, plane)
    both_cut = "cut" in one.quality_flags.split() and "cut" in other.quality_flags.split()
    overlap = float(shapely.intersection(a, b).area) / min(float(a.area), float(b.area))
    return overlap >= _MIN_OVERLAP or (both_cut and float(a.distance(b)) <= _MAX_GAP_KM)


def _identify(sightings: Sequence[Aurora]) -> str:
    """Make an identifier from the time and the coordinates of the largest sighting."""
    largest = max(sightings, key=lambda aurora: (aurora.area_km2, aurora.name))
    stamp = largest.time_utc[:19].replace("-", "").replace(":", "")
    return f"{stamp}_{largest.lat_deg:+05.1f}_{largest.lon_deg:05.1f}"
