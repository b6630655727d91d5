"""The table of auroras: the sightings of each aurora combined into one entry, with the columns of the catalogue.

Means are weighted by area. Random errors of the sightings are independent, systematic errors are not. Detections
without signal are not called auroras and have no entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from mars_aurora.aurora import DIFFUSE, Aurora
from mars_aurora.catalogue.entry import Entry
from mars_aurora.catalogue.rows import Rows
from mars_aurora.geometry import outline
from mars_aurora.geometry.plane import Plane
from mars_aurora.measure.morphology import describe
from mars_aurora.measure.viewing import FLAGS
from mars_aurora.run.escaping import escape_word
from mars_aurora.sphere import Float64Array, mean_coordinates

_OWN = ("aurora_id", "sightings", "names", "first_utc", "last_utc")
_KEPT = tuple(item.name for item in fields(Entry) if item.name not in _OWN)  # of a single sighting
_OF_PEAK = ("peak_brightness_R", "peak_random_error_R", "peak_systematic_error_R", "peak_lat_deg", "peak_lon_deg")
_OF_SHAPE = ("area_km2", "length_km", "width_km", "orientation_deg", "elongation", "eccentricity", "morphology")
_MEANS = ("mean_brightness_R", "mean_systematic_error_R", "background_R", "sza_deg", "emission_angle_deg")
_POSITIONS = ("ground", "sub_spacecraft", "sub_solar")
_OF_LARGEST = ("mars_year", "orbit", "mode", "instrument", "emission")


def list_entries(auroras: Rows[Aurora]) -> list[Entry]:
    """Combine the sightings of each aurora, joined before, as `iterate_entries`."""
    return list(iterate_entries(auroras))


def iterate_entries(auroras: Rows[Aurora]) -> Iterator[Entry]:
    """Combine the sightings of each aurora, joined before, into one entry, in the order of the first sightings."""
    numbers: dict[str, list[int]] = {}
    for number, aurora in enumerate(auroras):
        if aurora.has_signal:
            numbers.setdefault(aurora.aurora_id, []).append(number)
    for found in numbers.values():
        yield _combine([auroras[number] for number in found])


def place(aurora: Aurora, plane: Plane) -> BaseGeometry:
    """Return the outline of a sighting in a plane, in km."""
    return outline.from_longitude_latitude(shapely.from_wkt(aurora.outline_wkt), plane)


def _combine(sightings: Sequence[Aurora]) -> Entry:
    """Combine the sightings of one aurora; a single one keeps its values and its outline."""
    one = sightings[0]
    values = {name: getattr(one, name) for name in _KEPT}
    if len(sightings) > 1:
        values |= _combine_brightness(sightings) | _combine_viewing(sightings) | _combine_texts(sightings)
    return Entry(
        **values,
        aurora_id=one.aurora_id,
        sightings=len(sightings),
        names=" ".join(escape_word(f"{aurora.name}#{aurora.detection}") for aurora in sightings),
        first_utc=min(aurora.time_utc for aurora in sightings),
        last_utc=max(aurora.time_utc for aurora in sightings),
    )


def _combine_brightness(sightings: Sequence[Aurora]) -> dict[str, Any]:
    """Combine position, extent and brightness; the extent is that of the union of the outlines."""
    lat, lon = _mean_position(sightings, "lat_deg", "lon_deg")
    plane = Plane(lat, lon)
    union = outline.join([place(aurora, plane) for aurora in sightings])
    shape = describe(union)
    means = {name: _mean(sightings, name) for name in _MEANS}
    new = shape.area_km2 / float(_column(sightings, "area_km2").sum())  # what overlaps is counted once
    brightest = max(sightings, key=lambda aurora: aurora.peak_brightness_R)
    noise_R = _column(sightings, "mean_brightness_R") / _column(sightings, "snr")
    return {
        **means,
        **{name: getattr(shape, name) for name in _OF_SHAPE},
        **{name: getattr(brightest, name) for name in _OF_PEAK},
        "lat_deg": lat,
        "lon_deg": lon,
        "outline_wkt": outline.to_wkt(union, plane),
        "morphology": DIFFUSE if sightings[0].is_diffuse else shape.morphology,
        "centroid_error_km": _mean_error(sightings, _column(sightings, "centroid_error_km")),
        "area_error_km2": new * _sum_error(sightings, "area_error_km2"),
        "mean_random_error_R": _mean_error(sightings, _column(sightings, "mean_random_error_R")),
        "integrated_brightness_R_km2": means["mean_brightness_R"] * shape.area_km2,
        "integrated_random_error_R_km2": new * _sum_error(sightings, "integrated_random_error_R_km2"),
        "integrated_systematic_error_R_km2": means["mean_systematic_error_R"] * shape.area_km2,
        "background_error_R": _mean_error(sightings, _column(sightings, "background_error_R")),
        "snr": means["mean_brightness_R"] / _mean_error(sightings, noise_R),
    }


def _combine_viewing(sightings: Sequence[Aurora]) -> dict[str, Any]:
    """Combine where and when it was observed; local time and solar longitude are averaged as angles."""
    positions = {of: _mean_position(sightings, f"{of}_lat_deg", f"{of}_lon_deg") for of in _POSITIONS}
    return {
        **{f"{of}_lat_deg": lat for of, (lat, _) in positions.items()},
        **{f"{of}_lon_deg": lon for of, (_, lon) in positions.items()},
        "local_time_h": _mean_angle(sightings, "local_time_h", 24.0),
        "solar_longitude_deg": _mean_angle(sightings, "solar_longitude_deg", 360.0),
        "spacecraft_altitude_km": _mean(sightings, "spacecraft_altitude_km"),
        "pixels": sum(aurora.pixels for aurora in sightings),
    }


def _combine_texts(sightings: Sequence[Aurora]) -> dict[str, Any]:
    """Combine what is the same for all sightings, or listed; the rest is that of the largest."""
    largest = max(sightings, key=lambda aurora: aurora.area_km2)
    found = {flag for aurora in sightings for flag in aurora.quality_flags.split()}
    frames = {aurora.latitude_frame for aurora in sightings}
    return {
        **{name: getattr(largest, name) for name in _OF_LARGEST},
        "confidence": float(np.fmax.reduce(_column(sightings, "confidence"))),
        "quality_flags": " ".join(flag for flag in FLAGS if flag in found),
        "level": " ".join(sorted({aurora.level for aurora in sightings})),
        "latitude_frame": frames.pop() if len(frames) == 1 else "undetermined",
    }


def _column(sightings: Sequence[Aurora], name: str) -> Float64Array:
    return np.array([getattr(aurora, name) for aurora in sightings], np.float64)


def _mean(sightings: Sequence[Aurora], name: str) -> float:
    return float(np.average(_column(sightings, name), weights=_column(sightings, "area_km2")))


def _mean_angle(sightings: Sequence[Aurora], name: str, period: float) -> float:
    turns = np.exp(2j * np.pi * _column(sightings, name) / period)
    mean = np.average(turns, weights=_column(sightings, "area_km2"))
    return float(np.angle(mean) / (2 * np.pi) * period % period)


def _mean_position(sightings: Sequence[Aurora], lat: str, lon: str) -> tuple[float, float]:
    return mean_coordinates(_column(sightings, lat), _column(sightings, lon), _column(sightings, "area_km2"))


def _mean_error(sightings: Sequence[Aurora], errors: Float64Array) -> float:
    """Propagate independent errors to the mean weighted by area."""
    area = _column(sightings, "area_km2")
    return float(np.sqrt(((errors * area / area.sum()) ** 2).sum()))


def _sum_error(sightings: Sequence[Aurora], name: str) -> float:
    """Propagate independent errors to a sum."""
    return float(np.sqrt((_column(sightings, name) ** 2).sum()))
