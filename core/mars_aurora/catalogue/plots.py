"""Figures of one observation: heatmap with limb, grid, local time, boxes and outlines, and a scale in rayleigh."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from mars_aurora.aurora import Aurora, count_auroras
from mars_aurora.catalogue.plot_grid import OUTLINED, describe_positions, draw_grid
from mars_aurora.emission import DAY_SZA_DEG, Emission, Range
from mars_aurora.geometry import canvas as canvases
from mars_aurora.geometry.canvas import HEIGHT, WIDTH, Canvas, project_points, to_canvas
from mars_aurora.observation import FloatArray, Observation
from mars_aurora.perspective import Perspective

FORMATS = ("png", "pdf", "svg")


@dataclass(frozen=True)
class Style:
    """How figures are drawn.

    Attributes
    ----------
    range_R : range or None
        Ends of the logarithmic scale; None for `choose_range`.
    file_format : "png", "pdf" or "svg"
    dpi : int
        Resolution, in PDF and SVG that of the picture.
    """

    range_R: Range | None = None
    file_format: str = "png"
    dpi: int = 100


DEFAULT = Style()


def choose_range(observation: Observation) -> Range:
    """Choose the scale of a scene: that of the night if most pixels of the disk are beyond the terminator."""
    sza = observation.sza_deg[observation.on_disk & np.isfinite(observation.brightness_R)]
    sza = sza[np.isfinite(sza)]
    is_night = sza.size > 0 and np.median(sza) > DAY_SZA_DEG
    return observation.emission.night_figure_R if is_night else observation.emission.heatmap_R


def draw(  # noqa: PLR0913 -- what is drawn beside it
    observation: Observation,
    canvas: Canvas,
    auroras: Sequence[Aurora],
    *,
    raw: bool = False,
    beside: Observation | None = None,
    style: Style = DEFAULT,
) -> bytes:
    """Draw an observation with its auroras as a file; each panel has 960 x 720 px at 100 dpi.

    With ``raw`` it is to the right of the one before cleaning, with ``beside`` to the left of another emission.
    """
    figure = Figure(figsize=(9.6 * (1 + raw + (beside is not None)), 7.2), layout="constrained")
    draw_figure(figure, observation, canvas, auroras, raw=raw, beside=beside, range_R=style.range_R)
    return save(figure, style)


def save(figure: Figure, style: Style) -> bytes:
    """Write a figure as a file; the same figure yields the same bytes."""
    FigureCanvasAgg(figure)
    stream, kind = io.BytesIO(), style.file_format
    metadata = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}[kind]
    with rc_context({"svg.hashsalt": "mars-aurora"}):  # of the names of elements, else random
        figure.savefig(stream, format=kind, dpi=style.dpi, metadata=metadata)
    return stream.getvalue()


def draw_figure(  # noqa: PLR0913 -- as draw
    figure: Figure,
    observation: Observation,
    canvas: Canvas,
    auroras: Sequence[Aurora],
    *,
    raw: bool = False,
    beside: Observation | None = None,
    range_R: Range | None = None,
) -> Axes:
    """Draw an observation with its auroras and color bars on a figure, as `draw`; return the axes of the observation.

    ``range_R`` is not used for another emission.
    """
    panels: list[Axes] = list(figure.subplots(1, 1 + raw + (beside is not None), squeeze=False)[0])
    range_R = range_R or choose_range(observation)
    if raw:
        before = replace(observation, brightness_R=observation.raw_brightness_R)
        draw_axes(panels[0], before, canvas, (), range_R)
        panels[0].set_title("before cleaning", fontsize=9)
    axes = panels[int(raw)]
    add_scale(draw_axes(axes, observation, canvas, auroras, range_R), panels[: raw + 1], observation.emission)
    if beside is not None:
        image = draw_axes(panels[-1], beside, canvases.fit(beside), auroras, choose_range(beside))
        panels[-1].set_title(f"{beside.emission.name} nm, with the outlines of {observation.emission.name}", fontsize=9)
        add_scale(image, panels[-1:], beside.emission)
    return axes


def add_scale(image: AxesImage, panels: Sequence[Axes], emission: Emission) -> None:
    """Add the color bar of an image beside its panels."""
    figure = panels[0].figure
    bar = figure.colorbar(image, ax=list(panels), label=f"{emission.name} nm, R", shrink=0.8, extend="both")
    label_logarithmic(bar.ax.yaxis)


def label_logarithmic(axis: Axis) -> None:
    """Label a logarithmic axis with 1, 2, 5, 10 and so on."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_formatter(NullFormatter())


