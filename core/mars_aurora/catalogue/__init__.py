"""The run as files: the ledger, and the catalogue of what was measured, in the formats of the field.

`write` puts all of them. Formats that need the extra ``formats`` are left out where it is not installed; the report
says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mars_aurora import report, sightings
from mars_aurora.aurora import Aurora
from mars_aurora.catalogue import geographic, labels, tables
from mars_aurora.keys import RunKeys
from mars_aurora.ledger import Record
from mars_aurora.storage import Storage

_WRITERS: dict[str, Callable[[Sequence[Aurora]], bytes]] = {
    "catalogue.csv": tables.to_csv,
    "catalogue.ecsv": tables.to_ecsv,
    "catalogue.vot": tables.to_votable,
    "auroras.csv": lambda auroras: tables.entries_to_csv(sightings.list_entries(auroras)),
    "catalogue.geojson": geographic.to_geojson,
    "catalogue.gpkg": geographic.to_geopackage,
    "catalogue.parquet": geographic.to_geoparquet,
}


def write(  # noqa: PLR0913 -- what a run leaves, and where to
    keys: RunKeys,
    records: Sequence[Record],
    auroras: Sequence[Aurora],
    storage: Storage,
    work: Storage | None = None,
    *,
    elapsed_s: float | None = None,
) -> list[str]:
    """Write the ledger and the catalogue, all formats, even when empty; return the keys written.

    ``work`` is where the run's pictures are; without it those of observation sets are not stitched.
    """
    joined = sightings.join(auroras)
    products = {"ledger.csv": tables.ledger_to_csv(records)}
    products |= {name: data for name, make in _WRITERS.items() if (data := make(joined))}
    products["annotations.coco.json"] = labels.to_coco(records, joined)
    products["labels.yolo.zip"] = labels.to_yolo(records, joined)
    products["regions.ds9.zip"] = labels.to_ds9(joined)
    products |= _stitch_sets(keys, records, work) if work else {}
    files = [name for name in products if "/" not in name]
    products["report.html"] = report.build(keys, records, joined, files, elapsed_s)
    for name, data in products.items():
        storage.put(keys.product(name), data)
    return [keys.product(name) for name in products]


def _stitch_sets(keys: RunKeys, records: Sequence[Record], work: Storage) -> dict[str, bytes]:
    """Lay the swaths of each observation set of two or more on one disk."""
    pictured = [record for record in records if record.outcome in labels.PICTURED]
    members: dict[str, list[str]] = {}
    for name, first in sightings.group_sets(record.name for record in pictured).items():
        members.setdefault(first, []).append(name)
    return {
        f"sets/{first}.png": sightings.stitch([work.get(keys.image(name)) for name in names])
        for first, names in members.items()
        if len(names) > 1
    }
