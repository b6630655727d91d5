"""The run card: one HTML file that shows a run, opens offline and asks no server for anything.

Pictures are not in it: it links to those that lie beside it, and loads them when they come into view.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import numpy as np
import shapely
from jinja2 import Environment, StrictUndefined

from mars_aurora import __version__
from mars_aurora.aurora import Aurora
from mars_aurora.readers.names import parse_name
from mars_aurora.run.keys import RunKeys
from mars_aurora.run.ledger import Outcome, Record, count_outcomes

LAMBDA_USD_PER_GB_S, INSTANCE_USD_PER_H = 0.00001667, 0.1345  # as the paper has them, us-east-1
PRICES_OF = "the paper's prices, AWS us-east-1, 2023: check before you rely on them"
_LAMBDA_S, _LAMBDA_GB = 4.0, 0.5  # an image's share, at most: the paper's 4 s, on the smallest function used
_TRANSFORM_START_S, _TRANSFORM_S = 300.0, 0.1

_SHOWN = (Outcome.AURORA, Outcome.NO_AURORA, Outcome.DISCARDED)
_SAMPLE = 24
_MAP_COLUMNS = ("name", "detection", "lat_deg", "lon_deg", "local_time_h", "mean_brightness_R", "area_km2", "aurora_id")


def build(
    keys: RunKeys,
    records: Sequence[Record],
    auroras: Sequence[Aurora],
    products: Sequence[str],
    elapsed_s: float | None = None,
) -> bytes:
    """Build the page; ``products`` are names of files beside it, to link to, ``elapsed_s`` what the run took."""
    template = files("mars_aurora.catalogue").joinpath("templates/report.html.j2").read_text()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    counts = count_outcomes(records)
    page = environment.from_string(template).render(
        run_id=keys.run_id,
        version=__version__,
        listed=len(records),
        counts={outcome: count for outcome, count in counts.items() if outcome != Outcome.CANDIDATE},
        balances=sum(counts.values()) == len(records) and not counts[Outcome.CANDIDATE],
        sightings=len(auroras),
        auroras=len({aurora.aurora_id for aurora in auroras}),
        cost=_estimate_cost(records),
        elapsed_s=elapsed_s,
        dots=[_dot(aurora) for aurora in auroras],
        rings=[ring for aurora in auroras for ring in _rings(aurora)],
        histograms=[
            _histogram("Mean brightness, R", [aurora.mean_brightness_R for aurora in auroras]),
            _histogram("Area, km²", [aurora.area_km2 for aurora in auroras]),
        ],
        timeline=_timeline(records),
        troubles=[record for record in records if record.outcome in (Outcome.REJECTED, Outcome.FAILED)],
        reasons=Counter(r.reason for r in records if r.outcome in (Outcome.REJECTED, Outcome.FAILED)).most_common(),
        products=products,
        data=_embed({"pictures": _pictures(records, auroras), "sample": _sample(records)}),
    )
    return page.encode()


def _estimate_cost(records: Sequence[Record]) -> dict[str, Any]:
    """Estimate what the run costs on AWS, by stated prices and shares."""
    candidates = sum(record.outcome in (Outcome.AURORA, Outcome.NO_AURORA) for record in records)
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
    of: dict[str, list[Aurora]] = {}
    for aurora in auroras:
        of.setdefault(aurora.name, []).append(aurora)
    return [_picture(record, of.get(record.name, [])) for record in records if record.outcome in _SHOWN]


def _picture(record: Record, auroras: Sequence[Aurora]) -> dict[str, Any]:
    """Say what the page knows of one picture; short names, as there may be thousands."""
    parsed = parse_name(record.name)
    folder = "detections" if record.outcome is Outcome.AURORA else "images"
    return {
        "name": record.name,
        "src": f"{folder}/{record.name}.png",
        "outcome": record.outcome,
        "objects": record.objects,
        "mode": parsed.mode if parsed else "",
        "start": parsed.start_utc if parsed else "",
        "brightness": round(max((aurora.mean_brightness_R for aurora in auroras), default=0.0), 2),
        "confidence": round(max((aurora.confidence for aurora in auroras), default=0.0), 3),
        "auroras": [_facts(aurora) for aurora in auroras],
    }


def _facts(aurora: Aurora) -> dict[str, Any]:
    box = [round(side, 1) for side in (aurora.box_x0, aurora.box_y0, aurora.box_x1, aurora.box_y1)]
    figures = ("lat_deg", "lon_deg", "area_km2", "mean_brightness_R", "peak_brightness_R", "snr", "confidence")
    facts = {name: float(f"{getattr(aurora, name):.4g}") for name in figures if np.isfinite(getattr(aurora, name))}
    return {**facts, "box": box, "morphology": aurora.morphology, "flags": aurora.quality_flags, "id": aurora.aurora_id}


def _sample(records: Iterable[Record]) -> list[str]:
    """Draw discarded pictures for a person to review; the same ones each time."""
    discarded = [record.name for record in records if record.outcome is Outcome.DISCARDED]
    chance = random.Random(0)  # noqa: S311 -- a sample, not a secret
    return sorted(chance.sample(discarded, min(_SAMPLE, len(discarded))))


def _dot(aurora: Aurora) -> dict[str, Any]:
    facts = {name: asdict(aurora)[name] for name in _MAP_COLUMNS}
    light = float(np.clip(np.log10(max(aurora.mean_brightness_R, 1.0)) / np.log10(50), 0, 1))
    size = float(np.clip(np.sqrt(aurora.area_km2 / 1e6) * 3, 1.5, 6))
    midnight_centred_h = (aurora.local_time_h + 12) % 24
    return {**facts, "local_time_shifted": midnight_centred_h, "light": round(light, 2), "size": round(size, 1)}


def _rings(aurora: Aurora) -> list[str]:
    """Outlines as SVG points on a map of 360 x 180 units, longitude to the right, north up."""
    parts = shapely.get_parts(shapely.from_wkt(aurora.outline_wkt))
    rings = [shapely.get_coordinates(part.simplify(0.5).exterior) for part in parts]
    return [" ".join(f"{lon:.1f},{90 - lat:.1f}" for lon, lat in ring) for ring in rings]


def _histogram(title: str, values: Sequence[float]) -> dict[str, Any]:
    """Count values in bins of equal ratio."""
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
    """Count inputs and those with auroras by month of observation (by day where all lie within two months)."""
    days = [(parsed.start_utc[:10], record.outcome) for record in records if (parsed := parse_name(record.name))]
    width = 7 if len({day[:7] for day, _ in days}) > 2 else 10
    listed = Counter(day[:width] for day, _ in days)
    found = Counter(day[:width] for day, outcome in days if outcome is Outcome.AURORA)
    return [{"label": when, "count": listed[when], "found": found[when]} for when in sorted(listed)]


def _embed(data: object) -> str:
    """Write JSON that may stand in a script element."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028")
