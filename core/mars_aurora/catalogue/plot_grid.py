"""What figures have over the brightness: limb, labeled grid, local time, terminator, and the positions in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from matplotlib.patheffects import AbstractPathEffect, withStroke
from numpy.typing import NDArray

from mars_aurora.emission import DAY_SZA_DEG
from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y, DISK_RADIUS, project_points
from mars_aurora.perspective import Perspective
from mars_aurora.sphere import coordinates, local_axes

_LINE = (0.6, 0.6, 0.6, 0.7)  # visible on black and on yellow
_LOCAL_TIME, _TERMINATOR = "gold", "deepskyblue"
OUTLINED: list[AbstractPathEffect] = [withStroke(linewidth=2, foreground="black")]  # text that is readable on any color


def draw_grid(axes: Axes, perspective: Perspective) -> None:
    """Draw limb, parallels and meridians of 30 degrees, meridians of 6 h of local time, terminator and disk center."""
    axes.add_patch(Circle((CENTER_X, CENTER_Y), DISK_RADIUS, fill=False, edgecolor="white", linewidth=1))
    axes.plot(CENTER_X, CENTER_Y, "+", color="white", markersize=5, markeredgewidth=0.8)
    every, whole = np.linspace(-90, 90, 181), np.linspace(0, 360, 361)
    for lat in range(-60, 61, 30):
        _draw_line(axes, perspective, np.full(361, lat), whole, color=_LINE, linewidth=0.5)
    for lon in range(0, 360, 30):
        _draw_line(axes, perspective, every, np.full(181, lon), color=_LINE, linewidth=0.5)
    for hour in (0, 6, 12, 18):
        meridian = perspective.sub_solar_lon_deg + 15 * (hour - 12)
        _draw_line(axes, perspective, every, np.full(181, meridian), color=_LOCAL_TIME, linewidth=0.8, linestyle=":")
        _label_first(axes, perspective, [(lat, meridian) for lat in (45, -45, 15, -15)], f"{hour} h", _LOCAL_TIME)
    _draw_line(axes, perspective, *_find_terminator(perspective), color=_TERMINATOR, linewidth=1, linestyle="--")
    _label_grid(axes, perspective)


def describe_positions(perspective: Perspective) -> str:
    """Format the positions of spacecraft and Sun."""
    spacecraft = _describe(perspective.sub_spacecraft_lat_deg, perspective.sub_spacecraft_lon_deg)
    sun = _describe(perspective.sub_solar_lat_deg, perspective.sub_solar_lon_deg)
    return f"spacecraft {spacecraft}, {perspective.spacecraft_altitude_km:,.0f} km   Sun {sun}"


def _describe(lat_deg: float, lon_deg: float) -> str:
    return f"{abs(lat_deg):.1f}° {'S' if lat_deg < 0 else 'N'} {lon_deg % 360:.1f}° E"


def _draw_line(
    axes: Axes, perspective: Perspective, lat_deg: NDArray[Any], lon_deg: NDArray[Any], **style: object
) -> None:
    axes.plot(*project_points(lat_deg, lon_deg, 0.0, perspective), **style)  # type: ignore[arg-type]  # -- any style


def _find_terminator(perspective: Perspective) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return latitudes and longitudes of the circle about the Sun."""
    axes = local_axes(np.array(perspective.sub_solar_lat_deg), np.array(perspective.sub_solar_lon_deg))
    turn, angle = np.linspace(0, 2 * np.pi, 361)[:, None], np.radians(DAY_SZA_DEG)
    east, north, up = axes
    return coordinates(np.cos(angle) * up + np.sin(angle) * (np.cos(turn) * east + np.sin(turn) * north))


def _label_grid(axes: Axes, perspective: Perspective) -> None:
    """Label the parallels on the meridian, and the meridians on the parallel, nearest to the center of the disk."""
    near_lon = 30 * round(perspective.sub_spacecraft_lon_deg / 30)
    near_lat = int(np.clip(30 * round(perspective.sub_spacecraft_lat_deg / 30), -60, 60))
    for lat in range(-60, 61, 30):
        side = "N" if lat > 0 else "S" if lat < 0 else ""
        _label_first(axes, perspective, [(lat, near_lon)], f"{abs(lat)}° {side}".strip())
    for step in (-60, -30, 30, 60):
        lon = near_lon + step
        _label_first(axes, perspective, [(near_lat, lon)], f"{lon % 360}° E")


def _label_first(
    axes: Axes, perspective: Perspective, places: list[tuple[float, float]], text: str, color: str = "white"
) -> None:
    """Write a label at the first of the places that is visible."""
    for lat, lon in places:
        (x,), (y,) = project_points(np.array([lat]), np.array([lon]), 0.0, perspective)
        if np.isfinite(x):
            axes.annotate(
                text,
                (x, y),
                xytext=(2, 2),
                textcoords="offset points",
                color=color,
                fontsize=6,
                path_effects=OUTLINED,
            )
            return
