"""Verify an observation against itself after its arrays are read; what is unusual is noted in its facts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from mars_aurora.errors import InputError, Reason
from mars_aurora.observation import Observation
from mars_aurora.readers.checks import require_image
from mars_aurora.readers.consistency import require_consistent
from mars_aurora.readers.disk import level_disk
from mars_aurora.readers.latitude_frame import BodyFixed, find_frame
from mars_aurora.readers.plausible import (
    find_empty_day,
    find_empty_pages,
    find_spikes,
    require_plausible,
    select_plausible,
)
from mars_aurora.readers.recomputed import draw_sample, find_emission_angle

_HOURS = 24.0
_MIN_KNOWN = 0.5  # fraction of the emission angles of the disk
_NOTED_OFFSET_KM = 1e-4  # above the rounding errors of float32


@dataclass(frozen=True)
class Layout:
    """How a file stores its brightness: pixels by integrations ("C") or by slit bins ("F"), and samples per pixel."""

    order: Literal["C", "F"]
    samples_per_pixel: int = 1


def verify(observation: Observation, layout: Layout, vectors: BodyFixed) -> Observation:
    """Return the observation without implausible values, the frame of its latitudes and the residuals in its facts.

    Raises InputError where too little is left, or where the geometry contradicts itself.

    Notes, in `Facts.notes`: ``altitude_offset``, the tangent altitude of the disk is not 0;
    ``emission_angle_computed``, the file lacks most; ``empty_pages``, parts of the brightness were never written;
    ``implausible_values``, pixels are beyond the limits of the emission, or flagged and spikes; ``errors_unknown``,
    pixels without a random error; ``quality_flags``, pixels are flagged.
    """
    observation = require_image(_level_disk(observation))
    _require_sza(observation)
    observation = _complete_emission_angles(_check_geometry(observation, vectors))
    return require_image(_note_quality(_remove_implausible(observation, layout)))


def _level_disk(observation: Observation) -> Observation:
    altitude_km, offset_km = level_disk(observation.tangent_altitude_km, observation.emission_angle_deg)
    levelled = replace(observation, tangent_altitude_km=altitude_km)
    if abs(offset_km) <= _NOTED_OFFSET_KM:
        return levelled
    return _note(levelled, "altitude_offset", residuals=observation.facts.residuals | {"disk_altitude_km": offset_km})


def _require_sza(observation: Observation) -> None:
    sza_deg = observation.sza_deg[observation.on_disk]
    if sza_deg.size and np.isnan(sza_deg).all():
        detail = "no pixel on the disk has a solar zenith angle: day and night cannot be told apart"
        raise InputError(Reason.NO_SZA, observation.facts.name, detail)


def _complete_emission_angles(observation: Observation) -> Observation:
    """Compute the emission angles of the disk where the file lacks most of them: without them no pixel is used."""
    disk = observation.on_disk
    if not disk.any() or np.isfinite(observation.emission_angle_deg[disk]).mean() >= _MIN_KNOWN:
        return observation
    angle = observation.emission_angle_deg.copy()
    angle[disk] = find_emission_angle(observation, disk)
    return _note(replace(observation, emission_angle_deg=angle), "emission_angle_computed")


def _check_geometry(observation: Observation, vectors: BodyFixed) -> Observation:
    sample = draw_sample(observation)
    residuals = observation.facts.residuals | require_consistent(observation, sample)
    frame = find_frame(observation, sample, vectors)
    local_time = observation.local_time_h
    return replace(
        observation,
        facts=replace(observation.facts, residuals=residuals, latitude_frame=frame),
        local_time_h=np.where(local_time <= _HOURS, local_time, np.float32(np.nan)),  # degrees are rejected before
    )


def _remove_implausible(observation: Observation, layout: Layout) -> Observation:
    """Set unwritten and implausible brightness, and errors of 0, to NaN."""
    brightness, error, sza = observation.brightness_R, observation.random_error_R, observation.sza_deg
    empty = find_empty_pages(brightness, error, observation.on_disk, layout.order, layout.samples_per_pixel)
    empty |= find_empty_day(brightness, error, sza, observation.on_disk)
    brightness = np.where(empty, np.float32(np.nan), brightness)
    error = np.where(error > 0, error, np.float32(np.nan))
    on_disk = observation.on_disk
    require_plausible(brightness[on_disk], sza[on_disk], observation.emission, observation.facts.name)
    plausible = select_plausible(brightness, error, sza, observation.emission)
    removed = np.isfinite(brightness) & (~plausible | find_spikes(brightness, error, observation.flagged))
    brightness = np.where(removed, np.float32(np.nan), brightness)
    observation = replace(observation, brightness_R=brightness, random_error_R=error)
    observation = _note(observation, "empty_pages") if empty.any() else observation
    return _note(observation, "implausible_values") if removed.any() else observation


def _note_quality(observation: Observation) -> Observation:
    known = np.isfinite(observation.brightness_R)
    if known.any() and np.isnan(observation.random_error_R[known]).any():
        observation = _note(observation, "errors_unknown")
    if not observation.flagged[known].any():
        return observation
    return _note(observation, "quality_flags", flagged_fraction=float(observation.flagged[known].mean()))


def _note(observation: Observation, code: str, **facts: Any) -> Observation:  # noqa: ANN401 -- fields of Facts
    return replace(observation, facts=replace(observation.facts, notes=(*observation.facts.notes, code), **facts))
