"""Text output of ``mars-aurora inspect``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import numpy as np

from mars_aurora.observation import Observation
from mars_aurora.readers import HduSummary, Inspection

_WIDTH = 120  # a table may have a hundred columns


def describe(inspection: Inspection) -> str:
    """Format an inspection, one line per item: whether the file is usable, then its contents."""
    return "\n".join([_verdict(inspection), *_sizes(inspection), *_facts(inspection), *map(_hdu, inspection.hdus)])


def _verdict(inspection: Inspection) -> str:
    if inspection.error is None:
        return f"{inspection.name}: usable"
    return f"{inspection.name}: not usable: {inspection.error.reason}: {inspection.error.detail}"


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


def _known(value: object) -> str:
    return "unknown" if value is None else str(value)


def _swath(observation: Observation) -> str:
    return "unknown" if observation.facts.swath is None else "{} of {}".format(*observation.facts.swath)


def _range(observation: Observation) -> str:
    known = observation.brightness_R[np.isfinite(observation.brightness_R)]
    low, middle, high = np.percentile(known, [1, 50, 99])
    return f"{observation.emission.name} nm {low:.3g} / {middle:.3g} / {high:.3g} R (1st, 50th, 99th percentile)"
