"""The figure of a whole run: where and when its auroras are, how bright and how large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mars_aurora.catalogue import plots
from mars_aurora.catalogue.charts import timeline
from mars_aurora.catalogue.entry import Entry
from mars_aurora.catalogue.place_names import PLACES
from mars_aurora.emission import Emission
from mars_aurora.geometry.outline import find_cut
from mars_aurora.run.ledger import Record

_MOST_LABELS = 6


def draw_overview(
    title: str,
    records: Sequence[Record],
    entries: Sequence[Entry],
    emission: Emission,
    style: plots.Style = plots.DEFAULT,
) -> bytes:
    """Draw the auroras of a run on a map, by local time, brightness, area and date, as a file."""
    figure = Figure(figsize=(12.8, 10.4), layout="constrained")
    panels = figure.subplot_mosaic([["map", "map"], ["time", "brightness"], ["date", "area"]], height_ratios=[2, 1, 1])
    norm = LogNorm(*(style.range_R or emission.night_figure_R))
    drawn = _draw_points(panels["map"], entries, [entry.lon_deg for entry in entries], norm)
    _draw_map(panels["map"], entries)
    bar = figure.colorbar(drawn, ax=panels["map"], label=f"mean {emission.name} nm, R", extend="both", shrink=0.9)
    plots.label_logarithmic(bar.ax.yaxis)
    _draw_points(panels["time"], entries, [(entry.local_time_h + 12) % 24 - 12 for entry in entries], norm)
    hours = range(-12, 13, 3)
    panels["time"].set(xlim=(-12, 12), ylim=(-90, 90), xlabel="local time, h", ylabel="latitude, °")
    panels["time"].set_xticks(hours, [str(hour % 24) for hour in hours])
    panels["time"].set_yticks(range(-90, 91, 30))
    panels["time"].grid(alpha=0.3)
    brightness_R = [entry.mean_brightness_R for entry in entries]
    _draw_histogram(panels["brightness"], brightness_R, f"mean {emission.name} nm, R")
    _draw_histogram(panels["area"], [entry.area_km2 / 1000 for entry in entries], "area, thousand km²")
    _draw_dates(panels["date"], records)
    figure.suptitle(title, fontsize=11, parse_math=False)
    return plots.save(figure, style)


def _draw_points(axes: Axes, entries: Sequence[Entry], x: Sequence[float], norm: LogNorm) -> PathCollection:
    """Draw auroras at a position and their latitude: brightness as color, area as area."""
    return axes.scatter(
        x,
        [entry.lat_deg for entry in entries],
        c=[entry.mean_brightness_R for entry in entries],
        s=[_find_size(entry.area_km2) for entry in entries],
        cmap="inferno",
        norm=norm,
        edgecolors="0.4",
        linewidths=0.5,
        zorder=3,
    )


def _find_size(area_km2: float) -> float:
    """Return the area of the marker of an aurora, in square points."""
    return 10 + area_km2 / 3e4


def _draw_map(axes: Axes, entries: Sequence[Entry]) -> None:
    """Draw the outlines and the names of regions."""
    edges = [edge for entry in entries for edge in _list_edges(entry.outline_wkt)]
    axes.add_collection(LineCollection(edges, colors="0.35", linewidths=0.7))
    for area_km2 in (1e5, 1e6, 5e6):
        axes.scatter([], [], _find_size(area_km2), color="0.6", label=f"{area_km2 / 1e6:g} million km²")
    axes.legend(fontsize=7, loc="upper right", labelspacing=1.2)
    for place in PLACES:
        axes.text(
            place.lon_deg,
            place.lat_deg,
            place.name,
            ha="center",
            va="center",
            fontsize=7,
            color="0.5",
            style="italic",
            clip_on=True,
        )
    axes.set(xlim=(0, 360), ylim=(-90, 90), aspect="equal", xlabel="east longitude, °", ylabel="latitude, °")
    axes.set_xticks(range(0, 361, 30))
    axes.set_yticks(range(-90, 91, 30))
    axes.grid(alpha=0.3)


def _list_edges(outline_wkt: str) -> list[NDArray[Any]]:
    """Return the edges (2, 2) of an outline."""
    rings = [shapely.get_coordinates(part.exterior) for part in shapely.get_parts(shapely.from_wkt(outline_wkt))]
    return [edge for ring in rings for edge in np.stack([ring[:-1], ring[1:]], axis=1)[~find_cut(ring)]]


def _draw_histogram(axes: Axes, values: Sequence[float], label: str) -> None:
    good = [value for value in values if np.isfinite(value) and value > 0]
    if good:
        edges = np.geomspace(min(good) * 0.99, max(*good, 2 * min(good)) * 1.01, 17)
        axes.hist(good, edges.tolist(), color="0.4")
    axes.set(xscale="log", xlabel=label, ylabel="auroras")
    plots.label_logarithmic(axes.xaxis)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_dates(axes: Axes, records: Sequence[Record]) -> None:
    bars = timeline(records)
    place = np.arange(len(bars))
    axes.bar(place, [bar["count"] for bar in bars], color="0.8", label="inputs")
    axes.bar(place, [bar["found"] for bar in bars], color="C1", label="with auroras")
    shown = place[:: max(1, -(-len(bars) // _MOST_LABELS))]
    axes.set_xticks(shown, [bars[index]["label"] for index in shown])
    axes.set(xlabel="date of observation", ylabel="inputs")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=8)
