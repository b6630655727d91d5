"""The absolute level of the night: whether all of it is brighter than a night without aurora can be.

A diffuse aurora over the whole night side is not brighter than its surroundings. So the night is compared with a prior:
what a night without aurora can have at each solar zenith angle (SZA), and what the faintest diffuse aurora has. The
light of the instrument, which the sky beside the disk has as well, is subtracted before.
"""

from __future__ import annotations

import numpy as np

from mars_aurora.background.search import Search
from mars_aurora.background.smoothing import smooth
from mars_aurora.cleaning.dark import MIN_SKY_KM
from mars_aurora.cleaning.sky import MAX_SKY, MIN_PIXELS
from mars_aurora.emission import OXYGEN_1304
from mars_aurora.night import Night
from mars_aurora.observation import BoolArray, Float64Array, FloatArray, Observation
from mars_aurora.sphere import MARS_RADIUS_KM

# The prior, in O I 130.4 nm; that of other emissions is scaled by their usual night. The nightglow has 0.5 to 2 R. The
# brightest twilight is that of real IUVS observations, extrapolated beyond an SZA of 110 deg as the sunlit column above
# the shadow decreases, where the terminator is shifted by 4 deg.
NIGHTGLOW_R = (0.5, 2.0)
_SZA_DEG = (110, 115, 120, 125, 130, 136, 145)
_BRIGHTEST_TWILIGHT_R = (180, 84, 21, 5.6, 1.7, 0.42, 0.0014)
_TWILIGHT_RANGE = 4.0  # the usual twilight is fainter than the brightest one by this factor

FAINTEST_DIFFUSE_R = 8.0  # at normal incidence
DARK_SZA_DEG = 122.0  # from here on such an aurora is brighter than twilight
MIN_DARK_PIXELS = 12
_MOST = 0.75  # fraction of them that must be bright
_MIN_SLANT_EXPONENT = 0.5  # where no sky is seen: nearer to that of a shell than to that of light of the instrument
_MIN_R = 0.1  # of the logarithms


def find_night(observation: Observation, search: Search) -> Night:
    """Summarize what is searched for auroras, and decide whether a diffuse aurora covers most of the night.

    Parameters
    ----------
    observation : Observation
        Cleaned or not; `Observation.removed_R` is used.
    search : Search
    """
    pixels = search.pixels
    if not pixels.any():
        return Night()
    mean_R = smooth(observation.brightness_R, pixels)[pixels]
    sky_R = find_sky_R(observation)
    particles_R = observation.facts.cleaning.get("particle_background_R", 0.0)
    remaining_R = _find_remaining_R(observation, sky_R)
    excess_R = np.median(mean_R - find_usual_R(observation, None)[0][pixels])
    return Night(
        pixels=int(pixels.sum()),
        area_km2=float(search.area_km2[pixels].sum()),
        level_R=float(np.median(mean_R)),
        limit_R=float(np.median(search.limit_R[pixels])),
        sky_R=sky_R,
        excess_R=float(excess_R + particles_R),
        excess_over_sky_R=float(excess_R - remaining_R),
        is_diffuse=observation.emission.side == "night"
        and is_diffuse(observation, pixels, mean_R - remaining_R, is_sky_seen=sky_R is not None),
        is_sky_bright=particles_R + remaining_R > observation.emission.night_R,
    )


def find_sky_R(observation: Observation) -> float | None:
    """Find the median brightness of the sky beside the night side; None where it has fewer than 50 pixels."""
    sky = np.isfinite(observation.brightness_R) & (observation.tangent_altitude_km > MIN_SKY_KM)
    sky &= observation.sza_deg > DARK_SZA_DEG
    if np.count_nonzero(sky) < MIN_PIXELS:
        return None
    return float(np.median(smooth(observation.brightness_R, sky)[sky]))


def _find_remaining_R(observation: Observation, sky_R: float | None) -> float:
    """Find the light that cleaning has left in the sky and that is neither corona nor nightglow."""
    return 0.0 if sky_R is None else max(sky_R - MAX_SKY * observation.emission.night_R, 0.0)


def dark_pixels(observation: Observation, pixels: BoolArray) -> BoolArray:
    """Select those of the searched pixels on which the night level is decided, (nI, nS)."""
    dark: BoolArray = pixels & (observation.sza_deg > DARK_SZA_DEG)
    return dark


def is_diffuse(observation: Observation, pixels: BoolArray, mean_R: FloatArray, *, is_sky_seen: bool) -> bool:
    """Decide whether a diffuse aurora covers most of the dark pixels, from their smoothed brightness (N,)."""
    dark = dark_pixels(observation, pixels)[pixels]
    if np.count_nonzero(dark) < MIN_DARK_PIXELS:
        return False
    mean_R, slant = mean_R[dark], find_slant(observation)[pixels][dark]
    limit_R = find_limit_R(observation)[pixels][dark]
    if np.count_nonzero(mean_R > limit_R) < _MOST * mean_R.size:
        return False
    return is_sky_seen or _fit_slant_exponent(mean_R, slant) >= _MIN_SLANT_EXPONENT


def find_limit_R(observation: Observation) -> Float64Array:
    """Compute the brightness between that of any night without aurora and of the faintest diffuse aurora, (nI, nS).

    It is their geometric mean, as both vary by factors, or the first where that is brighter.
    """
    scale = observation.emission.night_R / OXYGEN_1304.night_R
    brightest = NIGHTGLOW_R[1] + find_twilight_R(observation.sza_deg)
    faintest = NIGHTGLOW_R[0] + FAINTEST_DIFFUSE_R * find_slant(observation)
    limit_R: Float64Array = scale * np.sqrt(brightest * np.maximum(faintest, brightest))
    return limit_R


def find_usual_R(observation: Observation, sky_R: float | None) -> tuple[Float64Array, Float64Array]:
    """Compute the usual brightness of a night without aurora and its standard deviation, (nI, nS) each.

    The light of the instrument that the sky has is added.
    """
    scale = observation.emission.night_R / OXYGEN_1304.night_R
    nightglow_R, spread_R = np.mean(NIGHTGLOW_R), np.ptp(NIGHTGLOW_R) / 4  # their range is two deviations each way
    twilight_R = find_twilight_R(observation.sza_deg) / _TWILIGHT_RANGE
    usual_R = scale * (nightglow_R + twilight_R) + _find_remaining_R(observation, sky_R)
    return usual_R, scale * np.hypot(spread_R, twilight_R)


def find_twilight_R(sza_deg: FloatArray) -> Float64Array:
    """Compute the brightest twilight in O I 130.4 nm at solar zenith angles of any shape from 110 deg on."""
    twilight: Float64Array = np.exp(np.interp(sza_deg, _SZA_DEG, np.log(_BRIGHTEST_TWILIGHT_R)))
    return twilight


def find_slant(observation: Observation) -> Float64Array:
    """Compute the path length through the emitting shell relative to a vertical one, (nI, nS)."""
    sine = np.sin(np.radians(observation.emission_angle_deg))
    slant: Float64Array = 1 / np.sqrt(
        1 - (sine * MARS_RADIUS_KM / (MARS_RADIUS_KM + observation.emission.shell_km)) ** 2
    )
    return slant


def _fit_slant_exponent(mean_R: FloatArray, slant: Float64Array) -> float:
    """Fit the power of the slant to which brightness is proportional: 1 of a shell, 0 of light of the instrument."""
    level, log_slant = np.log(np.maximum(mean_R, _MIN_R)), np.log(slant)
    deviation = log_slant - log_slant.mean()
    return float(deviation @ level) / max(float(deviation @ deviation), 1e-9)
