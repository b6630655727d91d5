"""Write the products of a run: the ledger, the catalogue in all formats, labels and the report.

What was written is read back and counted before it is called a success.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Protocol

from mars_aurora.aurora import Aurora, count_auroras
from mars_aurora.background.exposure import NOTHING, Cells
from mars_aurora.catalogue import (
    exposure_table,
    geographic,
    jmars,
    labels,
    ledger_table,
    report,
    sightings,
    tables,
    votable,
)
from mars_aurora.catalogue.entries import Entry, list_entries
from mars_aurora.catalogue.verify import Written, verify_stored
from mars_aurora.run.escaping import escape_row
from mars_aurora.run.keys import EXPOSURE, LEDGER, PRODUCTS, RunKeys
from mars_aurora.run.ledger import Record, count_outcomes
from mars_aurora.run.provenance import Provenance
from mars_aurora.run.storage import Storage

RUN = "run.json"


class Verifier(Protocol):
    """How products are verified: ``map``, or a runner's process pool, which raises what a task raises; any order."""

    def __call__(self, function: Callable[[Written], None], written: Iterable[Written], /) -> Iterable[None]: ...


class Product(NamedTuple):
    """A product of the catalogue: the number of its rows, and what makes it."""

    rows: int
    make: Callable[[], bytes]


def write_products(  # noqa: PLR0913, PLR0917 -- contents and destination of the products
    keys: RunKeys,
    records: Sequence[Record],
    auroras: Sequence[Aurora],
    provenance: Provenance,
    storage: Storage,
    verifier: Verifier = map,
    *,
    exposure: Cells = NOTHING,
    elapsed_s: float | None = None,
    detected: str = "",
) -> list[str]:
    """Write all products, even if there are no auroras, and read them back; return their keys.

    Products of an earlier run are removed. Formats that require the extra ``maps`` or ``parquet`` are omitted if it is
    not installed. The ledger is written first, so that it is written even if another product fails, and run.json last:
    without it, the products are incomplete.

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
    verifier : Verifier
        How products are verified.
    exposure : Cells
        What was searched, joined over the run.
    elapsed_s : float, optional
        Duration of the run for the report.
    detected : str
        Where the candidates were detected and why, for the report; empty for a local run.

    Raises
    ------
    ProductError
        If a product cannot be read back, or lacks rows; run.json is not written.
    """
    for name in PRODUCTS:
        storage.delete(keys.product(name))
    written: list[Written] = []

    def put(name: str, rows: int, data: bytes) -> None:
        storage.put(keys.product(name), data)
        written.append(Written(keys.product(name), rows, hashlib.sha256(data).hexdigest()))

    put(LEDGER, len(records), ledger_table.to_csv(records))
    provenance = replace(provenance, ledger_sha256=written[0].sha256)
    rows = [escape_row(record) for record in records]
    joined = [escape_row(aurora) for aurora in sightings.join(auroras)]
    entries = list_entries(joined)
    for name, product in list_products(rows, joined, entries, provenance).items():
        if data := product.make():
            put(name, product.rows, data)
    put(EXPOSURE, exposure.size, exposure_table.to_fits(exposure, provenance))
    names = [item.key.removeprefix(keys.root) for item in written]
    searched_km2 = float(exposure["area_km2"].sum())
    for key in storage.list(keys.report_parts):
        storage.delete(key)
    for name, file in report.build(keys, rows, joined, entries, names, provenance, searched_km2, elapsed_s, detected):
        put(name, file.rows, file.data)
    for _ in verifier(partial(verify_stored, storage=storage), written):
        pass
    storage.put(keys.product(RUN), _describe_run(keys, records, auroras, provenance, written))
    return [*(item.key for item in written), keys.product(RUN)]


def list_products(
    records: Sequence[Record], auroras: Sequence[Aurora], entries: Sequence[Entry], provenance: Provenance
) -> dict[str, Product]:
    """Return the products by name, of records and joined sightings whose texts are escaped, and of their entries."""
    outlines = sum(len(aurora.native_outline.split(";")) for aurora in auroras)
    boxed = labels.count_boxes(records, auroras)
    return {
        **_list_tables(auroras, provenance, tables.DETECTIONS),
        **_list_tables(entries, provenance, tables.AURORAS),
        "jmars.csv": Product(len(entries), lambda: jmars.to_points(entries)),
        "jmars.shp.zip": Product(jmars.count_parts(entries), lambda: jmars.to_shapefile(entries)),
        "annotations.coco.json": Product(boxed, lambda: labels.to_coco(records, auroras, provenance)),
        "labels.yolo.zip": Product(boxed, lambda: labels.to_yolo(records, auroras, provenance)),
        "regions.ds9.zip": Product(outlines, lambda: labels.to_ds9(auroras, provenance)),
    }


def _list_tables(rows: Sequence[tables.Row], provenance: Provenance, kind: tables.Kind) -> dict[str, Product]:
    """Return the files of a table by name."""
    makers: dict[str, Callable[[], bytes]] = {
        ".csv": lambda: tables.to_csv(rows, kind),
        ".ecsv": lambda: tables.to_ecsv(rows, provenance, kind),
        ".vot": lambda: votable.to_votable(rows, provenance, kind),
        ".geojson": lambda: geographic.to_geojson(rows, provenance, kind),
        ".gpkg": lambda: geographic.to_geopackage(rows, provenance, kind),
        ".parquet": lambda: geographic.to_geoparquet(rows, provenance, kind),
    }
    return {f"{kind.name}{suffix}": Product(len(rows), make) for suffix, make in makers.items()}


def _describe_run(
    keys: RunKeys,
    records: Sequence[Record],
    auroras: Sequence[Aurora],
    provenance: Provenance,
    written: Iterable[Written],
) -> bytes:
    facts = {"run_id": keys.run_id, **provenance.to_dict(), "inputs": len(records), "auroras": count_auroras(auroras)}
    digests = {item.key.removeprefix(keys.root): item.sha256 for item in written}
    return json.dumps(facts | {"counts": count_outcomes(records), "products_sha256": digests}, indent=2).encode()
