"""The report of a run: an HTML page that works offline and requests nothing from a server.

Pictures are not embedded; the page loads those in the run folder when they are scrolled into view. The rows of the
first 2,000 pictures and auroras are in the page, those of the others in parts beside it: scripts, since a browser does
not read other files from disk. Each part calls `addPart` of the page with its rows.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from itertools import islice
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from mars_aurora.aurora import Aurora, count_auroras
from mars_aurora.catalogue import report_rows, summary
from mars_aurora.catalogue.charts import color_stops, histogram, list_ticks, timeline
from mars_aurora.catalogue.entry import Entry
from mars_aurora.catalogue.labels import coco_categories
from mars_aurora.catalogue.place_names import PLACES
from mars_aurora.catalogue.rows import Rows
from mars_aurora.emission import find_emission
from mars_aurora.geometry.canvas import CENTER_X, CENTER_Y, DISK_RADIUS
from mars_aurora.run import costs
from mars_aurora.run.keys import RunKeys, RunPaths
from mars_aurora.run.ledger import PICTURED, Outcome, Record
from mars_aurora.run.provenance import Provenance
from mars_aurora.sphere import MARS_RADIUS_KM

REPORT = "report.html"
ROWS_IN_A_PART = 2000
_INSTANCE = "ml.c5.xlarge"  # the default of the stack
_SAMPLE = 24
_SCRIPTS = ("page", "geometry", "maps", "auroras", "pictures", "marks", "large", "start")


class File(NamedTuple):
    """A file of the report, and the number of pictures whose rows it has."""

    rows: int
    data: bytes


def build(  # noqa: PLR0913, PLR0917 -- all contents of the page
    keys: RunKeys,
    records: Rows[Record],
    auroras: Rows[Aurora],
    entries: Rows[Entry],
    products: Sequence[str],
    provenance: Provenance,
    searched_km2: float = 0.0,
    elapsed_s: float | None = None,
    detected: str = "",
) -> Iterator[tuple[str, File]]:
    """Build the page, and the further parts of its data, by name.

    Parameters
    ----------
    keys : RunKeys
        Keys of the run.
    records : rows of Record
        The ledger.
    auroras : rows of Aurora
        All sightings, joined, in the order of the records.
    entries : rows of Entry
        The auroras that they are joined to.
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
    emission = find_emission(provenance.emission)
    inputs = summary.summarize(records)
    counts = {outcome.value: inputs.counts[outcome.value] for outcome in Outcome}
    troubles = counts[Outcome.REJECTED] + counts[Outcome.FAILED]
    pictures = report_rows.list_pictures(records, auroras)
    joined = report_rows.list_auroras(entries, auroras)
    total = {"pictures": sum(counts[outcome] for outcome in PICTURED), "auroras": len(entries)}
    parts = range(2, 1 + -(-max(total.values()) // ROWS_IN_A_PART))
    sizes = [(entry.mean_brightness_R, entry.area_km2) for entry in entries]
    first, rows = _next_part(pictures, joined)
    page = _load_template().render(
        run_id=keys.run_id,
        style=_read("report.css"),
        script="".join(_read(f"report/{name}.js") for name in _SCRIPTS),
        provenance=provenance.to_dict(),
        listed=len(records),
        counts={outcome: count for outcome, count in counts.items() if outcome != Outcome.CANDIDATE},
        balances=sum(counts.values()) == len(records) and not counts[Outcome.CANDIDATE],
        sightings=count_auroras(auroras),
        auroras=len(entries),
        cost=_estimate_cost(inputs, detected) if detected else None,
        searched_km2=searched_km2,
        elapsed_s=elapsed_s,
        detected=detected,
        places=PLACES,
        picture_ticks=list_ticks(*emission.heatmap_R),
        histograms=[
            histogram("Mean brightness, R", [brightness_R for brightness_R, _ in sizes]),
            histogram("Area, thousand km²", [area_km2 / 1000 for _, area_km2 in sizes]),
        ],
        timeline=timeline(records),
        troubles=inputs.troubles,
        more_troubles=troubles - len(inputs.troubles),
        reasons=inputs.reasons,
        flags=inputs.flags,
        residuals=inputs.residuals,
        night=inputs.night,
        removed=inputs.removed,
        products=products,
        data=_embed(
            {
                "run": keys.run_id,
                "created": provenance.created_utc,
                "total": total,
                "parts": [RunPaths().report_part(part) for part in parts],
                "columns": report_rows.COLUMNS,
                "categories": coco_categories(),
                "disk": {"x": CENTER_X, "y": CENTER_Y, "radius": DISK_RADIUS, "km": MARS_RADIUS_KM},
                "stops": color_stops(),
                "sample": _sample(records, counts[Outcome.DISCARDED]),
            }
            | first
        ),
    )
    yield REPORT, File(rows, page.encode())
    for part in parts:
        content, rows = _next_part(pictures, joined)
        yield RunPaths().report_part(part), File(rows, f"addPart({_embed(content)});\n".encode())


def _next_part(pictures: Iterator[list[Any]], auroras: Iterator[list[Any]]) -> tuple[dict[str, Any], int]:
    """Return the rows of the next part, and the number of its pictures."""
    rows = list(islice(pictures, ROWS_IN_A_PART))
    return {"pictures": rows, "auroras": list(islice(auroras, ROWS_IN_A_PART))}, len(rows)


def _load_template() -> Template:
    environment = Environment(
        loader=PackageLoader("mars_aurora.catalogue"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _read(name: str) -> str:
    """Read a style sheet or a script of the page."""
    return (files("mars_aurora.catalogue") / "templates" / name).read_text()


def _estimate_cost(inputs: summary.Summary, detected: str) -> costs.Estimate:
    """Estimate the cost of a run in the cloud."""
    instance = _INSTANCE if detected.startswith("on SageMaker") else ""
    megabytes = inputs.megabytes / max(1, inputs.inputs)
    return costs.estimate(costs.Usage(inputs.inputs, inputs.candidates, megabytes, instance))


def _sample(records: Iterable[Record], discarded: int) -> list[str]:
    """Draw a reproducible random sample of the discarded pictures."""
    generator = random.Random(0)  # noqa: S311 -- not used for cryptography
    drawn = set(generator.sample(range(discarded), min(_SAMPLE, discarded)))
    names = (record.name for record in records if record.outcome is Outcome.DISCARDED)
    return sorted(name for number, name in enumerate(names) if number in drawn)


def _embed(data: object) -> str:
    """Serialize as JSON that is safe inside a script element."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028")
