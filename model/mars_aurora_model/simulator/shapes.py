"""Shapes of auroras on square maps of `GRID` cells a side: irregular patches and sinuous ribbons."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

GRID = 192  # cells along a side of an aurora's map

Map = NDArray[np.float32]  # (N, N) with N = GRID


def draw_patch(rng: np.random.Generator, size: float) -> Map:
    """Draw an irregular patch of semi-major axis ``size`` cells, (N, N)."""
    middle = (GRID - 1) / 2
    y, x = np.mgrid[:GRID, :GRID] - middle
    x = x + 0.45 * size * _draw_texture(rng, 6)
    y = y + 0.45 * size * _draw_texture(rng, 6)
    turn, flattening = rng.normal(0, 0.5), rng.uniform(0.35, 0.9)  # mostly east-west
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    radius2 = (along**2 + (across / flattening) ** 2) / size**2
    profile = np.exp(-(radius2 ** rng.uniform(0.8, 1.6)))
    shape: Map = (profile * np.exp(0.3 * _draw_texture(rng, 12))).astype(np.float32)
    return shape


def draw_ribbon(rng: np.random.Generator, length: float, width: float) -> Map:
    """Draw a sinuous ribbon, (N, N); length and width (standard deviation across) in cells."""
    s = np.linspace(-0.5, 0.5, 200)
    waves, phases = rng.uniform(0.6, 3.0, 3), rng.uniform(0, 2 * np.pi, 3)
    sway = sum(0.09 / wave * np.sin(2 * np.pi * wave * s + phase) for wave, phase in zip(waves, phases, strict=True))
    turn = rng.uniform(0, 2 * np.pi)
    bow = rng.normal(0, 0.25) * (s**2 - 0.08)
    x, y = s * length, (sway + bow) * length
    path = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=1)
    canvas = np.full((GRID, GRID), 255, np.uint8)
    fixed = np.round((path + (GRID - 1) / 2) * 16).astype(np.int32)
    cv2.polylines(canvas, [fixed], isClosed=False, color=0, thickness=1, shift=4)
    distance = cv2.distanceTransform(canvas, cv2.DIST_L2, 5)
    band = np.exp(-0.5 * (distance / (width * np.exp(0.25 * _draw_texture(rng, 5)))) ** 2)
    shape: Map = (band * np.exp(0.35 * _draw_texture(rng, 5))).astype(np.float32)
    return shape


def keep_main_part(excess_R: Map, outline_R: float) -> tuple[NDArray[np.bool_], Map]:
    """Return the largest region above the outline level, and the excess reduced below that level elsewhere.

    A faint aurora that reaches the level in less than 3 x 3 cells is made brighter until it does.
    """
    while not (bright := _open((excess_R >= outline_R).astype(np.uint8))).any():
        excess_R = excess_R * np.float32(1.1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=4)
    main = (labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])).astype(np.uint8)
    edges, _ = cv2.findContours(main, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    region = cv2.drawContours(main, edges, -1, 1, cv2.FILLED).astype(bool)  # holes count as part of the region
    return region, np.where(region, excess_R, np.minimum(excess_R, 0.9 * outline_R)).astype(np.float32)


def _draw_texture(rng: np.random.Generator, knots: int) -> Map:
    """Draw smooth noise of about unit variance, (N, N)."""
    coarse = rng.normal(size=(knots, knots)).astype(np.float32)
    fine = rng.normal(size=(3 * knots, 3 * knots)).astype(np.float32)
    resized = [cv2.resize(noise, (GRID, GRID), interpolation=cv2.INTER_CUBIC) for noise in (coarse, fine)]
    return np.asarray(resized[0] + 0.35 * resized[1], np.float32)


def _open(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Apply a morphological opening with a 3 x 3 kernel."""
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
