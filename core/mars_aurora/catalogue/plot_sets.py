"""Figures of observation sets: the swaths on one disk, as seen from one position, with grid, boxes and outlines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue import plots
from mars_aurora.catalogue.plot_grid import describe_positions, draw_grid
from mars_aurora.errors import UsageError
from mars_aurora.geometry.canvas import HEIGHT, WIDTH, Canvas, project_points, to_canvas
from mars_aurora.observation import FloatArray, Observation
from mars_aurora.perspective import Perspective


class Swath(NamedTuple):
    """One swath of a set with its auroras, joined with those of the other swaths."""

    observation: Observation
    canvas: Canvas
    auroras: Sequence[Aurora]


def draw_set(swaths: Sequence[Swath], style: plots.Style = plots.DEFAULT) -> bytes:
    """Draw the swaths of a set, in the order of their times, as a file; earlier ones cover later ones.

    Mars turns and the spacecraft moves between the swaths: all are drawn as seen from the position in the middle of the
    set, sky beside the disk where it was observed. Raises UsageError if that position is unknown.
    """
    middle = swaths[len(swaths) // 2].observation
    perspective = middle.perspective
    if perspective is None:
        raise UsageError(f"the position of the spacecraft is unknown in {middle.facts.name}")
    figure = Figure(figsize=(9.6, 7.2), layout="constrained")
    axes: Axes = figure.subplots()
    stitched_R = np.full((HEIGHT, WIDTH), np.nan, np.float32)
    for swath in reversed(swaths):
        brightness_R = _see_from(swath, perspective)
        np.copyto(stitched_R, brightness_R, where=np.isfinite(brightness_R))
    range_R = style.range_R or plots.choose_range(middle)
    image = plots.draw_brightness(axes, stitched_R, range_R)
    draw_grid(axes, perspective)
    by_id: dict[str, list[Aurora]] = {}
    for aurora in (aurora for swath in swaths for aurora in swath.auroras if aurora.has_signal):
        by_id.setdefault(aurora.aurora_id, []).append(aurora)
    for number, sightings in enumerate(by_id.values(), 1):
        _draw_aurora(axes, number, sightings, middle.emission.shell_km, perspective)
    plots.write_note(axes, f"seen from {describe_positions(perspective)}")
    first, last = swaths[0].observation.facts, swaths[-1].observation.facts
    count = f"{len(swaths)} swaths, {plots.describe_count(len(by_id))}"
    title = f"{first.name} and later swaths\n{first.start_utc} to {last.end_utc or last.start_utc} UTC   {count}"
    axes.set_title(title, fontsize=9, parse_math=False)
    plots.add_scale(image, [axes], middle.emission)
    return plots.save(figure, style)


def _see_from(swath: Swath, perspective: Perspective) -> FloatArray:
    """Return the brightness of a swath on the canvas, (480, 640), the disk as seen from another position."""
    observation, canvas = swath.observation, swath.canvas
    coordinates = observation.latitude_deg.ravel(), observation.longitude_deg.ravel()
    x, y = (values.reshape(observation.shape) for values in project_points(*coordinates, 0.0, perspective))
    moved = Canvas(
        np.where(observation.on_disk, x, canvas.x).astype(np.float32),
        np.where(observation.on_disk, y, canvas.y).astype(np.float32),
    )
    return to_canvas(observation.brightness_R, moved, np.nan)


def _draw_aurora(
    axes: Axes, number: int, sightings: Sequence[Aurora], shell_km: float, perspective: Perspective
) -> None:
    """Draw the outlines of the sightings of an aurora, and the box about them with its number and mean brightness."""
    lines = [line for aurora in sightings for line in plots.project_outlines(aurora, shell_km, perspective)]
    for line in lines:
        axes.plot(*line, color="lime", linewidth=1)
    x, y = np.concatenate(lines, axis=1)
    if np.isfinite(x).any():
        brightness_R = np.average(
            [aurora.mean_brightness_R for aurora in sightings], weights=[aurora.area_km2 for aurora in sightings]
        )
        corners = (np.nanmin(x), np.nanmin(y), np.nanmax(x), np.nanmax(y))
        plots.draw_box(axes, corners, f"{number}: {brightness_R:.1f} R")
