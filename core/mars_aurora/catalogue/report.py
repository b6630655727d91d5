"""The report of a run: one HTML file that works offline and requests nothing from a server.

Pictures are not embedded; the page loads those in the run folder when they are scrolled into view.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import shapely
from jinja2 import Environment, StrictUndefined

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue import summary
from mars_aurora.readers.names import parse_name
from mars_aurora.run.keys import RunKeys, RunPaths
from mars_aurora.run.ledger import PICTURED, TOO_FEW_OBJECTS, Outcome, Record, count_outcomes
from mars_aurora.run.provenance import Provenance

LAMBDA_USD_PER_GB_S, INSTANCE_USD_PER_H = 0.00001667, 0.1345  # prices of the published pipeline, us-east-1
PRICES_OF = "prices of the published pipeline, AWS us-east-1, 2023; current prices may differ"
_LAMBDA_S, _LAMBDA_GB = 4.0, 0.5  # upper limit per input: the published 4 s, in the smallest function used
_TRANSFORM_START_S, _TRANSFORM_S = 300.0, 0.1

_SAMPLE = 24
_MOST_TROUBLES = 500  # rejected and failed inputs that are listed on the page
_MAP_COLUMNS = ("name", "detection", "lat_deg", "lon_deg", "local_time_h", "mean_brightness_R", "area_km2", "aurora_id")


def build(  # noqa: PLR0913, PLR0917 -- all contents of the page
    keys: RunKeys,
    records: Sequence[Record],
    auroras: Sequence[Aurora],
    products: Sequence[str],
    provenance: Provenance,
    searched_km2: float = 0.0,
    elapsed_s: float | None = None,
    detected: str = "",
) -> bytes:
    """Build the HTML page.

    Parameters
    ----------
    keys : RunKeys
        Keys of the run.
    records : sequence of Record
        The ledger.
    auroras : sequence of Aurora
        All sightings, joined.
    products : sequence of str
        Names of the files to link to, in the folder of the page.
    provenance : Provenance
        What made the results.
    searched_km2 : float
        Area of Mars that was searched, over all inputs.
    elapsed_s : float, optional
        Duration of the run.
    detected : str
        Where the candidates were detected and why; empty for a local run.
    """
    template = files("mars_aurora.catalogue").joinpath("templates/report.html.j2").read_text()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    counts = count_outcomes(records)
    page = environment.from_string(template).render(
        run_id=keys.run_id,
        provenance=provenance.to_dict(),
        listed=len(records),
        counts={outcome: count for outcome, count in counts.items() if outcome != Outcome.CANDIDATE},
        balances=sum(counts.values()) == len(records) and not counts[Outcome.CANDIDATE],
        sightings=len(auroras),
        auroras=len({aurora.aurora_id for aurora in auroras}),
        cost=_estimate_cost(records),
        searched_km2=searched_km2,
        elapsed_s=elapsed_s,
        detected=detected,
        dots=[_dot(aurora) for aurora in auroras],
        rings=[ring for aurora in auroras for ring in _rings(aurora)],
        histograms=[
            _histogram("Mean brightness, R", [aurora.mean_brightness_R for aurora in auroras]),
            _histogram("Area, km²", [aurora.area_km2 for aurora in auroras]),
        ],
        timeline=_timeline(records),
        troubles=[record for record in records if record.outcome in (Outcome.REJECTED, Outcome.FAILED)],
        most_troubles=_MOST_TROUBLES,
        reasons=summary.group_reasons(records),
        flags=summary.group_flags(records),
        residuals=summary.summarize_residuals(records),
        night=summary.summarize_night(records),
        removed=summary.summarize_cleaning(records),
        products=products,
        data=_embed({"pictures": _pictures(records, auroras), "sample": _sample(records)}),
    )
    return page.encode()


def count_pictures(records: Iterable[Record]) -> int:
    """Count the pictures that the page shows."""
    return sum(record.outcome in PICTURED for record in records)


def _estimate_cost(records: Sequence[Record]) -> dict[str, Any]:
    """Estimate the cost of the run on AWS from the prices and durations above."""
    candidates = sum(record.outcome in PICTURED and record.reason != TOO_FEW_OBJECTS for record in records)
    functions = len(records) * _LAMBDA_S * _LAMBDA_GB * LAMBDA_USD_PER_GB_S
    instance_s = (_TRANSFORM_START_S + candidates * _TRANSFORM_S) if candidates else 0.0
    return {
        "functions_usd": functions,
        "instance_usd": instance_s / 3600 * INSTANCE_USD_PER_H,
        "total_usd": functions + instance_s / 3600 * INSTANCE_USD_PER_H,
        "basis": (
            f"{len(records)} inputs x {_LAMBDA_S:g} s x {_LAMBDA_GB:g} GB at ${LAMBDA_USD_PER_GB_S:.8f} per GB-s; "
            f"ml.m5.large for {instance_s:.0f} s at ${INSTANCE_USD_PER_H} per h; {PRICES_OF}"
        ),
    }


def _pictures(records: Iterable[Record], auroras: Iterable[Aurora]) -> list[dict[str, Any]]:
    by_name: dict[str, list[Aurora]] = {}
    for aurora in auroras:
        by_name.setdefault(aurora.name, []).append(aurora)
    return [_picture(record, by_name.get(record.name, [])) for record in records if record.outcome in PICTURED]


def _picture(record: Record, auroras: Sequence[Aurora]) -> dict[str, Any]:
    """Collect the data of one picture for the page."""
    parsed = parse_name(record.name)
    paths = RunPaths()
    return {
        "name": record.name,
        "src": paths.detection(record.name) if record.outcome is Outcome.AURORA else paths.image(record.name),
        "outcome": record.outcome,
        "objects": record.objects,
        "mode": parsed.mode if parsed else "",
        "start": parsed.start_utc if parsed else "",
        "brightness": round(_largest(aurora.mean_brightness_R for aurora in auroras), 2),
        "confidence": round(_largest(aurora.confidence for aurora in auroras), 3),
        "auroras": [_facts(aurora) for aurora in auroras],
        **({"flags": " ".join(record.flags)} if record.flags else {}),
    }


def _largest(values: Iterable[float]) -> float:
    """Return the largest finite value; 0 if there is none."""
    return max(filter(np.isfinite, values), default=0.0)


def _facts(aurora: Aurora) -> dict[str, Any]:
    box = [round(side, 1) for side in (aurora.box_x0, aurora.box_y0, aurora.box_x1, aurora.box_y1)]
    columns = ("lat_deg", "lon_deg", "area_km2", "mean_brightness_R", "peak_brightness_R", "snr", "confidence")
    facts = {name: float(f"{getattr(aurora, name):.4g}") for name in columns if np.isfinite(getattr(aurora, name))}
    return {**facts, "box": box, "morphology": aurora.morphology, "flags": aurora.quality_flags, "id": aurora.aurora_id}


def _sample(records: Iterable[Record]) -> list[str]:
    """Draw a reproducible random sample of the discarded pictures."""
    discarded = [record.name for record in records if record.outcome is Outcome.DISCARDED]
    generator = random.Random(0)  # noqa: S311 -- not used for cryptography
    return sorted(generator.sample(discarded, min(_SAMPLE, len(discarded))))


def _dot(aurora: Aurora) -> dict[str, Any]:
    facts = {name: getattr(aurora, name) for name in _MAP_COLUMNS}
    brightness = float(np.clip(np.log10(max(aurora.mean_brightness_R, 1.0)) / np.log10(50), 0, 1))
    size = float(np.clip(np.sqrt(aurora.area_km2 / 1e6) * 3, 1.5, 6))
    shifted_h = (aurora.local_time_h + 12) % 24  # midnight at the center of the map
    return {**facts, "local_time_shifted": shifted_h, "brightness": round(brightness, 2), "size": round(size, 1)}


def _rings(aurora: Aurora) -> list[str]:
    """Return outlines as SVG points on a map of 360 x 180 units, with longitude to the right and north up."""
    parts = shapely.get_parts(shapely.from_wkt(aurora.outline_wkt))
    rings = [shapely.get_coordinates(part.simplify(0.5).exterior) for part in parts]
    return [" ".join(f"{lon:.1f},{90 - lat:.1f}" for lon, lat in ring) for ring in rings]


def _histogram(title: str, values: Sequence[float]) -> dict[str, Any]:
    """Count positive values in logarithmic bins."""
    good = np.array([value for value in values if np.isfinite(value) and value > 0])
    if not good.size:
        return {"title": title, "bars": []}
    low, high = np.log10(good.min()), np.log10(good.max())
    edges = np.logspace(low - 0.01, max(high, low + 0.3) + 0.01, 17)
    counts, _ = np.histogram(good, edges)
    bars = [
        {"label": f"{a:.3g} to {b:.3g}", "count": int(count)}
        for a, b, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    return {"title": title, "bars": bars}


def _timeline(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Count inputs, and inputs with auroras, by month of observation, or by day if all are within two months."""
    days = [(parsed.start_utc[:10], record.outcome) for record in records if (parsed := parse_name(record.name))]
    width = 7 if len({day[:7] for day, _ in days}) > 2 else 10
    listed = Counter(day[:width] for day, _ in days)
    found = Counter(day[:width] for day, outcome in days if outcome is Outcome.AURORA)
    return [{"label": when, "count": listed[when], "found": found[when]} for when in sorted(listed)]


def _embed(data: object) -> str:
    """Serialize as JSON that is safe inside a script element."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028")
