"""Light from elsewhere than the line of sight to Mars: stars, stray day-side light, particle background; nightglow."""

from __future__ import annotations

import cv2
import numpy as np

from mars_aurora_model.simulator import orbit
from mars_aurora_model.simulator.artefacts.effect import Effect, View, draw_count, draw_log_uniform
from mars_aurora_model.simulator.background import Bumps
from mars_aurora_model.simulator.orbit import Array

_STARS, _STAR_R, _NEAR_KM = 8, (15.0, 400.0), 800.0
_STRAY_FRACTION, _STRAY_WIDTH = (0.01, 0.05), (0.1, 0.4)  # width is a standard deviation over the size of the image
_COARSE = 32  # cells along a side of the image on which stray light is spread
_DAY_PERCENTILE = 95
_PARTICLE_R, _PARTICLE_VARIATION, _KNOTS = (2.0, 40.0), 0.5, 6
_PATCHES, _PATCH_RAD, _PATCH_FACTOR = (3, 9), (0.12, 0.45), (1.8, 4.0)
_PATCH_R, _TOTAL_R = 1.8, 2.5  # at most, below the least excess of a labeled aurora


def draw_stars(rng: np.random.Generator, view: View) -> Effect:
    """Draw stars off the disk, half of them near the limb."""
    altitude_km = view.geometry.altitude_km[:, 0]
    light = np.zeros(view.shape)
    strengths, where = [], []
    for _ in range(draw_count(rng, _STARS)):
        sky = altitude_km > 0
        near = sky & (altitude_km < _NEAR_KM)
        rows, bins = np.nonzero(near if rng.random() < 0.5 and near.any() else sky)
        if not len(rows):
            break
        chosen = rng.integers(len(rows))
        row, column = int(rows[chosen]), int(bins[chosen])
        peak_R = float(draw_log_uniform(rng, *_STAR_R, 1)[0])
        point = np.zeros(view.shape)
        point[row, column] = 1
        image = view.smear(point)
        light += peak_R * image / image.max()
        strengths.append(peak_R)
        where.append((row, row, column, column))
    return Effect("R", strengths, where, sharp_R=light * (altitude_km > 0))


def draw_stray_light(rng: np.random.Generator, view: View) -> Effect:
    """Draw scattered light of the day side in view; the strength is its fraction of the day-side brightness."""
    fraction = rng.uniform(*_STRAY_FRACTION)
    coarse = cv2.resize(view.brightness_R, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA)
    spread = cv2.GaussianBlur(coarse, (0, 0), rng.uniform(*_STRAY_WIDTH) * _COARSE, borderType=cv2.BORDER_REPLICATE)
    halo: Array = np.asarray(cv2.resize(spread, view.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float64)
    day_R = np.percentile(view.brightness_R, _DAY_PERCENTILE)
    return Effect("fraction", [fraction], [view.whole], smooth_R=fraction * day_R * halo / halo.max())


def draw_particle_background(rng: np.random.Generator, view: View) -> Effect:
    """Draw a background of particles, the same in all bins, which may vary along the scan."""
    level_R = float(draw_log_uniform(rng, *_PARTICLE_R, 1)[0])
    n_integrations = view.shape[0]
    knots = rng.normal(0, rng.uniform(0, _PARTICLE_VARIATION), _KNOTS)
    course = np.interp(np.linspace(0, _KNOTS - 1, n_integrations), np.arange(_KNOTS), knots)
    return Effect("R", [level_R], [view.whole], smooth_R=level_R * np.exp(course)[:, None])


def draw_patchy_nightglow(rng: np.random.Generator, view: View) -> Effect:
    """Draw large smooth patches of nightglow; the strength is the largest addition to the night level."""
    count = int(rng.integers(*_PATCHES))
    centers = orbit.normalize(rng.normal(size=(count, 3)))
    axes = orbit.normalize(np.cross(centers, rng.normal(size=(count, 3))))
    sizes = rng.uniform(*_PATCH_RAD, (count, 1)) * rng.uniform(0.6, 1, (count, 2))
    geometry = view.geometry
    vectors = orbit.unit(geometry.lat_deg[:, 0], geometry.lon_deg[:, 0]).reshape(-1, 3)
    pattern = Bumps(centers, axes, sizes, rng.uniform(0.3, 1, count)).at(vectors).reshape(view.shape).clip(0, 1)
    highest_R = min(view.night_R * (rng.uniform(*_PATCH_FACTOR) - 1), _PATCH_R, max(_TOTAL_R - view.night_R, 0.3))
    depth = np.exp(-np.maximum(geometry.altitude_km[:, 0], 0) / 400)
    return Effect("R", [highest_R], [view.whole], nightglow_R=highest_R * pattern * depth)
