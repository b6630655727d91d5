"""Pictures made in the paper's own manner: auroras, and large white areas, painted with PIL on a disk."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from mars_aurora.geometry.canvas import CENTRE_X, CENTRE_Y, DISK_RADIUS, HEIGHT, WIDTH
from mars_aurora.observation import FloatArray
from mars_aurora.picture import heatmap

Levels = NDArray[np.uint8]


def paint_aurora(rng: np.random.Generator) -> FloatArray:
    """Paint one aurora somewhere on the disk: a few strokes or blobs, blurred; (480, 640), its peak in R."""
    picture = Image.new("L", (WIDTH, HEIGHT))
    brush = ImageDraw.Draw(picture)
    radius, angle = DISK_RADIUS * 0.85 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
    middle = np.array([CENTRE_X + radius * np.cos(angle), CENTRE_Y + radius * np.sin(angle)])
    size = np.exp(rng.uniform(np.log(8), np.log(45)))
    if rng.random() < 0.3:
        knots = middle + np.cumsum(rng.normal(0, size, (6, 2)), axis=0)
        brush.line([tuple(knot) for knot in knots], fill=255, width=int(rng.integers(4, 14)), joint="curve")
    else:
        for centre in middle + rng.normal(0, size / 2, (rng.integers(1, 5), 2)):
            half = size * rng.uniform(0.3, 0.8, 2)
            brush.ellipse([*(centre - half), *(centre + half)], fill=int(rng.integers(140, 256)))
    blurred = np.asarray(picture.filter(ImageFilter.GaussianBlur(rng.uniform(2, 6))), np.float32)
    peak_R = np.exp(rng.uniform(np.log(4), np.log(40)))
    return blurred / max(float(blurred.max()), 1.0) * np.float32(peak_R)


def add_excess(levels: Levels, excess_R: FloatArray, rng: np.random.Generator, counts_per_R: float) -> Levels:
    """Add painted light, with the scatter of its photons in blocks of the size of a pixel, where there is a picture."""
    blocks = cv2.resize(excess_R, (WIDTH // 4, HEIGHT // 4), interpolation=cv2.INTER_AREA)
    noisy = (rng.poisson(np.maximum(blocks, 0) * counts_per_R) / counts_per_R).astype(np.float32)
    grown = cv2.resize(noisy, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    brighter = heatmap.to_levels(heatmap.level_brightness()[levels] + grown)
    return np.where(levels == heatmap.UNOBSERVED, levels, brighter).astype(np.uint8)


def whiten(rng: np.random.Generator, levels: Levels) -> tuple[Levels, NDArray[np.bool_]]:
    """Saturate large areas, of any edge and anywhere; also returns where, (480, 640) bool."""
    picture = Image.new("L", (WIDTH, HEIGHT))
    brush = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 4)):
        centre = rng.uniform((120, 40), (520, 420))
        half = np.exp(rng.uniform(np.log(40), np.log(220), 2))
        corners = [*(centre - half), *(centre + half)]
        if rng.random() < 0.4:
            brush.rectangle(corners, fill=255)
        else:
            brush.ellipse(corners, fill=255)
    area = np.asarray(picture) > 0
    return np.where(area & (levels != heatmap.UNOBSERVED), rng.integers(200, 256), levels).astype(np.uint8), area
