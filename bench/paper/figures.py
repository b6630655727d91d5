"""Figures 2 to 10 of the paper, drawn by this pipeline."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from bench.paper.plan import ROOT, Plan
from bench.paper.shown import Pixels, Shown, prepare
from mars_aurora.background.window import LEFT, TOP
from mars_aurora.detect.yolo import load
from mars_aurora.geometry.canvas import HEIGHT, WIDTH
from mars_aurora.picture.palette import inferno
from mars_aurora_model.contact_sheet import draw_contact_sheet
from mars_aurora_model.dataset import training_picture
from mars_aurora_model.labels import write_set
from mars_aurora_model.simulator.worlds import draw_world

FOLDER = ROOT / "docs" / "paper"


def measure(plan: Plan) -> dict[str, Any]:
    """Draw the figures into docs/paper."""
    FOLDER.mkdir(exist_ok=True)
    shown = prepare()
    for name, draw in FIGURES.items():
        figure = Figure(layout="constrained", dpi=100)
        draw(shown, figure)
        figure.savefig(FOLDER / f"{name}.png")
        shrink(FOLDER / f"{name}.png")
    return {"tiles": _draw_sheet(plan.tiles, FOLDER / "figure10.png")}


def shrink(path: Path) -> None:
    """Store a PNG with a palette of 256 colors, which takes a third of the space."""
    with Image.open(path) as image:
        reduced = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)


def draw_raw(shown: Shown, figure: Figure) -> None:
    """Draw the heatmaps of two files at one scale, so that their sizes differ as those of the files."""
    figure.set_size_inches(8, 3.4)
    shapes = [observation.brightness_R.shape for observation in (shown.night, shown.day)]
    both = figure.subplots(1, 2, width_ratios=[shape[0] for shape in shapes])
    for axes, observation in zip(both, (shown.night, shown.day), strict=True):
        logarithm = np.log10(np.clip(observation.brightness_R.T, 1, None))
        axes.imshow(logarithm, cmap="inferno", origin="lower", vmin=0, vmax=3)
        axes.set(title=" x ".join(map(str, logarithm.shape[::-1])), xlabel="integration", ylabel="slit bin")


def draw_normalized(shown: Shown, figure: Figure) -> None:
    _show(figure, [(f"{WIDTH} x {HEIGHT}", inferno()[shown.picture.levels])], size=(6.4, 5.2), frame=True)


def draw_cropped(shown: Shown, figure: Figure) -> None:
    pixels = inferno()[shown.stages.levels]
    _show(figure, [(f"{pixels.shape[1]} x {pixels.shape[0]}", pixels)], size=(4.6, 5.0), frame=True)


def draw_mask(shown: Shown, figure: Figure) -> None:
    """Draw the picture with the mask as its alpha channel, at full size, on a checkerboard."""
    rows, columns = np.indices((HEIGHT, WIDTH)) // 16
    board = np.where((rows + columns) % 2, 200, 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    alpha = place(shown.stages.mask)[..., None] > 0
    _show(figure, [("", np.where(alpha, inferno()[shown.picture.levels], board))], size=(6.4, 5.0), frame=True)


def draw_background(shown: Shown, figure: Figure) -> None:
    alpha = place(shown.stages.mask)[..., None] > 0
    _show(figure, [("", np.where(alpha, inferno()[shown.picture.levels], 0))], size=(6.4, 5.0), frame=True)


def place(window: Pixels) -> Pixels:
    """Return a window around the disk in its place on the canvas, (480, 640), 0 elsewhere."""
    full = np.zeros((HEIGHT, WIDTH), np.uint8)
    full[TOP : TOP + window.shape[0], LEFT : LEFT + window.shape[1]] = window
    return full


def draw_binary(shown: Shown, figure: Figure) -> None:
    stages = shown.stages
    x, y = _find_object(shown)
    rows, columns = slice(max(0, y - 40), y + 40), slice(max(0, x - 40), x + 40)
    panels = [
        ("binary", stages.binary),
        ("inverted, then eroded", stages.eroded),
        ("edges of an object, enlarged", np.hstack((stages.inverted[rows, columns], stages.eroded[rows, columns]))),
        ("inverted again", stages.edges),
    ]
    _show(figure, [(title, np.asarray(pixels, np.uint8)) for title, pixels in panels], size=(8, 8), columns=2)


def _find_object(shown: Shown) -> tuple[int, int]:
    """Return the center of the largest feature in the window, or of the window."""
    features = sorted(shown.stages.found.objects[1:], key=lambda feature: -feature.area)
    side = shown.stages.mask.shape[0]
    return (round(features[0].x) - LEFT, round(features[0].y) - TOP) if features else (side // 2, side // 2)


def draw_objects(shown: Shown, figure: Figure) -> None:
    """Draw the three panels of the paper: outlines and flood fill above, circles below."""
    figure.set_size_inches(7, 7)
    panels = {"a": "9_outlines", "b": "10_flooded", "c": "11_circles"}
    axes = figure.subplot_mosaic("aabb;.cc.")
    for place_, name in panels.items():
        _draw_panel(axes[place_], name.partition("_")[2], shown.drawn[name])


def draw_detections(shown: Shown, figure: Figure) -> None:
    pixels = np.ascontiguousarray(inferno()[shown.picture.levels])
    for box in load().detect(shown.picture):
        color = (255, 160, 0) if box.label == "mars" else (0, 255, 0)
        low, high = (round(box.x0), round(box.y0)), (round(box.x1), round(box.y1))
        cv2.rectangle(pixels, low, high, color, 2)
        place_ = (low[0] + 3, low[1] - 5)
        cv2.putText(pixels, f"{box.label} {box.confidence:.2f}", place_, cv2.FONT_HERSHEY_SIMPLEX, 0.55, color, 1)
    _show(figure, [("", pixels)], size=(6.4, 5.0))


def _show(
    figure: Figure,
    panels: Sequence[tuple[str, Pixels]],
    size: tuple[float, float],
    columns: int = 1,
    *,
    frame: bool = False,
) -> None:
    figure.set_size_inches(*size)
    all_axes = figure.subplots(-(-len(panels) // columns), columns, squeeze=False).flat
    for axes, (title, pixels) in zip(all_axes, panels, strict=True):
        _draw_panel(axes, title, pixels)
        axes.axis("on" if frame else "off")


def _draw_panel(axes: Axes, title: str, pixels: Pixels) -> None:
    colors = pixels[..., 2::-1] if title == "circles" else pixels  # OpenCV writes blue first
    axes.imshow(colors, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title)
    axes.axis("off")


def _draw_sheet(tiles: int, path: Path) -> int:
    """Draw synthetic training pictures with their labels; return their number."""
    make = partial(training_picture, seed=1_000, draw=partial(draw_world, coarse_fraction=1 / 6))
    made = (picture for index in range(10 * tiles) if (picture := make(index * 7)) is not None)
    with tempfile.TemporaryDirectory() as folder:
        write_set(Path(folder) / "set", [picture for picture, _ in zip(made, range(tiles), strict=False)])
        draw_contact_sheet(Path(folder) / "set", Path(folder) / "sheet.png", tiles, columns=6)
        shutil.copy(Path(folder) / "sheet.png", path)
    shrink(path)
    return tiles


FIGURES = {
    "figure2": draw_raw,
    "figure3": draw_normalized,
    "figure4": draw_cropped,
    "figure5": draw_mask,
    "figure6": draw_background,
    "figure7": draw_binary,
    "figure8": draw_objects,
    "figure9": draw_detections,
}
PAPER = {
    "figure2": "two heatmaps of the logarithm of the O I 130.4 nm line, of different sizes: one with the terminator, "
    "one of the day side.",
    "figure3": "the heatmap resized to 640x480. Here each native pixel is projected onto a canvas of that size, so "
    "that resizing does not stretch the disk.",
    "figure4": "the part with the disk, cropped. Here the window around the disk, in which objects are counted.",
    "figure5": "a circular mask around the disk, as the alpha channel. Here the same, at the size of the canvas.",
    "figure6": "the masked picture on a background. Here the same.",
    "figure7": "the picture after adaptive threshold and erosion. Here of the excess over the non-auroral background "
    "in units of its noise: the binary picture, its inversion eroded by a kernel of 4x4, the edges of the largest "
    "object before and after the erosion, which enlarges it, and the second inversion.",
    "figure8": "outlines of the objects, the regions filled from their seeds, and a circle around each object. Here "
    "the same; the disk is the first object.",
    "figure9": "Mars and auroras in the boxes of the network. Here with calibrated confidences.",
    "figure10": "artificial auroras on pictures of Mars, for training. Here simulated swaths with the labels that the "
    "network is trained on; in some, auroras are painted as in the paper, or large areas are white.",
}


def describe(_results: dict[str, Any]) -> str:
    """Return the figures, each with a line on what the paper shows."""
    parts = []
    for name, shows in PAPER.items():
        number = name.removeprefix("figure")
        parts.append(f"### Figure {number}\n\nThe paper shows {shows}\n\n![Figure {number}](paper/{name}.png)")
    return "\n\n".join(parts)
