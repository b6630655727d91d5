"""Paint auroras and large saturated areas on pictures with PIL, as in the paper."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from mars_aurora.emission import OXYGEN_1304
from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y, DISK_RADIUS, HEIGHT, WIDTH
from mars_aurora.observation import FloatArray
from mars_aurora.picture import heatmap, png
from mars_aurora.picture.picture import UNOBSERVED, Levels
from mars_aurora_model.labels import LabeledPicture
from mars_aurora_model.simulator.world import World
from mars_aurora_model.true_boxes import box_excess


def paint_aurora(rng: np.random.Generator) -> FloatArray:
    """Paint one aurora on the disk, a blurred stroke or a few blurred blobs; (480, 640) excess in R."""
    mask = Image.new("L", (WIDTH, HEIGHT))
    brush = ImageDraw.Draw(mask)
    radius, angle = DISK_RADIUS * 0.85 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
    middle = np.array([CENTER_X + radius * np.cos(angle), CENTER_Y + radius * np.sin(angle)])
    size = np.exp(rng.uniform(np.log(8), np.log(45)))
    if rng.random() < 0.3:
        knots = middle + np.cumsum(rng.normal(0, size, (6, 2)), axis=0)
        brush.line([(float(x), float(y)) for x, y in knots], fill=255, width=int(rng.integers(4, 14)), joint="curve")
    else:
        for center in middle + rng.normal(0, size / 2, (rng.integers(1, 5), 2)):
            half = size * rng.uniform(0.3, 0.8, 2)
            brush.ellipse([*(center - half), *(center + half)], fill=int(rng.integers(140, 256)))
    blurred = np.asarray(mask.filter(ImageFilter.GaussianBlur(rng.uniform(2, 6))), np.float32)
    peak_R = np.exp(rng.uniform(np.log(4), np.log(40)))
    return blurred / max(float(blurred.max()), 1.0) * np.float32(peak_R)


def add_excess(levels: Levels, excess_R: FloatArray, rng: np.random.Generator, counts_per_R: float) -> Levels:
    """Add a painted excess with photon noise, per block of the size of a native pixel, to the observed levels."""
    blocks = cv2.resize(excess_R, (WIDTH // 4, HEIGHT // 4), interpolation=cv2.INTER_AREA)
    noisy = (rng.poisson(np.maximum(blocks, 0) * counts_per_R) / counts_per_R).astype(np.float32)
    upsampled = cv2.resize(noisy, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    brighter = heatmap.to_levels(heatmap.level_brightness(OXYGEN_1304)[levels] + upsampled, OXYGEN_1304)
    return np.where(levels == UNOBSERVED, levels, brighter).astype(np.uint8)


def whiten(rng: np.random.Generator, levels: Levels) -> tuple[Levels, NDArray[np.bool_]]:
    """Saturate large rectangles and ellipses; return the levels and the mask of the areas, (480, 640) bool."""
    mask = Image.new("L", (WIDTH, HEIGHT))
    brush = ImageDraw.Draw(mask)
    for _ in range(rng.integers(1, 4)):
        center = rng.uniform((120, 40), (520, 420))
        half = np.exp(rng.uniform(np.log(40), np.log(220), 2))
        corners = [*(center - half), *(center + half)]
        if rng.random() < 0.4:
            brush.rectangle(corners, fill=255)
        else:
            brush.ellipse(corners, fill=255)
    area = np.asarray(mask) > 0
    return np.where(area & (levels != UNOBSERVED), rng.integers(200, 256), levels).astype(np.uint8), area


def paint_picture(plain: LabeledPicture, rng: np.random.Generator, world: World) -> LabeledPicture:
    """Paint auroras where the disk is dark, and label them as in a simulated picture."""
    picture = png.read(plain.png)
    levels = picture.levels
    disk_columns, disk_rows = np.meshgrid(np.arange(levels.shape[1]) - CENTER_X, np.arange(levels.shape[0]) - CENTER_Y)
    smooth_R = np.asarray(cv2.GaussianBlur(heatmap.level_brightness(OXYGEN_1304)[levels], (0, 0), 6), np.float32)
    dark = (np.hypot(disk_columns, disk_rows) < 168) & (smooth_R < 8) & (levels != UNOBSERVED)
    excess_R: FloatArray = np.zeros(levels.shape, np.float32)
    for _ in range(rng.integers(1, 4)):
        excess_R = np.maximum(excess_R, paint_aurora(rng))
    excess_R *= cv2.GaussianBlur(dark.astype(np.float32), (0, 0), 3)
    shown_R = np.where(levels != UNOBSERVED, excess_R, 0)
    index = np.arange(levels.size, dtype=np.int32).reshape(levels.shape)  # each canvas pixel is a native pixel
    found = box_excess(shown_R, smooth_R, world, index, pixel=1 / 16)  # noise is painted in blocks of 4 x 4 px
    painted = add_excess(levels, excess_R, rng, world.counts_per_R)
    return replace(plain, png=png.write(replace(picture, levels=painted)), labels=(*plain.labels, *found))


def whiten_picture(plain: LabeledPicture, rng: np.random.Generator) -> LabeledPicture:
    """Saturate large areas of a picture."""
    picture = png.read(plain.png)
    white, _ = whiten(rng, picture.levels)
    return replace(plain, png=png.write(replace(picture, levels=white)))
