"""Under what circumstances an aurora was seen: angles, time, season, source, and what to beware of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import cv2
import numpy as np

from mars_aurora.measure import mars_time
from mars_aurora.measure.emission_shell import Patch
from mars_aurora.observation import BoolArray, Facts, Observation

FLAGS = {
    "no_signal": "nothing in the box stands out by 3 sigma and 2 R: the box itself was measured",
    "low_counts": "the mean brightness is less than 5 times its random error",
    "limb": "some of it is seen at more than 70 degrees, or beside pixels off the disk: it may go on beyond the limb",
    "terminator": "some of it lies where the Sun still lights the upper atmosphere (solar zenith angle under 110)",
    "day_side": "its middle is in daylight (solar zenith angle under 90): hardly an aurora",
    "cut": "it touches the edge of the swath: there may be more of it",
    "bad_pixels": "it touches pixels that are marked bad or hold no number",
}
_LIMB_DEG, _TERMINATOR_DEG, _DAY_DEG = 70.0, 110.0, 90.0
_LOW_SNR = 5.0


def view(observation: Observation, pixels: BoolArray, patch: Patch) -> dict[str, Any]:
    """Average the angles over an aurora's pixels; tell where spacecraft and Sun stood."""
    share = patch.area_km2 / patch.area_km2.sum()
    hour = np.radians(observation.local_time_h[pixels] * 15)
    row = patch.row
    return {
        "sza_deg": float(share @ observation.sza_deg[pixels]),
        "emission_angle_deg": float(share @ observation.emission_angle_deg[pixels]),
        "local_time_h": float(np.degrees(np.arctan2(share @ np.sin(hour), share @ np.cos(hour))) / 15 % 24),
        "sub_spacecraft_lat_deg": float(observation.sub_spacecraft_latitude_deg[row]),
        "sub_spacecraft_lon_deg": float(observation.sub_spacecraft_longitude_deg[row]),
        "spacecraft_altitude_km": float(observation.spacecraft_altitude_km[row]),
        "sub_solar_lat_deg": float(observation.sub_solar_latitude_deg[row]),
        "sub_solar_lon_deg": float(observation.sub_solar_longitude_deg[row]),
    }


def time_and_season(facts: Facts, share: float) -> dict[str, Any]:
    """Tell the time at a share (0 to 1) of the scan, and the season: the header's, or computed."""
    start = datetime.fromisoformat(facts.start_utc)
    end = datetime.fromisoformat(facts.end_utc) if facts.end_utc else start
    moment = (start + share * max(end - start, timedelta(0))).isoformat(timespec="milliseconds")
    year, longitude = mars_time.season(moment)
    header = facts.solar_longitude_deg
    return {
        "time_utc": moment,
        "solar_longitude_deg": longitude if header is None else header,
        "mars_year": facts.mars_year or year,
    }


def source(facts: Facts) -> dict[str, Any]:
    """Tell which observation it is."""
    return {
        "instrument": facts.instrument,
        "level": facts.level,
        "orbit": facts.orbit,
        "mode": facts.mode or "",
        "swath": "{}of{}".format(*facts.swath) if facts.swath else "",
        "start_utc": facts.start_utc,
    }


def flag(observation: Observation, usable: BoolArray, pixels: BoolArray, *, signal: bool, snr: float) -> str:
    """Name what to beware of (see `FLAGS`), separated by spaces; empty where there is nothing."""
    beside = cv2.dilate(pixels.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    on_disk = observation.tangent_altitude_km <= 0
    seen = np.isfinite(observation.tangent_altitude_km)
    inner = np.zeros_like(pixels)
    inner[1:-1, 1:-1] = True
    off_slit = ~seen.any(axis=0) | ~np.isfinite(observation.brightness_R).any(axis=0)
    sza = observation.sza_deg[pixels]
    found = {
        "no_signal": not signal,
        "low_counts": snr < _LOW_SNR,
        "limb": (observation.emission_angle_deg[pixels] > _LIMB_DEG).any() or (beside & seen & ~on_disk).any(),
        "terminator": (sza < _TERMINATOR_DEG).any(),
        "day_side": np.median(sza) < _DAY_DEG,
        "cut": (pixels & ~inner).any() or beside[:, off_slit].any(),
        "bad_pixels": (beside & on_disk & ~usable & ~off_slit).any(),
    }
    return " ".join(name for name in FLAGS if found[name])
