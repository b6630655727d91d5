"""Data of the charts of the report: histograms, the time line, and the scales of brightness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from mars_aurora.picture.palette import inferno
from mars_aurora.readers.names import parse_name
from mars_aurora.run.ledger import Outcome, Record

_STOPS = 17  # colors of a scale, between which it is linear
_MOST_DAYS: dict[Literal["D", "M", "Y"], int] = {"D": 62, "M": 3660}  # of a chart by day, by month


def color_stops() -> list[str]:
    """Return colors of the palette of the pictures at equal steps, from the darkest."""
    levels = np.linspace(1, 255, _STOPS).round().astype(int)
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in inferno()[levels]]


def list_ticks(low: float, high: float) -> list[dict[str, Any]]:
    """Return labels 1, 3, 10, 30 ... of a logarithmic scale, with their positions as fractions of it."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    values = [float(f"{digit}e{decade}") for decade in decades for digit in (1, 3)]
    return [
        {"label": f"{value:g}", "position": round(float(np.log(value / low) / np.log(high / low)), 4)}
        for value in values
        if low <= value <= high
    ]


def histogram(title: str, values: Sequence[float]) -> dict[str, Any]:
    """Count positive values in 16 logarithmic bins; ``ticks`` are those of its axis."""
    good = np.array([value for value in values if np.isfinite(value) and value > 0])
    if not good.size:
        return {"title": title, "bars": [], "ticks": []}
    low, high = np.log10(good.min()), np.log10(good.max())
    edges = np.logspace(low - 0.01, max(high, low + 0.3) + 0.01, 17)
    counts, _ = np.histogram(good, edges)
    bars = [
        {"label": f"{a:.3g} to {b:.3g}", "count": int(count)}
        for a, b, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    return {"title": title, "bars": bars, "ticks": list_ticks(edges[0], edges[-1])}


def timeline(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Count inputs, and inputs with auroras, by day, month or year of observation, as they fit in a chart.

    Days, months or years without inputs between others are included.
    """
    days, with_auroras = Counter[str](), Counter[str]()
    for record in records:
        if parsed := parse_name(record.name):
            days[parsed.start_utc[:10]] += 1
            with_auroras[parsed.start_utc[:10]] += record.outcome is Outcome.AURORA
    if not days:
        return []
    dates = np.array(list(days), "datetime64[D]")
    span_days = np.ptp(dates) / np.timedelta64(1, "D")
    unit: Literal["D", "M", "Y"] = next((unit for unit, most in _MOST_DAYS.items() if span_days < most), "Y")
    axis = dates.astype(f"datetime64[{unit}]")
    width = len(str(axis[0]))
    listed, found = Counter[str](), Counter[str]()
    for day, inputs in days.items():
        listed[day[:width]] += inputs
        found[day[:width]] += with_auroras[day]
    labels = np.arange(axis.min(), axis.max() + np.timedelta64(1, unit)).astype(str).tolist()
    return [{"label": when, "count": listed[when], "found": found[when]} for when in labels]
