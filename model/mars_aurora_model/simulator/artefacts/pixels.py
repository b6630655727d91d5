"""Artefacts in single pixels or integrations: particle streaks, hot pixels, heavy-tailed noise, gaps."""

from __future__ import annotations

import numpy as np

from mars_aurora_model.simulator.artefacts.effect import Effect, View, draw_count, draw_log_uniform

_STREAKS = 36
_STREAK_BINS, _STREAK_R = (3, 17), (20.0, 400.0)
_HOT_FRACTION, _HOT_R = (5e-4, 4e-3), (8.0, 150.0)
_NOISE = (1.1, 1.3)  # over the stated random error; `python -m bench.iuvs_noise`
_TAIL_FRACTION, _TAIL = (1e-3, 5e-3), 5.0  # of the pixels; their noise in random errors
_ROW_GAPS, _BIN_GAPS, _GAP_ROWS, _GAP_BINS = 4, 3, (1, 6), (1, 3)


def draw_particles(rng: np.random.Generator, view: View) -> Effect:
    """Draw streaks along the slit, each within one integration."""
    n_integrations, n_slit = view.shape
    light = np.zeros(view.shape)
    strengths, where = [], []
    for _ in range(draw_count(rng, _STREAKS)):
        length = min(int(draw_log_uniform(rng, *_STREAK_BINS, 1)[0]), n_slit)
        row, first = int(rng.integers(n_integrations)), int(rng.integers(n_slit - length + 1))
        peak_R = float(draw_log_uniform(rng, *_STREAK_R, 1)[0])
        light[row, first : first + length] += peak_R * rng.uniform(0.4, 1, length)
        strengths.append(peak_R)
        where.append((row, row, first, first + length - 1))
    return Effect("R", strengths, where, sharp_R=light)


def draw_hot_pixels(rng: np.random.Generator, view: View) -> Effect:
    """Draw single bright pixels."""
    fraction = draw_log_uniform(rng, *_HOT_FRACTION, 1)[0]
    count = max(round(fraction * view.brightness_R.size), 1)
    rows, bins = np.unravel_index(rng.choice(view.brightness_R.size, count, replace=False), view.shape)
    strengths = draw_log_uniform(rng, *_HOT_R, len(rows))
    light = np.zeros(view.shape)
    light[rows, bins] = strengths
    places = [(row, row, column, column) for row, column in zip(rows.tolist(), bins.tolist(), strict=True)]
    return Effect("R", strengths.tolist(), places, sharp_R=light)


def draw_heavy_tails(rng: np.random.Generator, view: View) -> Effect:
    """Draw noise above the stated random error, with more large values than a normal distribution has."""
    factor = rng.uniform(*_NOISE)
    fraction = draw_log_uniform(rng, *_TAIL_FRACTION, 1)[0]
    core = np.sqrt((factor**2 - 1 - fraction * _TAIL**2) / (1 - fraction))  # the variances add up to the factor
    width = np.where(rng.random(view.shape) < fraction, _TAIL, core)
    return Effect("random_error", [factor], [view.whole], noise=width * rng.standard_normal(view.shape))


def draw_gaps(rng: np.random.Generator, view: View) -> Effect:
    """Draw integrations and slit bins without values."""
    n_integrations, n_slit = view.shape
    missing = np.zeros(view.shape, bool)
    where = []
    for _ in range(draw_count(rng, _ROW_GAPS)):
        first = int(rng.integers(n_integrations))
        last = min(first + int(rng.integers(*_GAP_ROWS)), n_integrations) - 1
        where.append((first, last, 0, n_slit - 1))
    for _ in range(rng.integers(_BIN_GAPS)):
        first = int(rng.integers(n_slit))
        last = min(first + int(rng.integers(*_GAP_BINS)), n_slit) - 1
        where.append((0, n_integrations - 1, first, last))
    for top, bottom, left, right in where:
        missing[top : bottom + 1, left : right + 1] = True
    return Effect("fraction", [1.0] * len(where), where, missing=missing)
