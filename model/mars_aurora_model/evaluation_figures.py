"""Figures of an evaluation: precision-recall curves, recall by brightness and size, the worst errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from cv2.typing import MatLike
from matplotlib.figure import Figure

from mars_aurora_model.contact_sheet import decode, tile
from mars_aurora_model.predictions import Predictions

_WORST = 24
_TILE_WIDTH, _TILE_HEIGHT, _COLUMNS = 426, 320, 6


def draw(predictions: Mapping[str, Predictions], figures: Mapping[str, Any], folder: Path) -> None:
    """Draw all figures of an evaluation into ``folder``."""
    draw_curves(predictions, folder / "precision_recall.png")
    draw_breakdowns(figures["scores"], folder / "recall.png")
    draw_errors(predictions["test"], figures["thresholds"]["aurora"], folder / "worst_misses.jpg")


def draw_curves(predictions: Mapping[str, Predictions], path: Path) -> None:
    """Draw precision against recall of aurora boxes."""
    figure = Figure((5, 4), layout="constrained")
    axes = figure.subplots()
    for name, found in predictions.items():
        matches = found.matches("aurora")
        precision, recall = matches.precision_recall()
        axes.plot(recall, precision, label=f"{name}: AP50 {matches.average_precision():.3f}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(loc="center", fontsize="small", bbox_to_anchor=(0.6, 0.5))
    figure.savefig(path, dpi=110)


def draw_breakdowns(scores: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw recall of aurora boxes by brightness and by size, with the number of true boxes."""
    figure = Figure((10, 3.4), layout="constrained")
    step = 0.8 / len(scores)
    for axes, key in zip(figure.subplots(1, 2), ("recall_by_brightness", "recall_by_size"), strict=True):
        for number, (name, score) in enumerate(scores.items()):
            positions = np.arange(len(score[key])) + step * number
            bars = axes.bar(positions, [recall or 0 for recall, _ in score[key].values()], 0.95 * step, label=name)
            axes.bar_label(bars, [str(count) for _, count in score[key].values()], fontsize=6)
        axes.set_xticks(np.arange(len(score[key])) + 0.4 - step / 2, list(score[key]))
        axes.set(ylim=(0, 1.1), ylabel="recall")
    figure.legend(*axes.get_legend_handles_labels(), fontsize="x-small", loc="outside right upper")
    figure.savefig(path, dpi=110)


def draw_errors(predictions: Predictions, threshold: float, path: Path) -> None:
    """Draw the pictures with the clearest misses and the most confident false alarms.

    True boxes are green, predicted ones white.
    """
    matches = predictions.matches("aurora")
    owners = [i for i, picture in enumerate(predictions.pictures) for _ in picture.visible("aurora")]
    snrs = [box.snr or 0 for picture in predictions.pictures for box in picture.visible("aurora")]
    missed = {i: snr for i, snr, at in zip(owners, snrs, matches.found_at, strict=True) if at < threshold}
    false = matches.image[~matches.correct & (matches.confidence >= threshold)]
    chosen = [int(i) for i in dict.fromkeys([*sorted(missed, key=lambda i: -missed[i]), *false])][:_WORST]
    tiles = [_draw_tile(predictions, i, threshold) for i in chosen]
    sheet = tile(tiles or [np.zeros((_TILE_HEIGHT, _TILE_WIDTH, 3), np.uint8)], _COLUMNS)
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 60])


def _draw_tile(predictions: Predictions, index: int, threshold: float) -> MatLike:
    picture = predictions.pictures[index]
    pixels = decode(picture)
    for label in picture.labels:
        if label.label == "aurora":
            color = (120, 120, 0) if label.ignored else (0, 255, 0)
            cv2.rectangle(pixels, (int(label.x0), int(label.y0)), (int(label.x1), int(label.y1)), color, 2)
    for box in predictions.boxes[index]:
        if box.label == "aurora" and box.confidence >= threshold:
            low = (int(box.x0), int(box.y0))
            cv2.rectangle(pixels, low, (int(box.x1), int(box.y1)), (255, 255, 255), 1)
            cv2.putText(pixels, f"{box.confidence:.2f}", low, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    cv2.putText(pixels, picture.name, (5, 470), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1)
    return cv2.resize(pixels, (_TILE_WIDTH, _TILE_HEIGHT), interpolation=cv2.INTER_AREA)
