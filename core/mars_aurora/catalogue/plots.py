"""One picture of one observation: heatmap with limb, grid, terminator, boxes and outlines, and a scale in rayleigh."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from mars_aurora.aurora import Aurora
from mars_aurora.geometry.canvas import (
    CENTRE_X,
    CENTRE_Y,
    DISK_RADIUS,
    HEIGHT,
    MARS_RADIUS_KM,
    WIDTH,
    Canvas,
    to_canvas,
)
from mars_aurora.geometry.footprint import unit_vectors
from mars_aurora.measure.emission_shell import EMISSION_ALTITUDE_KM
from mars_aurora.observation import Float64Array, Observation

FAINTEST_R, BRIGHTEST_R = 0.5, 1000.0
_GRID = (1.0, 1.0, 1.0, 0.5)


def draw(observation: Observation, canvas: Canvas, auroras: Sequence[Aurora]) -> bytes:
    """Draw an observation with its auroras; PNG, 960 x 720 px."""
    figure = Figure(figsize=(9.6, 7.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor="0.15")
    light = to_canvas(observation.brightness_R, canvas, np.nan)
    norm = LogNorm(FAINTEST_R, BRIGHTEST_R)
    image = axes.imshow(np.clip(light, FAINTEST_R, None), cmap="inferno", norm=norm, interpolation="nearest")
    axes.add_patch(Circle((CENTRE_X, CENTRE_Y), DISK_RADIUS, fill=False, edgecolor="white", linewidth=1))
    _draw_grid(axes, observation)
    sza = to_canvas(np.where(observation.tangent_altitude_km <= 0, observation.sza_deg, np.nan), canvas, np.nan)
    if np.nanmin(sza) < 90 < np.nanmax(sza):
        axes.contour(sza, levels=[90], colors="deepskyblue", linewidths=1, linestyles="dashed")
    for aurora in auroras:
        _draw_aurora(axes, observation, aurora)
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0), xticks=[], yticks=[])
    count = f"{len(auroras)} aurora{'' if len(auroras) == 1 else 's'}"
    axes.set_title(f"{observation.facts.name}\n{observation.facts.start_utc}   {count}", fontsize=9)
    figure.colorbar(image, ax=axes, label="O I 130.4 nm, R", shrink=0.8, extend="both")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _draw_grid(axes: Axes, observation: Observation) -> None:
    """Draw parallels and meridians every 30 degrees, as seen in the middle of the scan."""
    fine = np.linspace(-180, 180, 361)
    for lat in range(-60, 61, 30):
        axes.plot(*_place(observation, np.full(361, lat), fine, 0), color=_GRID, linewidth=0.5)
    for lon in range(0, 360, 30):
        axes.plot(*_place(observation, fine / 2, np.full(361, lon), 0), color=_GRID, linewidth=0.5)


def _draw_aurora(axes: Axes, observation: Observation, aurora: Aurora) -> None:
    corner, size = (aurora.box_x0, aurora.box_y0), (aurora.box_x1 - aurora.box_x0, aurora.box_y1 - aurora.box_y0)
    axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor="cyan", linewidth=1))
    axes.text(*corner, f"{aurora.detection}: {aurora.mean_brightness_R:.1f} R", color="cyan", fontsize=8, va="bottom")
    for part in shapely.get_parts(shapely.from_wkt(aurora.outline_wkt)):
        lon, lat = shapely.get_coordinates(shapely.segmentize(part.exterior, 1.0)).T
        axes.plot(*_place(observation, lat, lon, EMISSION_ALTITUDE_KM), color="lime", linewidth=1)


def _place(
    observation: Observation, lat_deg: Float64Array, lon_deg: Float64Array, altitude_km: float
) -> tuple[Float64Array, Float64Array]:
    """Project places at an altitude on the canvas as the spacecraft sees them mid-scan; NaN on the far side."""
    row = observation.shape[0] // 2
    lat, lon = observation.sub_spacecraft_latitude_deg[row], observation.sub_spacecraft_longitude_deg[row]
    up = unit_vectors(lat, lon)
    east = np.array([-np.sin(np.radians(lon)), np.cos(np.radians(lon)), 0])
    distance_km = MARS_RADIUS_KM + observation.spacecraft_altitude_km[row]
    place_km = unit_vectors(lat_deg, lon_deg) * (MARS_RADIUS_KM + altitude_km)
    depth_km = distance_km - place_km @ up
    scale = DISK_RADIUS * np.sqrt(distance_km**2 - MARS_RADIUS_KM**2) / MARS_RADIUS_KM / depth_km
    seen = place_km @ up > MARS_RADIUS_KM**2 / distance_km
    x, y = CENTRE_X + place_km @ east * scale, CENTRE_Y - place_km @ np.cross(up, east) * scale
    return np.where(seen, x, np.nan), np.where(seen, y, np.nan)
