"""What ``mars-aurora inspect`` prints: the contents of a file, and whether ``run`` uses it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

import numpy as np

from mars_aurora.errors import InputError
from mars_aurora.geometry import canvas
from mars_aurora.observation import Observation
from mars_aurora.readers import HduSummary, Inspection
from mars_aurora.run.ledger import Outcome, settle

_CHECKED = ("sza_deg", "emission_angle_deg", "local_time_h")  # residuals that a file with all its geometry has
_WIDTH = 120  # a table may have a hundred columns


def find_objection(inspection: Inspection) -> str:
    """Return why ``run`` does not use a file, empty if it does: its name, its contents, or no disk in the picture."""
    (unread,) = settle([inspection.name], {})
    if unread.outcome is Outcome.IGNORED:
        return f"ignored by `run`: {unread.reason}: {unread.detail}"
    try:
        if inspection.error is not None:
            raise inspection.error
        if inspection.observation is not None:
            canvas.fit(inspection.observation)
    except InputError as error:
        return f"not usable: {error.reason}: {error.detail}"
    return ""


def describe(inspection: Inspection, objection: str) -> str:
    """Format an inspection, one line per item: whether the file is usable, then its contents."""
    verdict = f"{inspection.name}: {objection or 'usable'}"
    return "\n".join([verdict, *_sizes(inspection), *_facts(inspection), *map(_hdu, inspection.hdus)])


def _sizes(inspection: Inspection) -> Iterator[str]:
    if inspection.packed_bytes is not None:
        yield f"  {inspection.packed_bytes} bytes, {inspection.unpacked_bytes} unpacked"


def _hdu(hdu: HduSummary) -> str:
    shape = " x ".join(map(str, hdu.shape)) or "no data"
    columns = f": {', '.join(hdu.columns)}" if hdu.columns else ""
    return textwrap.shorten(f"{hdu.name} ({shape}){columns}", _WIDTH, initial_indent="  ", placeholder=" ...")


def _facts(inspection: Inspection) -> Iterator[str]:
    if inspection.observation is None:
        return
    facts, brightness = inspection.observation.facts, inspection.observation.brightness_R
    yield f"  {facts.instrument} {facts.level.upper()}, {facts.start_utc} to {facts.end_utc or 'unknown'} UTC"
    yield f"  orbit {_known(facts.orbit)}, mode {_known(facts.mode)}, swath {_swath(inspection.observation)}"
    yield f"  {brightness.shape[0]} integrations of {brightness.shape[1]} slit bins, {_range(inspection.observation)}"
    yield f"  latitudes {facts.latitude_frame}; geometry recomputed: {_residuals(facts.residuals)}"
    if facts.notes:
        yield f"  flags: {', '.join(facts.notes)}"


def _residuals(residuals: Mapping[str, float]) -> str:
    """Format the median differences between the file's geometry and the recomputed one."""
    differences = (f"{key.replace('_', ' ')} {value:.3f}" for key, value in residuals.items())
    unchecked = (f"{key.rpartition('_')[0].replace('_', ' ')} not checked" for key in _CHECKED if key not in residuals)
    return ", ".join([*differences, *unchecked])


def _known(value: object) -> str:
    return "unknown" if value is None else str(value)


def _swath(observation: Observation) -> str:
    return "unknown" if observation.facts.swath is None else "{} of {}".format(*observation.facts.swath)


def _range(observation: Observation) -> str:
    known = observation.brightness_R[np.isfinite(observation.brightness_R)]
    low, middle, high = np.percentile(known, [1, 50, 99])
    return f"{observation.emission.name} nm {low:.3g} / {middle:.3g} / {high:.3g} R (1st, 50th, 99th percentile)"