def draw_axes(
    axes: Axes, observation: Observation, canvas: Canvas, auroras: Sequence[Aurora], range_R: Range | None = None
) -> AxesImage:
    """Draw an observation with its auroras on axes; return the image, for a color bar."""
    brightness_R = to_canvas(observation.brightness_R, canvas, np.nan)
    image = draw_brightness(axes, brightness_R, range_R or choose_range(observation))
    perspective = observation.perspective
    if perspective is not None:
        draw_grid(axes, perspective)
        write_note(axes, f"{describe_positions(perspective)}{_describe_season(observation)}")
        for aurora in auroras:
            for line in project_outlines(aurora, observation.emission.shell_km, perspective):
                axes.plot(*line, color="lime", linewidth=1)
    for aurora in auroras:
        corners = (aurora.box_x0, aurora.box_y0, aurora.box_x1, aurora.box_y1)
        is_own = aurora.emission == observation.emission.name
        draw_box(
            axes, corners, f"{aurora.detection}: {_describe_brightness(aurora)}" if is_own else f"{aurora.detection}"
        )
    title = f"{observation.facts.name}\n{observation.facts.start_utc} UTC   {describe_count(count_auroras(auroras))}"
    axes.set_title(title, fontsize=9, parse_math=False)
    return image


def draw_brightness(axes: Axes, brightness_R: FloatArray, range_R: Range) -> AxesImage:
    """Draw brightness (480, 640) in R on a logarithmic scale; what is not known is gray."""
    axes.set_facecolor("0.2")
    shown = np.clip(brightness_R, range_R[0], None)
    image = axes.imshow(shown, cmap="inferno", norm=LogNorm(*range_R), interpolation="nearest")
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0), xticks=[], yticks=[])
    return image


def draw_box(axes: Axes, corners: tuple[float, float, float, float], text: str) -> None:
    """Draw a box with a text above it."""
    x0, y0, x1, y1 = corners
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor="cyan", linewidth=1))
    axes.text(x0, y0, text, color="cyan", fontsize=8, va="bottom", path_effects=OUTLINED)


def write_note(axes: Axes, text: str) -> None:
    """Write a line into the lower left corner."""
    note = axes.text(0.01, 0.012, text, transform=axes.transAxes, color="white", fontsize=7, parse_math=False)
    note.set_path_effects(OUTLINED)


def project_outlines(aurora: Aurora, shell_km: float, perspective: Perspective) -> list[NDArray[Any]]:
    """Return the outlines of an aurora on the canvas, each (2, N) in px; NaN where Mars hides them."""
    rings = [part.exterior for part in shapely.get_parts(shapely.from_wkt(aurora.outline_wkt))]
    points = [shapely.get_coordinates(shapely.segmentize(ring, 1.0)).T for ring in rings]
    return [np.stack(project_points(lat, lon, shell_km, perspective)) for lon, lat in points]


def describe_count(auroras: int) -> str:
    """Format a number of auroras."""
    return f"{auroras} aurora{'' if auroras == 1 else 's'}"


def _describe_brightness(aurora: Aurora) -> str:
    return f"{aurora.mean_brightness_R:.1f} R" if aurora.has_signal else "no signal"


def _describe_season(observation: Observation) -> str:
    longitude = observation.facts.solar_longitude_deg
    return "" if longitude is None else f"   Ls {longitude:.0f}°"
