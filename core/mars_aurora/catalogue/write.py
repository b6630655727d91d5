"""Write the products of a run: the ledger, the catalogue in all formats, labels, stitched pictures and the report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue import geographic, labels, report, sightings, tables
from mars_aurora.run.escaping import escape_row
from mars_aurora.run.keys import CATALOGUE, LEDGER, RunKeys
from mars_aurora.run.ledger import Record, count_outcomes
from mars_aurora.run.provenance import Provenance
from mars_aurora.run.storage import Storage

REPORT, RUN = "report.html", "run.json"


def write_products(  # noqa: PLR0913, PLR0917 -- contents and destination of the products
    keys: RunKeys,
    records: Sequence[Record],
    auroras: Sequence[Aurora],
    provenance: Provenance,
    storage: Storage,
    work: Storage | None = None,
    *,
    elapsed_s: float | None = None,
) -> list[str]:
    """Write all products, even if there are no auroras; return their keys.

    Formats that require the extra ``formats`` are omitted if it is not installed. The ledger is written first, so that
    it is written even if another product fails, and run.json last: without it, the products are incomplete.

    Parameters
    ----------
    keys : RunKeys
        Keys of the run.
    records : sequence of Record
        The ledger.
    auroras : sequence of Aurora
        All sightings, not joined yet.
    provenance : Provenance
        What made the results; the digest of the ledger is added.
    storage : Storage
        Destination of the products.
    work : Storage, optional
        Storage of the pictures of the run; without it, no pictures of observation sets are stitched.
    elapsed_s : float, optional
        Duration of the run for the report.
    """
    storage.delete(keys.product(RUN))
    ledger = tables.ledger_to_csv(records)
    storage.put(keys.product(LEDGER), ledger)
    provenance = replace(provenance, ledger_sha256=hashlib.sha256(ledger).hexdigest())
    joined = sightings.join(auroras)
    written = [LEDGER]
    for name, make in _makers([escape_row(record) for record in records], map(escape_row, joined), provenance).items():
        if data := make():
            storage.put(keys.product(name), data)
            written.append(name)
        else:
            storage.delete(keys.product(name))  # of an earlier run with the extra
    sets = _stitch_sets(keys, records, work, storage) if work else []
    page = report.build(keys, records, joined, written, provenance, elapsed_s)
    storage.put(keys.product(REPORT), page)
    storage.put(keys.product(RUN), _describe_run(keys, records, auroras, provenance))
    return [*map(keys.product, written), *sets, keys.product(REPORT), keys.product(RUN)]


def _makers(
    records: Sequence[Record], rows: Iterable[Aurora], provenance: Provenance
) -> dict[str, Callable[[], bytes]]:
    """Return what makes each product of the catalogue, from records and joined sightings whose texts are escaped."""
    auroras = list(rows)
    return {
        "catalogue.csv": lambda: tables.to_csv(auroras),
        CATALOGUE: lambda: tables.to_ecsv(auroras, provenance),
        "catalogue.vot": lambda: tables.to_votable(auroras, provenance),
        "auroras.csv": lambda: tables.entries_to_csv(sightings.list_entries(auroras)),
        "catalogue.geojson": lambda: geographic.to_geojson(auroras, provenance),
        "catalogue.gpkg": lambda: geographic.to_geopackage(auroras, provenance),
        "catalogue.parquet": lambda: geographic.to_geoparquet(auroras, provenance),
        "annotations.coco.json": lambda: labels.to_coco(records, auroras, provenance),
        "labels.yolo.zip": lambda: labels.to_yolo(records, auroras, provenance),
        "regions.ds9.zip": lambda: labels.to_ds9(auroras, provenance),
    }


def _describe_run(keys: RunKeys, records: Sequence[Record], auroras: Sequence[Aurora], provenance: Provenance) -> bytes:
    facts = {"run_id": keys.run_id, **provenance.to_dict(), "inputs": len(records), "auroras": len(auroras)}
    return json.dumps(facts | {"counts": count_outcomes(records)}, indent=2).encode()


def _stitch_sets(keys: RunKeys, records: Sequence[Record], work: Storage, storage: Storage) -> list[str]:
    """Write one picture of each observation set of two or more swaths; return the keys."""
    pictured = [record for record in records if record.outcome in labels.PICTURED]
    members: dict[str, list[str]] = {}
    for name, first in sightings.group_sets(record.name for record in pictured).items():
        members.setdefault(first, []).append(name)
    sets = {first: names for first, names in members.items() if len(names) > 1}
    for first, names in sets.items():
        storage.put(keys.set_picture(first), sightings.stitch([work.get(keys.image(name)) for name in names]))
    return [keys.set_picture(first) for first in sets]
