"""Artefacts of slit bins that persist along the whole scan: hot bins, smooth bands, flat-field residuals."""

from __future__ import annotations

import numpy as np

from mars_aurora_model.simulator.artefacts.effect import Effect, View, draw_count, draw_log_uniform

_HOT_BINS, _HOT_R = 6, (1.0, 14.0)
_BANDS, _BAND_R, _BAND_WIDTH = 4, (1.0, 5.0), (0.025, 0.12)  # width is a standard deviation over the slit length
_FLAT_FIELD = (0.03, 0.12)


def draw_hot_bins(rng: np.random.Generator, view: View) -> Effect:
    """Draw slit bins with a constant additional count rate."""
    n_integrations, n_slit = view.shape
    bins = np.sort(rng.choice(n_slit, min(draw_count(rng, _HOT_BINS), n_slit), replace=False))
    strengths = draw_log_uniform(rng, *_HOT_R, len(bins))
    light = np.zeros((1, n_slit))
    light[0, bins] = strengths
    where = [(0, n_integrations - 1, number, number) for number in bins.tolist()]
    return Effect("R", strengths.tolist(), where, smooth_R=light)


def draw_slit_bands(rng: np.random.Generator, view: View) -> Effect:
    """Draw smooth bands along the scan; where one is lists the bins within a standard deviation of its middle."""
    n_integrations, n_slit = view.shape
    number = draw_count(rng, _BANDS)
    strengths = draw_log_uniform(rng, *_BAND_R, number)
    middles, widths = rng.uniform(0, n_slit - 1, number), rng.uniform(*_BAND_WIDTH, number) * n_slit
    bands = np.exp(-0.5 * ((np.arange(n_slit)[:, None] - middles) / widths) ** 2)
    edges = np.stack([middles - widths, middles + widths], 1).round().clip(0, n_slit - 1).astype(int)
    where = [(0, n_integrations - 1, first, last) for first, last in edges.tolist()]
    return Effect("R", strengths.tolist(), where, smooth_R=(bands @ strengths)[None])


def draw_flat_field(rng: np.random.Generator, view: View) -> Effect:
    """Draw residuals of the flat field; the strength is their standard deviation."""
    sigma = rng.uniform(*_FLAT_FIELD)
    response = np.maximum(rng.normal(1, sigma, (1, view.shape[1])), 0)
    return Effect("fraction", [sigma], [view.whole], response=response)
