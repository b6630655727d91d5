"""Figures of one observation: heatmap with limb, grid, terminator, boxes and outlines, and a scale in rayleigh."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Circle, Rectangle

from mars_aurora.aurora import Aurora
from mars_aurora.emission import DAY_SZA_DEG
from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y, DISK_RADIUS, HEIGHT, WIDTH, Canvas, project, to_canvas
from mars_aurora.observation import Float64Array, Observation
from mars_aurora.sphere import MARS_RADIUS_KM, unit_vectors

_GRID = (1.0, 1.0, 1.0, 0.5)


def draw(observation: Observation, canvas: Canvas, auroras: Sequence[Aurora], *, raw: bool = False) -> bytes:
    """Draw an observation with its auroras as a PNG of 960 x 720 px, with ``raw`` beside the one before cleaning."""
    figure = Figure(figsize=(19.2 if raw else 9.6, 7.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    draw_figure(figure, observation, canvas, auroras, raw=raw)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def draw_figure(
    figure: Figure, observation: Observation, canvas: Canvas, auroras: Sequence[Aurora], *, raw: bool = False
) -> Axes:
    """Draw an observation with its auroras and a color bar on a figure, with ``raw`` to the right of the raw one.

    Returns the axes of the observation.
    """
    panels = figure.subplots(1, 2 if raw else 1, squeeze=False)[0]
    if raw:
        before = replace(observation, brightness_R=observation.raw_brightness_R)
        draw_axes(panels[0], before, canvas, ())
        panels[0].set_title("before cleaning", fontsize=9)
    axes: Axes = panels[-1]
    image = draw_axes(axes, observation, canvas, auroras)
    figure.colorbar(image, ax=panels, label=f"{observation.emission.name} nm, R", shrink=0.8, extend="both")
    return axes


def draw_axes(axes: Axes, observation: Observation, canvas: Canvas, auroras: Sequence[Aurora]) -> AxesImage:
    """Draw an observation with its auroras on axes; return the image, for a color bar."""
    faintest_R, brightest_R = observation.emission.heatmap_R
    axes.set_facecolor("0.15")
    brightness_R = to_canvas(observation.brightness_R, canvas, np.nan)
    image = axes.imshow(
        np.clip(brightness_R, faintest_R, None),
        cmap="inferno",
        norm=LogNorm(faintest_R, brightest_R),
        interpolation="nearest",
    )
    axes.add_patch(Circle((CENTER_X, CENTER_Y), DISK_RADIUS, fill=False, edgecolor="white", linewidth=1))
    _draw_grid(axes, observation)
    sza = to_canvas(np.where(observation.on_disk, observation.sza_deg, np.nan), canvas, np.nan)
    if np.isfinite(sza).any() and np.nanmin(sza) < DAY_SZA_DEG < np.nanmax(sza):
        axes.contour(sza, levels=[DAY_SZA_DEG], colors="deepskyblue", linewidths=1, linestyles="dashed")
    for aurora in auroras:
        _draw_aurora(axes, observation, aurora)
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0), xticks=[], yticks=[])
    count = f"{len(auroras)} aurora{'' if len(auroras) == 1 else 's'}"
    axes.set_title(f"{observation.facts.name}\n{observation.facts.start_utc}   {count}", fontsize=9, parse_math=False)
    return image


def _draw_grid(axes: Axes, observation: Observation) -> None:
    """Draw parallels and meridians every 30 degrees, as seen at the middle of the scan."""
    fine = np.linspace(-180, 180, 361)
    for lat in range(-60, 61, 30):
        axes.plot(*_to_canvas_px(observation, np.full(361, lat), fine, 0), color=_GRID, linewidth=0.5)
    for lon in range(0, 360, 30):
        axes.plot(*_to_canvas_px(observation, fine / 2, np.full(361, lon), 0), color=_GRID, linewidth=0.5)


def _draw_aurora(axes: Axes, observation: Observation, aurora: Aurora) -> None:
    corner, size = (aurora.box_x0, aurora.box_y0), (aurora.box_x1 - aurora.box_x0, aurora.box_y1 - aurora.box_y0)
    axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor="cyan", linewidth=1))
    axes.text(*corner, f"{aurora.detection}: {aurora.mean_brightness_R:.1f} R", color="cyan", fontsize=8, va="bottom")
    for part in shapely.get_parts(shapely.from_wkt(aurora.outline_wkt)):
        lon, lat = shapely.get_coordinates(shapely.segmentize(part.exterior, 1.0)).T
        axes.plot(*_to_canvas_px(observation, lat, lon, observation.emission.shell_km), color="lime", linewidth=1)


def _to_canvas_px(
    observation: Observation, lat_deg: Float64Array, lon_deg: Float64Array, altitude_km: float
) -> tuple[Float64Array, Float64Array]:
    """Project points (N,) at an altitude on the canvas as seen at the middle of the scan; NaN behind the limb."""
    row = observation.shape[0] // 2
    sub_lat, sub_lon, spacecraft_km = (
        values[row : row + 1]
        for values in (
            observation.sub_spacecraft_latitude_deg,
            observation.sub_spacecraft_longitude_deg,
            observation.spacecraft_altitude_km,
        )
    )
    up = unit_vectors(sub_lat, sub_lon)[0]
    distance_km = MARS_RADIUS_KM + spacecraft_km[0]
    point_km = unit_vectors(lat_deg, lon_deg) * (MARS_RADIUS_KM + altitude_km)
    (x,), (y,) = project((point_km - up * distance_km)[None], sub_lat, sub_lon, spacecraft_km)
    visible = point_km @ up > MARS_RADIUS_KM**2 / distance_km
    return np.where(visible, x, np.nan), np.where(visible, y, np.nan)
