"""The reports of ``mars-aurora inspect`` as text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mars_aurora.local.inspection import Report
from mars_aurora.night import Night

_CHECKED = ("sza_deg", "emission_angle_deg", "local_time_h")  # residuals that a file with all its geometry has
_WIDTH = 120  # a table may have a hundred columns


def describe(report: Report) -> str:
    """Format a report: what a run does with the file, then its contents, one line per item."""
    return "\n".join([_describe_outcome(report), *_describe_contents(report)])


def _describe_outcome(report: Report) -> str:
    parts = (report["name"], report["outcome"], report["reason"], report["detail"], _count(report["objects"]))
    return ": ".join(filter(None, parts))


def _count(objects: int | None) -> str:
    return "" if objects is None else f"{objects} object{'' if objects == 1 else 's'}"


def _describe_contents(report: Report) -> Iterator[str]:
    if report["packed_bytes"] is not None:
        yield f"  {report['packed_bytes']} bytes, {report['unpacked_bytes']} unpacked"
    if report["instrument"] is not None:
        yield from _describe_observation(report)
    if report["night"] is not None:
        yield f"  night: {_describe_night(Night(**report['night']))}"
    if report["cleaning"]:
        yield f"  cleaning: {', '.join(f'{name} {value:.3g}' for name, value in report['cleaning'].items())}"
    if report["flags"]:
        yield f"  flags: {', '.join(report['flags'])}"
    yield from map(_describe_hdu, report["hdus"])


def _describe_observation(report: Report) -> Iterator[str]:
    yield (
        f"  {report['instrument']} {report['level'].upper()}, {report['start_utc']} to {_known(report['end_utc'])} UTC"
    )
    swath = "unknown" if report["swath"] is None else "{} of {}".format(*report["swath"])
    yield f"  orbit {_known(report['orbit'])}, mode {_known(report['mode'])}, swath {swath}"
    brightness = "unknown" if report["brightness_R"] is None else " / ".join(f"{R:.3g}" for R in report["brightness_R"])
    yield (
        f"  {report['integrations']} integrations of {report['slit_bins']} slit bins, "
        f"{report['emission']} nm {brightness} R (1st, 50th, 99th percentile)"
    )
    yield (
        f"  disk: SZA {_range(report['sza_deg'])} deg, latitudes {_range(report['latitude_deg'])} deg, "
        f"longitudes {_range(report['longitude_deg'])} deg E"
    )
    yield f"  latitudes {report['latitude_frame']}; geometry recomputed: {_residuals(report['residuals'])}"


def _describe_night(night: Night) -> str:
    if not night.pixels:
        return "not in view"
    level, limit = (_known(value, ".2f") for value in (night.level_R, night.limit_R))
    diffuse = ", a diffuse aurora over most of it" if night.is_diffuse else ""
    return (
        f"{night.pixels} pixels, {night.area_km2 / 1e6:.2f} million km2, level {level} R, detection limit {limit} R"
        f"{diffuse}"
    )


def _describe_hdu(hdu: Mapping[str, Any]) -> str:
    shape = " x ".join(map(str, hdu["shape"])) or "no data"
    columns = f": {', '.join(hdu['columns'])}" if hdu["columns"] else ""
    return textwrap.shorten(f"{hdu['name']} ({shape}){columns}", _WIDTH, initial_indent="  ", placeholder=" ...")


def _residuals(residuals: Mapping[str, float]) -> str:
    """Format the median differences between the file's geometry and the recomputed one."""
    differences = (f"{key.replace('_', ' ')} {value:.3f}" for key, value in residuals.items())
    unchecked = (f"{key.rpartition('_')[0].replace('_', ' ')} not checked" for key in _CHECKED if key not in residuals)
    return ", ".join([*differences, *unchecked])


def _known(value: object, form: str = "") -> str:
    return "unknown" if value is None else format(value, form)


def _range(ends: Sequence[float] | None) -> str:
    return "unknown" if ends is None else f"{ends[0]:.0f} to {ends[1]:.0f}"
