"""Viewing: under which angles, where and when an aurora was observed, and its quality flags."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mars_aurora.aurora import NO_SIGNAL
from mars_aurora.emission import DAY_SZA_DEG, NIGHT_SZA_DEG
from mars_aurora.measure import mars_time
from mars_aurora.measure.emission_shell import ShellPixels
from mars_aurora.observation import BoolArray, Observation

LIMB_DEG = 70.0
LOW_SNR = 5.0
FLAGS = {
    NO_SIGNAL: "no pixel of the box exceeds the background significantly: the whole box was measured",
    "low_counts": f"the signal-to-noise ratio is less than {LOW_SNR:g}",
    "limb": f"part of it has an emission angle over {LIMB_DEG:g} deg, or adjoins pixels off the disk: it may extend on",
    "terminator": f"part of it is where the Sun illuminates the upper atmosphere (SZA under {NIGHT_SZA_DEG:g} deg)",
    "day_side": f"its median SZA is under {DAY_SZA_DEG:g} deg: probably not an aurora",
    "cut": "it touches the edge of the swath: it may extend beyond",
    "bad_pixels": "it touches pixels without a value",
    "flagged_pixels": "the file flags pixels in it: they are used, as the meaning of the flag is not published",
    "estimated_errors": "the file has no random error of pixels in it: the scatter about the background is used",
    "bright_sky": "of a diffuse aurora: the sky beside it is bright, too (particles, stray light): it is subtracted",
    "no_sky": "of a diffuse aurora: no sky beside it is in the swath: light of the instrument may be in it",
}


@dataclass(frozen=True)
class Viewing:
    """Angles and local time, averaged over the area of an aurora; spacecraft and Sun as the scan passed its centroid.

    Local time is averaged as an angle. Attributes are columns of the catalogue.
    """

    sza_deg: float
    emission_angle_deg: float
    local_time_h: float
    sub_spacecraft_lat_deg: float
    sub_spacecraft_lon_deg: float
    spacecraft_altitude_km: float
    sub_solar_lat_deg: float
    sub_solar_lon_deg: float


@dataclass(frozen=True)
class Epoch:
    """Time (empty if unknown) and season; attributes are columns of the catalogue."""

    time_utc: str
    solar_longitude_deg: float
    mars_year: int | None


def find_viewing(observation: Observation, pixels: BoolArray, on_shell: ShellPixels) -> Viewing:
    """Average the angles over an aurora's pixels (nI, nS)."""
    fractions, row = on_shell.area_fractions, on_shell.row
    hour_angle = np.radians(observation.local_time_h[pixels] * 15)
    known = np.isfinite(hour_angle)
    hour_angle, weights = hour_angle[known], fractions[known]
    mean_angle = np.arctan2(weights @ np.sin(hour_angle), weights @ np.cos(hour_angle)) if known.any() else np.nan
    return Viewing(
        sza_deg=float(fractions @ observation.sza_deg[pixels]),
        emission_angle_deg=float(fractions @ observation.emission_angle_deg[pixels]),
        local_time_h=float(np.degrees(mean_angle) / 15 % 24),
        sub_spacecraft_lat_deg=float(observation.sub_spacecraft_latitude_deg[row]),
        sub_spacecraft_lon_deg=float(observation.sub_spacecraft_longitude_deg[row]),
        spacecraft_altitude_km=float(observation.spacecraft_altitude_km[row]),
        sub_solar_lat_deg=float(observation.sub_solar_latitude_deg[row]),
        sub_solar_lon_deg=float(observation.sub_solar_longitude_deg[row]),
    )


def find_epoch(observation: Observation, row: int) -> Epoch:
    """Find time and season at an integration; the season is the header's, or computed.

    The time is that of the integration, interpolated where it alone is unknown; the start where all are unknown.
    """
    facts, times = observation.facts, observation.time_utc
    rows = np.flatnonzero(~np.isnat(times))
    moment = facts.start_utc
    if rows.size:
        milliseconds = np.rint(np.interp(row, rows, times[rows].astype(np.int64))).astype(np.int64)
        moment = str(milliseconds.astype(times.dtype))
    year, longitude = mars_time.season(moment) if moment else (None, np.nan)
    header = facts.solar_longitude_deg
    return Epoch(moment, longitude if header is None else header, facts.mars_year or year)


def find_flags(
    observation: Observation, usable: BoolArray, pixels: BoolArray, *, signal: bool, snr: float
) -> list[str]:
    """Find the quality flags of an aurora's pixels (nI, nS), in the order of `FLAGS`; not those of the sky."""
    near = cv2.dilate(pixels.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    on_disk = observation.on_disk
    seen = np.isfinite(observation.tangent_altitude_km)
    inner = np.zeros_like(pixels)
    inner[1:-1, 1:-1] = True
    off_slit = ~seen.any(axis=0) | ~np.isfinite(observation.brightness_R).any(axis=0)
    sza = observation.sza_deg[pixels]
    found = {
        NO_SIGNAL: not signal,
        "low_counts": snr < LOW_SNR,
        "limb": (observation.emission_angle_deg[pixels] > LIMB_DEG).any() or (near & seen & ~on_disk).any(),
        "terminator": (sza < NIGHT_SZA_DEG).any(),
        "day_side": np.median(sza) < DAY_SZA_DEG,
        "cut": (pixels & ~inner).any() or near[:, off_slit].any(),
        "bad_pixels": (near & (on_disk | ~seen) & ~usable & ~off_slit).any(),
        "flagged_pixels": observation.flagged[pixels].any(),
        "estimated_errors": np.isnan(observation.random_error_R[pixels]).any(),
    }
    return [name for name, is_set in found.items() if is_set]
