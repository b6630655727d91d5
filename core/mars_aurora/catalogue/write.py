"""Write the products of a run: the ledger, the catalogue in all formats, labels, stitched pictures and the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mars_aurora.aurora import Aurora
from mars_aurora.catalogue import geographic, labels, report, sightings, tables
from mars_aurora.run.keys import CATALOGUE, LEDGER, RunKeys
from mars_aurora.run.ledger import Record
from mars_aurora.run.storage import Storage

_WRITERS: dict[str, Callable[[Sequence[Aurora]], bytes]] = {
    "catalogue.csv": tables.to_csv,
    CATALOGUE: tables.to_ecsv,
    "catalogue.vot": tables.to_votable,
    "auroras.csv": lambda auroras: tables.entries_to_csv(sightings.list_entries(auroras)),
    "catalogue.geojson": geographic.to_geojson,
    "catalogue.gpkg": geographic.to_geopackage,
    "catalogue.parquet": geographic.to_geoparquet,
}


def write_products(  # noqa: PLR0913 -- contents and destination of the products
    keys: RunKeys,
    records: Sequence[Record],
    auroras: Sequence[Aurora],
    storage: Storage,
    work: Storage | None = None,
    *,
    elapsed_s: float | None = None,
) -> list[str]:
    """Write all products, even if there are no auroras; return their keys.

    Formats that require the extra ``formats`` are omitted if it is not installed.

    Parameters
    ----------
    keys : RunKeys
        Keys of the run.
    records : sequence of Record
        The ledger.
    auroras : sequence of Aurora
        All sightings, not joined yet.
    storage : Storage
        Destination of the products.
    work : Storage, optional
        Storage of the pictures of the run; without it, no pictures of observation sets are stitched.
    elapsed_s : float, optional
        Duration of the run for the report.
    """
    written: list[str] = []

    def put(name: str, data: bytes) -> None:
        storage.put(keys.product(name), data)
        written.append(name)

    put(LEDGER, tables.ledger_to_csv(records))  # first, so that it is written even if another product fails
    joined = sightings.join(auroras)
    for name, make in _WRITERS.items():
        if data := make(joined):
            put(name, data)
    put("annotations.coco.json", labels.to_coco(records, joined))
    put("labels.yolo.zip", labels.to_yolo(records, joined))
    put("regions.ds9.zip", labels.to_ds9(joined))
    sets = _stitch_sets(keys, records, work, storage) if work else []
    page = report.build(keys, records, joined, written, elapsed_s)
    storage.put(keys.product("report.html"), page)
    return [*map(keys.product, written), *sets, keys.product("report.html")]


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
